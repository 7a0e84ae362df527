"""The local AWS as the measuring process sees it, and the worlds that transitions start from."""

import contextlib
import datetime
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import certificate
from bench.chain import Call
from bench.items import Item
from bench.runtime_api import Sandbox
from bench.services import rule_arn

ROOT = Path(__file__).resolve().parent.parent

# What a call takes where that is not left out, each way together; handshakes take none of it.
DELAYS_MS = {
    "elasticloadbalancing": 40,
    "scheduler": 40,
    "sns": 40,
    "cloudwatch": 40,
    "dynamodb": 5,
}
# The window that the transitions are about.
WINDOW = "database-move"
LENGTH = datetime.timedelta(hours=2)
# How many windows are over: one a week for the 400 days that the history is kept.
OVER = 400 // 7


class Bench:
    """The local AWS and the environment of the handlers."""

    def __init__(self, directory: Path, orders: int, environment: dict[str, str]) -> None:
        """`orders` is the port on which the local AWS takes orders."""
        self.directory, self._orders, self._environment = directory, orders, environment

    def environment(self, rules: int = 1) -> dict[str, str]:
        """What a handler finds in its environment."""
        arns = ",".join(rule_arn(number) for number in range(rules))
        return {**self._environment, "RULE_ARNS": arns}

    def order(self, path: str, **asked: object) -> object:
        """Tells the local AWS something; its answer."""
        url = f"http://127.0.0.1:{self._orders}{path}?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)

    def reset(self, rules: int = 1) -> None:
        """A new world with so many rules, whose calls take no time."""
        self.order("/delays")
        self.order("/reset", rules=rules)

    def keep(self, name: str) -> None:
        """Remembers the world as it is."""
        self.order("/keep", name=name)

    def restore(self, name: str) -> None:
        """Goes back to a world that was kept; its calls take no time."""
        self.order("/delays")
        self.order("/restore", name=name)
        self.order("/calls")

    def delay(self) -> None:
        """Lets every call take its time from now on."""
        self.order("/delays", **DELAYS_MS)

    def calls(self) -> list[Call]:
        """The calls since this was last asked."""
        return [Call(**call) for call in self.order("/calls")]

    def items(self, scope: str) -> list[Item]:
        """The items of the table in one scope."""
        return self.order("/items", scope=scope)


