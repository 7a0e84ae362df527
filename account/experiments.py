"""What AWS leaves unsaid, asked of AWS itself: what the product assumes, and what AWS did.

Nothing here touches anything but the laboratory's schedules and two rules of the trial listener.
"""

import datetime
import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Finding:
    """One question, what the product assumes, and what was seen."""

    question: str
    assumed: str
    seen: str


class Laboratory:
    """Schedules with a queue as their target; the queue is emptied as it fills."""

    def __init__(self, client: Client, outputs: dict[str, str], patience_s: float) -> None:
        self.scheduler = client("scheduler")
        self.patience_s = patience_s
        self._sqs = client("sqs")
        self._outputs = outputs
        self._received: dict[str, float] = {}
        self._stopped = threading.Event()
        # Set when nobody waits for an answer any more.
        self.given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Laboratory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def request(self, name: str, at: float, text: str, after: str = "NONE") -> dict[str, Any]:
        """A one-time schedule that sends `text`."""
        return {
            "Name": name,
            "GroupName": self._outputs["Group"],
            "ScheduleExpression": expression(at),
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": after,
            "Target": {
                "Arn": self._outputs["QueueArn"],
                "RoleArn": self._outputs["RoleArn"],
                "Input": text,
            },
        }

    def fires(self, text: str, due: float) -> str:
        """When the message came, if it did."""
        while time.time() < due + self.patience_s and not self.given_up.is_set():
            if text in self._received:
                return f"fired {self._received[text] - due:+.0f} s after its time"
            time.sleep(0.5)
        return f"did not fire within {self.patience_s:.0f} s"

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                messages = self._sqs.receive_message(
                    QueueUrl=self._outputs["QueueUrl"], MaxNumberOfMessages=10, WaitTimeSeconds=2
                ).get("Messages", [])
                for message in messages:
                    self._received.setdefault(message["Body"], time.time())
                    self._sqs.delete_message(
                        QueueUrl=self._outputs["QueueUrl"], ReceiptHandle=message["ReceiptHandle"]
                    )
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                self._stopped.wait(1)


