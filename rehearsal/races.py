"""Many people at once: real threads that invoke the deployed function, against a real table.

Whatever was answered as decided stands in its window's decisions, once; whatever was refused stands
in none; who ends what somebody else has just ended is told how it ended; and afterwards the rule is
as its owner wrote it.

The drills run each race once. `python -m rehearsal.races --bootstrap PATH` runs them over and over,
for RACES_MINUTES (10 if that is not said).
"""

import argparse
import contextlib
import datetime
import os
import random
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from account import table
from rehearsal import drill, permissions, shop
from rehearsal.deployment import Answer, invoke
from rehearsal.local_aws import LocalAws, ignore_callers_settings
from rehearsal.options import PROJECT

THREADS = 8
ROUNDS = 10
NOW, LATER = "race-now", "race-later"

# What an answer says whose own request was decided.
TAKEN = {
    "book": {"booked", "started"},
    "on": {"started"},
    "off": {"completed", "cancelled"},
    "extend": {"extended"},
    "reschedule": {"rescheduled"},
    "cancel": {"cancelled"},
}
# What it may say as well where somebody else has just decided the same, by the other's actions.
ANOTHERS = {"on": {"on"}, "off": {"off", "cancel"}, "cancel": {"off", "cancel"}}

Event = dict[str, Any]
Window = dict[str, Any]
Claim = tuple[str, list[str]]


@dataclass(frozen=True)
class Sent:
    """One event, and what came back."""

    event: Event
    answer: Answer

    @property
    def reason(self) -> str:
        """What tells this request from all others in a window's decisions."""
        return self.event["reason"]

    @property
    def error(self) -> str | None:
        """The kind of error that it was answered with, if any."""
        if not self.answer.failed:
            return None
        document = self.answer.document
        return str(document.get("errorType")) if isinstance(document, dict) else self.answer.text

    @property
    def taken(self) -> bool:
        """Whether the answer says that the request was decided."""
        return (
            not self.answer.failed
            and self.answer.document["outcome"] in TAKEN[self.event["action"]]
        )

    def is_anothers(self, windows: list[Window]) -> bool:
        """Whether what it was answered was done to that window by another request."""
        return self._was_done(windows, ANOTHERS.get(self.event["action"], set()))

    def is_over_again(self, windows: list[Window]) -> bool:
        """Whether it started a window that another request ended before it was answered."""
        return (
            self.event["action"] == "on"
            and not self.answer.failed
            and self.answer.document["outcome"] in TAKEN["off"]
            and self._was_done(windows, ANOTHERS["off"])
        )

    def _was_done(self, windows: list[Window], actions: set[str]) -> bool:
        shown = None if self.answer.failed else self.answer.document.get("window")
        return shown is not None and any(
            decision["action"] in actions
            for window in windows
            # A window is booked with a reason that no other has.
            if window["decisions"][0]["reason"] == shown["reason"]
            for decision in window["decisions"]
        )

    @property
    def contradicts_itself(self) -> bool:
        """Whether the answer says that the window ended otherwise than it shows."""
        if self.answer.failed or self.event["action"] not in ("off", "cancel"):
            return False
        document = self.answer.document
        return document["outcome"] != document["window"]["outcome"]

    def __str__(self) -> str:
        return f"{self.event}: {self.answer.text}"


def main() -> int:
    """Exit code 0 if every claim held, in every round."""
    parser = argparse.ArgumentParser(prog="rehearsal.races", description=__doc__)
    parser.add_argument("--bootstrap", type=Path, required=True, help="the function's executable")
    bootstrap = parser.parse_args().bootstrap.resolve()
    ends = time.monotonic() + 60 * float(os.environ.get("RACES_MINUTES") or 10)
    ignore_callers_settings()
    aws = LocalAws(PROJECT / ".rehearsal")
    rounds = broken = 0
    with contextlib.ExitStack() as running:
        running.callback(aws.discard)
        running.enter_context(aws)
        application = running.enter_context(shop.Application())
        site = drill.build(aws, application, bootstrap, "races")
        permissions.widen(site.aws, site.deployment.function_role)
        while rounds == 0 or time.monotonic() < ends:
            rounds += 1
            for text, found in prove(site):
                broken += bool(found)
                for finding in found:
                    print(f"round {rounds}: {text}: {finding}", flush=True)
        past = len(site.history())
    print(f"races: {rounds} rounds, {past} windows, {broken} claims broken")
    return 1 if broken else 0