@contextlib.contextmanager
def local_aws() -> Iterator[Bench]:
    """The local AWS, trusted by what runs in its environment and by nothing else."""
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        directory = Path(temporary)
        authority, *pair = certificate.make(directory)
        # Among as many others as a system has: loading them is part of a start.
        trusted = directory / "trusted.pem"
        trusted.write_bytes(authority.read_bytes() + system_authorities())
        command = [sys.executable, "-m", "bench.aws", *map(str, pair)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            try:
                ports = json.loads(process.stdout.readline())
                yield Bench(directory, ports["orders"], handler_environment(ports, trusted))
            finally:
                process.stdin.close()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def system_authorities() -> bytes:
    """The certificates that botocore or the system brings; about as many as Lambda's image has."""
    import certifi

    return Path(certifi.where()).read_bytes()


def handler_environment(ports: dict[str, int], trusted: Path) -> dict[str, str]:
    """Lambda's variables and ours; nothing of the caller's environment but the path."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_SESSION_TOKEN": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": f"https://localhost:{ports['elasticloadbalancing']}",
        "AWS_ENDPOINT_URL_DYNAMODB": f"https://localhost:{ports['dynamodb']}",
        "AWS_ENDPOINT_URL_SCHEDULER": f"https://localhost:{ports['scheduler']}",
        "AWS_ENDPOINT_URL_SNS": f"https://localhost:{ports['sns']}",
        "AWS_ENDPOINT_URL_CLOUDWATCH": f"https://localhost:{ports['cloudwatch']}",
        "SSL_CERT_FILE": str(trusted),
        "AWS_CA_BUNDLE": str(trusted),
        "AWS_LAMBDA_FUNCTION_NAME": "maintenance",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
        "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "BYPASS_HEADER_NAME": "x-maintenance-bypass",
        "BYPASS_HEADER_VALUE": "bench-secret-0123456789-0123456789",
        "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:maintenance",
        "TABLE_NAME": "maintenance",
        "SCHEDULE_GROUP": "maintenance",
        "SCHEDULER_ROLE_ARN": "arn:aws:iam::123456789012:role/maintenance-scheduler",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@dataclass(frozen=True)
class Transition:
    """One event in one world."""

    name: str
    world: str
    event: dict
    # What the function answers, so that nothing else is measured by mistake.
    outcome: str
    # What the boto3 script does instead, if it can.
    boto: dict | None = None
    # Whether it is run in new processes, too.
    cold: bool = False
    # Among how many booked windows, where it is run among several numbers of them.
    booked: int | None = None


def on() -> dict:
    """The event that starts a window."""
    return {"action": "on", "duration": "PT2H", "reason": "bench"}


def off() -> dict:
    """The event that ends it."""
    return {"action": "off"}


def booking(name: str, start: datetime.datetime) -> dict:
    """The event that books a window, with all that people usually say."""
    return {
        "action": "book",
        "id": name,
        "start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration": "PT2H",
        "timezone": "Europe/Zurich",
        "reason": "PostgreSQL 18",
        "requested_by": "sara@example.com",
        "message": "We are back at four in the morning.",
    }


def look() -> dict:
    """What the stack's dashboard sends for its console, with every part of the page."""
    event = json.loads((ROOT / "events/console/look.json").read_text())
    del event["show"], event["widgetContext"]["params"]["show"]
    return event


def outcome(answer: dict | str) -> str:
    """What an invocation came to; a page that could not show all is none."""
    if isinstance(answer, dict):
        return answer.get("outcome", "")
    return "page" if WINDOW in answer and "could not" not in answer else answer


def books_due(bench: Bench, now: datetime.datetime) -> None:
    """As if the minutes after an end had passed, so that a sweep counts who was turned away."""
    for found in bench.items("now"):
        if found["id"]["S"].startswith("after#"):
            bench.order("/set", id=found["id"]["S"], due=text(now))


def worlds(bench: Bench, command: list[str], counts: tuple[int, ...]) -> list[Transition]:
    """Makes every world with the function itself, and names the transitions between them.

    The local AWS moves a window's times into the past, so that nothing waits for them.
    """
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    tomorrow = now + datetime.timedelta(days=1)
    item = f"window#{WINDOW}"
    book, sweep = booking(WINDOW, tomorrow), {"action": "sweep"}
    bench.reset()
    with Sandbox(command, bench.environment()) as function:
        # A year has passed, with a window a week.
        function.invoke(on())
        function.invoke(off())
        books_due(bench, now)
        function.invoke(sweep)
        bench.order("/lengthen", windows=OVER)
        bench.keep("open")
        function.invoke(book)
        bench.keep("booked")
        bench.order("/set", id=item, start=text(now), end=text(now + LENGTH))
        bench.keep("due")
        start = woken(bench, "start", now)
        function.invoke(start)
        bench.keep("active")
        bench.order("/set", id=item, end=text(now))
        bench.keep("overdue")
        end = woken(bench, "end", now)
        function.invoke(end)
        books_due(bench, now)
        bench.keep("due for books")
        bench.restore("booked")
        there = 1
        for count in counts:
            for number in range(there, count):
                hour = tomorrow + datetime.timedelta(hours=number)
                function.invoke(booking(f"move-{number}", hour))
            bench.keep(f"{count} booked")
            there = count
        bench.order("/set", id=item, start=text(now), end=text(now + LENGTH))
        bench.keep("due among others")
    extend = {"action": "extend", "id": WINDOW, "by": "PT30M"}
    cancel = {"action": "cancel", "id": WINDOW}
    return [
        Transition("booking", "open", book, "booked"),
        Transition("start", "due", start, "started", {"action": "on"}, cold=True),
        Transition("end", "overdue", end, "completed", {"action": "off"}, cold=True),
        Transition("`on`", "open", on(), "started", {"action": "on"}, cold=True),
        Transition("`off`", "active", off(), "completed", {"action": "off"}, cold=True),
        Transition("extend, while active", "active", extend, "extended"),
        Transition("cancel", "booked", cancel, "cancelled"),
        Transition("sweep, nothing booked", "open", sweep, "unchanged"),
        Transition("sweep, one window active", "active", sweep, "unchanged"),
        Transition("sweep, five minutes after an end", "due for books", sweep, "unchanged"),
        *among(counts, "sweep", sweep, "unchanged"),
        Transition(f"start among {counts[-1]}", "due among others", start, "started"),
        *among(counts, "look", look(), "page", cold=True),
    ]


def among(
    counts: tuple[int, ...], name: str, event: dict, came: str, cold: bool = False
) -> Iterator[Transition]:
    """The same event among so many booked windows."""
    for count in counts:
        world = f"{count} booked"
        yield Transition(f"{name}, {world}", world, event, came, cold=cold, booked=count)


def text(moment: datetime.datetime) -> str:
    """A moment as the table holds it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def woken(bench: Bench, wake: str, due: datetime.datetime) -> dict:
    """What Scheduler would send, with the moment to which the window was moved."""
    schedules = bench.order("/schedules")
    [name] = [name for name in schedules if name.startswith(f"{WINDOW}.{wake}-")]
    return {**json.loads(schedules[name]["Target"]["Input"]), "due": text(due)}
