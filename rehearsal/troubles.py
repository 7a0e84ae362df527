"""Troubles of a night: which there are, in which nights, and how each is brought about and ended.

ministack writes down what it holds only as it stops in good order; killed by SIGKILL it comes back
empty. So `restarted` kills the function's processes by SIGKILL, wherever their runs are, stops the
local AWS, and starts it again with all that it held: runs, their retries and wake-ups are lost, and
nobody is served meanwhile. `unreachable`, `silent`, `slow` and `deaf` are outages in which the load
balancer goes on serving, as on AWS: a proxy stands between the function and the local AWS.
"""

import enum
import json
import random
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rehearsal import drill, permissions
from rehearsal.door import PASSES, Fate

# Between two looks at the time, and two killings.
GLANCE_S = 0.3
# How long a call is left without an answer; the function itself gives up earlier.
SILENCE_S = 30.0
# How long a slow call takes; the function gives a try up after 5 s.
SLOWNESS_S = 2.5

SCOPE = re.compile(rb"(?i)credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")


class Kind(enum.StrEnum):
    """What goes wrong while a trouble lasts."""

    # Every call of the function breaks off before it reaches AWS.
    UNREACHABLE = "unreachable"
    # Every call of the function stays without an answer, and reaches nobody.
    SILENT = "silent"
    # Every call of the function takes long, though not so long that it is given up.
    SLOW = "slow"
    # Every call of the function takes effect, but its answer is lost.
    DEAF = "deaf"
    # The table answers every call that it is asked too often.
    THROTTLED = "throttled"
    # The function's role lacks these actions.
    NO_MODIFY_RULE = "no-modify-rule"
    NO_TABLE = "no-table"
    NO_PUBLISH = "no-publish"
    # Lambda runs nothing: wake-ups and sweeps are lost.
    ASLEEP = "asleep"
    # Every run dies within a moment, those that wait too.
    KILLED = "killed"
    # The local AWS itself is gone, and every run with it.
    RESTARTED = "restarted"


# After these, runs that only waited for a moment to come are gone.
LOSES_RUNS = frozenset({Kind.ASLEEP, Kind.KILLED, Kind.RESTARTED})

# What the role lacks; "dynamodb:" stands for every action that it has there.
LACKS = {
    Kind.NO_MODIFY_RULE: "elasticloadbalancing:ModifyRule",
    Kind.NO_TABLE: "dynamodb:",
    Kind.NO_PUBLISH: "sns:Publish",
}

# The two ways in which DynamoDB says so.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
THROTTLES = (
    "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "com.amazon.coral.availability#ThrottlingException",
)


@dataclass(frozen=True)
class Trouble:
    """One trouble, in seconds from the window's start."""

    kind: Kind
    begins: float
    ends: float

    def __str__(self) -> str:
        return f"{self.kind} T{self.begins:+.0f}s to T{self.ends:+.0f}s"


@dataclass(frozen=True)
class Spell:
    """A trouble as it really was, in Unix times."""

    kind: Kind
    begun: float
    ended: float

    def overlaps(self, begins: float, ends: float) -> bool:
        """Whether it had any part in that time."""
        return self.begun <= ends and self.ended >= begins


@dataclass(frozen=True)
class Plan:
    """One night: its name, how long its window lasts, and its troubles in their order.

    In some a person asks for more time, so many seconds after the start, again and again until the
    function has answered.
    """

    name: str
    window_s: int
    troubles: tuple[Trouble, ...]
    asks_for_more_at: float | None = None


def nights() -> list[Plan]:
    """The nights that are always played: each trouble at the start of a window and at its end."""
    edges = ((-3.0, 13.0), (71.0, 88.0))
    # In the middle the wake-up for the end comes, or its run waits already.
    everywhere = ((-3.0, 13.0), (36.0, 44.0), (71.0, 88.0))
    three_times = {Kind.UNREACHABLE, Kind.RESTARTED, Kind.KILLED, Kind.ASLEEP}
    return [
        Plan(
            str(kind),
            75,
            tuple(
                Trouble(kind, begins, ends)
                for begins, ends in (everywhere if kind in three_times else edges)
            ),
        )
        for kind in Kind
    ]


def draw(seed: int) -> Plan:
    """A night with troubles at random, one after the other, from shortly before the start on."""
    dice = random.Random(seed)
    window_s = dice.randint(60, 90)
    troubles, begins = [], dice.uniform(-10, 10)
    while begins < window_s + 5:
        ends = begins + dice.uniform(3, 18)
        troubles.append(Trouble(dice.choice(list(Kind)), round(begins, 1), round(ends, 1)))
        begins = ends + dice.uniform(2, 20)
    asks = round(dice.uniform(5, window_s - 5), 1) if dice.random() < 0.5 else None
    return Plan(f"seed-{seed}", window_s, tuple(troubles), asks)