def prove(site: drill.Site) -> Iterator[Claim]:
    """Claims, each with what was found against it."""
    before = site.rule()
    yield "of many decisions at once each is told truly, and none is lost", list(mixed(site))
    yield "of many extensions at once each counts, or is refused", list(extensions(site))
    yield "who ends what another has just ended is told how it ended", list(ended_by_many(site))
    yield "one request delivered many times at once is decided once", list(repeated(site))

    end_all(site)
    swept = site.invoke(action="sweep")
    found = [] if not swept.failed else [swept.text]
    if site.rule() != before:
        found.append("the rule is not as it was")
    found += [f"{name} is left" for name in site.windows()]
    yield "and afterwards no window is left, and the rule is as it was", found
    yield "a wake-up that was left behind finds nothing to do", list(woken(site))
    site.forget()


def mixed(site: drill.Site) -> Iterator[str]:
    """Anything anybody may do to two windows, at random, each request a person of its own."""
    seed = random.SystemRandom().randrange(10**6)
    dice = random.Random(seed)
    sent = []
    for _ in range(ROUNDS):
        sent += at_once(site, [anything(dice) for _ in range(THREADS)])
    for finding in told_truly(sent, windows(site)):
        yield f"seed {seed}: {finding}"
    if not any(one.taken for one in sent):
        yield f"seed {seed}: nothing was decided at all"


def anything(dice: random.Random) -> Event:
    """One event about one of the two windows."""
    minutes = dice.randint(10, 50)
    return dice.choice(
        [
            {"action": "on", "id": NOW, "duration": f"PT{minutes}M"},
            {"action": "extend", "id": NOW, "by": f"PT{minutes}M"},
            {"action": "off", "id": NOW},
            {"action": "cancel", "id": NOW},
            {"action": "book", "id": LATER, "start": drill.soon(1), "duration": f"PT{minutes}M"},
            {"action": "reschedule", "id": LATER, "start": drill.soon(1 + minutes / 60)},
            {"action": "extend", "id": LATER, "by": f"PT{minutes}M"},
            {"action": "cancel", "id": LATER},
            {"action": "off", "id": LATER},
        ]
    ) | {"reason": f"race {uuid.uuid4()}"}


def extensions(site: drill.Site) -> Iterator[str]:
    """A minute for each of many people."""
    end_all(site)
    began = site.invoke(action="on", id=NOW, duration="PT1H")
    if began.failed:
        yield f"on: {began.text}"
        return
    event = {"action": "extend", "id": NOW, "by": "PT1M"}
    sent = at_once(site, [event | {"reason": f"race {uuid.uuid4()}"} for _ in range(THREADS)])
    yield from told_truly(sent, windows(site))
    taken = sum(one.taken for one in sent)
    if not taken:
        yield "nobody got any"
    gained = seconds(end_of(site, NOW)) - seconds(began.document["window"]["end"])
    if gained != 60 * taken:
        yield f"{taken} were told of a minute more, and the end moved by {gained} s"


