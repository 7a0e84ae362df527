"""What AWS leaves unsaid, asked of AWS itself: what the product assumes, and what AWS did.

Nothing here touches anything but the laboratory's schedules and items, and two rules of the trial
listener.
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
        self.dynamodb = client("dynamodb")
        self.patience_s = patience_s
        self._sqs = client("sqs")
        self._outputs = outputs
        self.group = outputs["Group"]
        self.table = outputs["Table"]
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
            "GroupName": self.group,
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


def fires_and_goes(lab: Laboratory) -> Finding:
    """How late a one-time schedule fires, and whether it goes by itself."""
    due = time.time() + 60
    created = attempt(lab.scheduler.create_schedule, **lab.request("once", due, "once", "DELETE"))
    fired = lab.fires("once", due) if created == "accepted" else created
    deadline = time.time() + lab.patience_s
    there = "accepted"
    while there == "accepted" and time.time() < deadline and not lab.given_up.wait(1):
        there = attempt(lab.scheduler.get_schedule, GroupName=lab.group, Name="once")
    return Finding(
        "a one-time schedule that deletes itself",
        "fires up to a minute after its time, and is gone some time after that",
        f"{fired}; {'still there' if there == 'accepted' else 'then gone'}",
    )


def past(lab: Laboratory) -> Finding:
    """A time that is over."""
    before = time.time() - 120
    created = attempt(lab.scheduler.create_schedule, **lab.request("past", before, "past"))
    fired = lab.fires("past", time.time()) if created == "accepted" else "-"
    return Finding(
        "create at a past time",
        "either; wake-ups are booked ten seconds ahead at the least",
        f"{created}; {fired}",
    )


def created_twice(lab: Laboratory) -> list[Finding]:
    """The same creation again, with the same token and with another."""
    found = []
    asked = lab.request("twice", time.time() + 3600, "twice") | {"ClientToken": "same-token"}
    attempt(lab.scheduler.create_schedule, **asked)
    for token, assumed in (
        ("same-token", "accepted or ConflictException; both mean that it exists"),
        ("other-token", "ConflictException, which means that it exists"),
    ):
        again = attempt(lab.scheduler.create_schedule, **asked | {"ClientToken": token})
        found.append(Finding(f"create again with the {token}", assumed, again))
    return found


def conditional_writes(dynamodb: Any, table: str, people: int = 8, each: int = 20) -> Finding:
    """Whether a write that depends on a version ever overwrites another's."""

    def count_up() -> None:
        for _ in range(each):
            while not counted_up(dynamodb, table):
                pass

    key = item_key("race")
    dynamodb.put_item(TableName=table, Item=key | {"version": {"N": "0"}})
    with ThreadPoolExecutor(max_workers=people) as pool:
        for one in [pool.submit(count_up) for _ in range(people)]:
            one.result()
    version = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]["version"]
    return Finding(
        f"{people} writers at once, each {each} times on the version it read",
        f"{people * each} writes are counted",
        f"{version['N']} are",
    )


def counted_up(dynamodb: Any, table: str) -> bool:
    """Adds one to the version that was read, unless somebody else did meanwhile."""
    key = item_key("race")
    read = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]["version"]["N"]
    try:
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": table,
                        "Item": key | {"version": {"N": str(int(read) + 1)}},
                        "ConditionExpression": "#version = :read",
                        "ExpressionAttributeNames": {"#version": "version"},
                        "ExpressionAttributeValues": {":read": {"N": read}},
                    }
                }
            ]
        )
    except dynamodb.exceptions.TransactionCanceledException:
        return False
    return True


def reads_see_writes(dynamodb: Any, table: str, times: int = 50) -> Finding:
    """Whether a strongly consistent query misses what a transaction has just written."""
    missed = 0
    for number in range(times):
        put = {"TableName": table, "Item": item_key(f"seen-{number:03}")}
        dynamodb.transact_write_items(TransactItems=[{"Put": put}])
        answer = dynamodb.query(
            TableName=table,
            ConsistentRead=True,
            KeyConditionExpression="#scope = :scope AND begins_with(#id, :id)",
            ExpressionAttributeNames={"#scope": "scope", "#id": "id"},
            ExpressionAttributeValues={":scope": {"S": "trial"}, ":id": {"S": "seen-"}},
        )
        missed += answer["Count"] != number + 1
    return Finding("a query right after a transaction", "sees it", f"missed {missed} of {times}")


def item_key(name: str) -> dict[str, dict[str, str]]:
    """The key of one of the laboratory's items."""
    return {"scope": {"S": "trial"}, "id": {"S": name}}


def clock_changes(lab: Laboratory) -> list[Finding]:
    """Local times that do not exist or occur twice."""
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
    """What a rule with a regular expression, and one with an escaped asterisk, become."""
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
) -> list[Finding]:
    """Every experiment that needs no edge, those that wait at the same time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        try:
            waiting = [pool.submit(fires_and_goes, lab), pool.submit(past, lab)]
            found = [
                *created_twice(lab),
                *clock_changes(lab),
                conditional_writes(lab.dynamodb, lab.table),
                reads_see_writes(lab.dynamodb, lab.table),
                *rules(client, listener_arn, ask),
            ]
            return [one.result() for one in waiting] + found
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