def expression(at: float) -> str:
    """A moment in the scheduler's words."""
    moment = datetime.datetime.fromtimestamp(at, tz=datetime.UTC)
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def attempt(call: Callable[..., Any], **arguments: Any) -> str:
    """`accepted`, or how it was refused."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        return "refused: {Code}: {Message}".format(**error.response["Error"])
    return "accepted"


def update_after_firing(lab: Laboratory, after: str, delay_s: float) -> Finding:
    """1 and 2: whether a one-time schedule that has fired fires again when it is updated."""
    name = f"again-{after.lower()}-{delay_s:.0f}"
    due = time.time() + 60
    attempt(lab.scheduler.create_schedule, **lab.request(name, due, f"{name}-1", after))
    first = lab.fires(f"{name}-1", due)
    lab.given_up.wait(delay_s)
    again = time.time() + 60
    updated = attempt(lab.scheduler.update_schedule, **lab.request(name, again, f"{name}-2", after))
    second = lab.fires(f"{name}-2", again) if updated == "accepted" else "no second time"
    return Finding(
        f"update {delay_s:.0f} s after firing, with {after} after completion",
        "unknown; nothing relies on it",
        f"first {first}; update {updated}; then {second}",
    )


def past(lab: Laboratory) -> list[Finding]:
    """3: a time that is over, on create and on update."""
    assumed = "either; wake-ups are booked a few seconds ahead at the least"
    before = time.time() - 120
    created = attempt(lab.scheduler.create_schedule, **lab.request("past", before, "past"))
    fired = lab.fires("past", time.time()) if created == "accepted" else "-"
    attempt(lab.scheduler.create_schedule, **lab.request("moved", time.time() + 3600, "never"))
    updated = attempt(lab.scheduler.update_schedule, **lab.request("moved", before, "moved"))
    then = lab.fires("moved", time.time()) if updated == "accepted" else "-"
    return [
        Finding("create at a past time", assumed, f"{created}; {fired}"),
        Finding("update to a past time", assumed, f"{updated}; {then}"),
    ]


def replay(lab: Laboratory) -> Finding:
    """4: the same creation twice, with the same token."""
    asked = lab.request("replay", time.time() + 3600, "replay") | {"ClientToken": "same-token"}
    attempt(lab.scheduler.create_schedule, **asked)
    return Finding(
        "create again with the same ClientToken",
        "accepted or ConflictException; both mean that it exists",
        attempt(lab.scheduler.create_schedule, **asked),
    )


def clock_changes(lab: Laboratory) -> list[Finding]:
    """5: local times that do not exist or occur twice."""
    found = []
    for what, moment in (("gap", "2027-03-28T02:30:00"), ("overlap", "2027-10-31T02:30:00")):
        asked = lab.request(f"clocks-{what}", 0, what) | {
            "ScheduleExpression": f"at({moment})",
            "ScheduleExpressionTimezone": "Europe/Berlin",
        }
        found.append(
            Finding(
                f"at() in a clock change's {what}",
                "unknown; only UTC is ever sent",
                attempt(lab.scheduler.create_schedule, **asked),
            )
        )
    return found


def rules(client: Client, listener_arn: str, ask: Callable[[dict[str, str]], str]) -> list[Finding]:
    """6 and 7: what a rule with a regular expression, and one with an escaped asterisk, become."""
    elb = client("elbv2")
    found = []
    for question, assumed, condition, look in (
        (
            "DescribeRules of a regular expression",
            "RegexValues may stand at the top as well; it is left out when restoring",
            {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/never-[0-9]+$"]}},
            lambda rule: str(rule["Conditions"]),
        ),
        (
            r"an http-header value with \*",
            "unknown; values with an asterisk are refused",
            {
                "Field": "http-header",
                "HttpHeaderConfig": {"HttpHeaderName": "x-trial", "Values": [r"a\*b"]},
            },
            lambda _: "a*b meets {}, axxb meets {}".format(
                ask({"x-trial": "a*b"}), ask({"x-trial": "axxb"})
            ),
        ),
    ):
        try:
            rule = elb.create_rule(
                ListenerArn=listener_arn,
                Priority=5,
                Conditions=[condition],
                Actions=[
                    {
                        "Type": "fixed-response",
                        "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"},
                    }
                ],
            )["Rules"][0]
        except botocore.exceptions.ClientError as error:
            found.append(Finding(question, assumed, f"refused: {error}"))
            continue
        try:
            # A load balancer takes some seconds to apply a rule.
            time.sleep(15)
            described = elb.describe_rules(RuleArns=[rule["RuleArn"]])["Rules"][0]
            found.append(Finding(question, assumed, look(described)))
        finally:
            elb.delete_rule(RuleArn=rule["RuleArn"])
    return found


def all_of(
    client: Client,
    lab: Laboratory,
    listener_arn: str,
    ask: Callable[[dict[str, str]], str],
    delays_s: tuple[float, ...] = (0, 20, 60),
) -> list[Finding]:
    """Every experiment that needs no edge, those that wait at the same time."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        try:
            waiting = [pool.submit(update_after_firing, lab, "NONE", 0.0)]
            waiting += [
                pool.submit(update_after_firing, lab, "DELETE", delay) for delay in delays_s
            ]
            over = pool.submit(past, lab)
            found = [replay(lab), *clock_changes(lab), *rules(client, listener_arn, ask)]
            return [one.result() for one in waiting] + over.result() + found
        except BaseException:
            # Leaving the pool waits for all of them.
            lab.given_up.set()
            raise


def status_of(address: str, port: int, host: str, headers: dict[str, str]) -> str:
    """The status of one plain request."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": host, **headers})
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