def ended_by_many(site: drill.Site) -> Iterator[str]:
    """A window that is active, and one that has not begun, each ended by `off` and by `cancel`."""
    end_all(site)
    on = {"action": "on", "duration": "PT1H"}
    book = {"action": "book", "start": drill.soon(1), "duration": "PT1H"}
    # More than once: only some meet a window that is being ended.
    for window, event in [(NOW, on), (LATER, book)] * 4:
        made = site.invoke(**event, id=window, reason=f"race {uuid.uuid4()}")
        if made.failed:
            yield f"{event['action']}: {made.text}"
        either = [{"action": "off", "id": window}, {"action": "cancel", "id": window}]
        sent = at_once(
            site, [one | {"reason": f"race {uuid.uuid4()}"} for one in either * (THREADS // 2)]
        )
        yield from told_truly(sent, windows(site))
        ends = sum(one.reason in decided(windows(site)) for one in sent)
        if ends != 1:
            yield f"{window} was ended {ends} times"


def repeated(site: drill.Site) -> Iterator[str]:
    """Each action as Lambda would repeat it at the worst moment: under one request id."""
    end_all(site)
    for event in (
        # Without a name, each decision would make one of its own.
        {"action": "on", "duration": "PT1H"},
        {"action": "on", "id": NOW, "duration": "PT1H"},
        {"action": "extend", "id": NOW, "by": "PT1M"},
        {"action": "off", "id": NOW},
        {"action": "book", "id": LATER, "start": drill.soon(1), "duration": "PT1H"},
        {"action": "reschedule", "id": LATER, "start": drill.soon(2)},
        {"action": "cancel", "id": LATER},
    ):
        reason, request = f"race {uuid.uuid4()}", str(uuid.uuid4())
        sent = at_once(site, [event | {"reason": reason, "request_id": request}] * THREADS)
        yield from (f"it was refused: {one}" for one in sent if one.answer.failed)
        if not any(one.taken for one in sent):
            answers = "; ".join(sorted({one.answer.text for one in sent}))
            yield f"nobody was told that it was decided: {event}: {answers}"
        count = decided(windows(site))[reason]
        if count != 1:
            yield f"it was decided {count} times: {event}"


def end_all(site: drill.Site) -> None:
    """Ends whatever another race left."""
    site.invoke(action="off")
    for window in site.windows():
        site.invoke(action="cancel", id=window.partition("#")[2])


def at_once(site: drill.Site, events: list[Event]) -> list[Sent]:
    """Sends all of them at the same moment, each from a thread of its own."""
    # Made here: making a client is not safe in several threads.
    clients = [site.aws.client("lambda") for _ in events]
    together = threading.Barrier(len(events))

    def send(client: Any, event: Event) -> Sent:
        together.wait()
        return Sent(event, invoke(client, site.deployment.function, event))

    with ThreadPoolExecutor(max_workers=len(events)) as pool:
        return list(pool.map(send, clients, events))


def woken(site: drill.Site) -> Iterator[str]:
    """Fires every wake-up that is there, though no window is.

    A run that books a window makes its wake-ups after another run may have ended the window.
    """
    before = site.rule()
    for name in site.wake_ups():
        answer = site.invoke(action="wake", id=name.rpartition(".")[0], due=drill.soon(0))
        if answer.failed or answer.document["outcome"] != "unchanged" or site.rule() != before:
            yield f"{name}: {answer.text}"


def told_truly(sent: list[Sent], found: list[Window]) -> Iterator[str]:
    """What was answered, held against the decisions that the windows have."""
    counts = decided(found)
    for one in sent:
        count = counts[one.reason]
        if one.error not in (None, "InvalidEvent"):
            yield f"it failed: {one}"
        elif not (
            count == int(one.taken)
            or (count == 0 and one.is_anothers(found))
            or (count == 1 and one.is_over_again(found))
        ):
            yield f"it was decided {count} times, and answered: {one}"
        elif one.contradicts_itself:
            yield f"it says that the window ended otherwise than it did: {one}"


def windows(site: drill.Site) -> list[Window]:
    """Every window of the table, over or not."""
    dynamodb = site.aws.client("dynamodb")
    return table.items(dynamodb, site.deployment.table, table.NOW, table.WINDOW) + site.history()


def decided(found: list[Window]) -> Counter[str]:
    """How often each reason stands in the windows' decisions."""
    return Counter(decision["reason"] for window in found for decision in window["decisions"])


def end_of(site: drill.Site, window: str) -> str:
    """When the window ends, as the table has it."""
    dynamodb = site.aws.client("dynamodb")
    (item,) = table.items(dynamodb, site.deployment.table, table.NOW, f"{table.WINDOW}{window}")
    return item["end"]


def seconds(moment: str) -> float:
    """A time of the function as a Unix time."""
    return datetime.datetime.fromisoformat(moment).timestamp()


if __name__ == "__main__":
    sys.exit(main())