def fate_of(kind: Kind | None, head: bytes, *, odd: bool = False) -> Fate:
    """What becomes of a call of the function; `odd` takes the second way of throttling."""
    if kind is Kind.UNREACHABLE:
        return Fate(arrives=False, instead=b"")
    if kind is Kind.SILENT:
        return Fate(arrives=False, instead=b"", after_s=SILENCE_S)
    if kind is Kind.SLOW:
        return Fate(after_s=SLOWNESS_S)
    if kind is Kind.DEAF:
        return Fate(arrives=True, instead=b"")
    if kind is Kind.THROTTLED and service_of(head) == "dynamodb":
        return Fate(arrives=False, instead=throttled(THROTTLES[odd]))
    return PASSES


def service_of(head: bytes) -> str | None:
    """The service that a request is signed for; none if it is not signed."""
    found = SCOPE.search(head)
    return found[1].decode() if found else None


def throttled(error: str) -> bytes:
    """The answer of a table that is asked too often."""
    body = json.dumps({"__type": error, "message": "Rate exceeded"}).encode()
    lines = (
        "HTTP/1.1 400 Bad Request",
        "Content-Type: application/x-amz-json-1.0",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def lacking(policy: dict[str, Any], missing: str) -> dict[str, Any]:
    """The policy without every action that begins so."""
    for action in permissions.actions(policy):
        if action.startswith(missing):
            policy = permissions.without(policy, action)
    return policy


class Gate:
    """Decides for the proxy what becomes of each call, while a trouble lasts."""

    def __init__(self) -> None:
        self.kind: Kind | None = None
        self._asked = 0

    def fate(self, head: bytes) -> Fate:
        """What becomes of a call now."""
        self._asked += 1
        return fate_of(self.kind, head, odd=self._asked % 2 == 1)


class Troublemaker:
    """Brings about a night's troubles, each at its time."""

    def __init__(self, site: drill.Site, gate: Gate) -> None:
        self._site, self._gate = site, gate
        self._iam, self._lambda = site.aws.client("iam"), site.aws.client("lambda")
        self._role = {
            "RoleName": site.deployment.function_role,
            "PolicyName": permissions.POLICY,
        }
        self._granted = self._iam.get_role_policy(**self._role)["PolicyDocument"]
        self.spells: list[Spell] = []

    def play(self, troubles: Iterable[Trouble], start: float, stopped: threading.Event) -> None:
        """All of them in their order; whatever lasts is ended when it is stopped."""
        for trouble in troubles:
            if stopped.wait(max(0.0, start + trouble.begins - time.time())):
                return
            begun = time.time()
            try:
                self._begin(trouble.kind)
                while time.time() < start + trouble.ends and not stopped.wait(GLANCE_S):
                    if trouble.kind is Kind.KILLED:
                        self._site.aws.kill_functions()
            finally:
                self._end(trouble.kind)
                self.spells.append(Spell(trouble.kind, begun, time.time()))

    def _begin(self, kind: Kind) -> None:
        match kind:
            case Kind.UNREACHABLE | Kind.SILENT | Kind.SLOW | Kind.DEAF | Kind.THROTTLED:
                self._gate.kind = kind
            case Kind.NO_MODIFY_RULE | Kind.NO_TABLE | Kind.NO_PUBLISH:
                self._allow(lacking(self._granted, LACKS[kind]))
            case Kind.ASLEEP:
                self._lambda.put_function_concurrency(
                    FunctionName=self._site.stack, ReservedConcurrentExecutions=0
                )
            case Kind.KILLED:
                self._site.aws.kill_functions()
            case Kind.RESTARTED:
                self._site.aws.kill_functions()
                self._site.aws.stop()

    def _end(self, kind: Kind) -> None:
        match kind:
            case Kind.UNREACHABLE | Kind.SILENT | Kind.SLOW | Kind.DEAF | Kind.THROTTLED:
                self._gate.kind = None
            case Kind.NO_MODIFY_RULE | Kind.NO_TABLE | Kind.NO_PUBLISH:
                self._allow(self._granted)
            case Kind.ASLEEP:
                self._lambda.delete_function_concurrency(FunctionName=self._site.stack)
            case Kind.KILLED:
                pass
            case Kind.RESTARTED:
                self._site.aws.start()

    def _allow(self, policy: dict[str, Any]) -> None:
        self._iam.put_role_policy(**self._role, PolicyDocument=json.dumps(policy))
