"""What was seen of a night with troubles, and what follows from it. Pure: no clock, no AWS."""

import datetime
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rehearsal.deployment import Answer
from rehearsal.night import Night
from rehearsal.promises import GRACE_S
from rehearsal.traffic import CLOSED, OPEN, Sample
from rehearsal.troubles import LOSES_RUNS, Kind, Spell

# How soon after the last trouble all is as it should be: one sweep, and what it takes on a machine
# that does much else.
RECOVERY_S = 20.0
# No rule is closed for a window that ends so soon.
TOO_LATE_S = 30.0
# Wake-ups are booked so long ahead, and the function waits.
LEAD_S = 60.0
# Visitors and the function do not look at the same moment.
BLUR_S = 1.0
# A trouble shows a little longer than it lasts.
SHADOW_S = 2.0

SAYS_OPEN = frozenset({"open", "open_unplanned"})
SAYS_CLOSED = frozenset({"maintenance", "maintenance_unplanned"})


@dataclass(frozen=True)
class Status:
    """One question how the site stands: when it was asked and answered, and what."""

    sent: float
    answered: float
    answer: Answer


@dataclass(frozen=True)
class Witness:
    """All that was seen of a night with troubles."""

    night: Night
    # The end that was booked; that of the night is the one that was decided last.
    booked_end: float
    spells: list[Spell]
    statuses: list[Status]
    # A person's tries to get more time, all of them one request.
    tries: list[Status]
    # What error pages are told of the window's end, afterwards.
    page_left: str | None

    @property
    def closed(self) -> tuple[float, float] | None:
        """When visitors were shut out, at the earliest and at the latest; none if never."""
        return turn(self.night.visitor, CLOSED, since=0)

    @property
    def opened(self) -> tuple[float, float] | None:
        """When visitors were let in again, likewise."""
        return turn(self.night.visitor, OPEN, since=self.closed[1]) if self.closed else None

    @property
    def may_be_missed(self) -> bool:
        """Whether the troubles left it no time to close the site."""
        return due_by(self.spells, self.night.start) > self.night.end - TOO_LATE_S

    @property
    def was_missed(self) -> bool:
        """Whether it was, and could not be helped."""
        return self.may_be_missed and self.closed is None

    def troubled(self, begins: float, ends: float, *kinds: Kind) -> bool:
        """Whether there was any trouble then, or one of these kinds."""
        return any(
            spell.overlaps(begins - SHADOW_S, ends)
            for spell in self.spells
            if not kinds or spell.kind in kinds
        )


def story(witness: Witness) -> Iterable[str]:
    """What happened, a line each, in seconds from the start."""
    start = witness.night.start
    moments = [
        (spell.begun, f"{spell.kind} until T{spell.ended - start:+.1f}s")
        for spell in witness.spells
    ]
    met = [(sample.answered, sample.met) for sample in witness.night.visitor]
    turns = itertools.pairwise([(start, OPEN), *met])
    moments += [(at, f"visitors: {now}") for (_, before), (at, now) in turns if now != before]
    moments += [
        (report.received, f"report: {report.event}, site {(report.document or {}).get('site')}")
        for report in witness.night.reports
    ]
    said = [(one.answered, state_of(one)) for one in witness.statuses]
    turns = itertools.pairwise([(start, ""), *said])
    moments += [(at, f"status: {now}") for (_, before), (at, now) in turns if now != before]
    return [f"T{at - start:+6.1f}s  {what}" for at, what in sorted(moments)]


def due_by(spells: list[Spell], moment: float) -> float:
    """When at the latest what is due at a moment has to be done, if these were the troubles."""
    meets = [spell for spell in spells if spell.overlaps(moment - BLUR_S, moment + GRACE_S)]
    loses = [
        spell
        for spell in spells
        if spell.kind in LOSES_RUNS and spell.overlaps(moment - LEAD_S, moment)
    ]
    if not meets and not loses:
        return moment + GRACE_S
    calm = moment
    for spell in sorted(spells, key=lambda spell: spell.begun):
        if spell.begun < calm + RECOVERY_S and spell.ended > calm:
            calm = spell.ended
    return calm + RECOVERY_S


def turn(samples: list[Sample], met: str, since: float) -> tuple[float, float] | None:
    """When visitors first met this: after the last request before, and before this one's answer."""
    before = since
    for sample in samples:
        if sample.sent < since:
            continue
        if sample.met == met:
            return before, sample.answered
        if sample.met in (OPEN, CLOSED):
            before = sample.sent
    return None


def is_answered(answer: Answer) -> bool:
    """Whether nothing is gained by asking again."""
    document = answer.document if isinstance(answer.document, dict) else {}
    return not answer.failed or document.get("errorType") == "InvalidEvent"


def end_of(night: Night) -> float:
    """When the window had to end at last, as the history has it."""
    ends = [unix(item.get("end")) for item in night.past]
    return next((end for end in ends if end is not None), night.end)


def decisions(item: dict[str, Any]) -> list[dict[str, Any]]:
    """What was decided about a window of the table, oldest first."""
    return item.get("decisions", [])


def met_around(samples: list[Sample], begins: float, ends: float) -> str | None:
    """What all visitors met then; none if they met several things, or nobody came."""
    around = [sample for sample in samples if sample.answered >= begins and sample.sent <= ends]
    met = {sample.met for sample in around}
    return met.pop() if len(met) == 1 and met <= {OPEN, CLOSED} else None


def contradicts(state: Any, met: str | None) -> bool:
    """Whether a state of the site cannot be what visitors met."""
    return (met == OPEN and state in SAYS_CLOSED) or (met == CLOSED and state in SAYS_OPEN)


def state_of(status: Status) -> str:
    """What a status says of the site, in its word, or that it failed."""
    document = status.answer.document
    if status.answer.failed or not isinstance(document, dict):
        return "failed"
    return str(document.get("site"))


def unix(moment: Any) -> float | None:
    """A time of the function as a Unix time."""
    try:
        return datetime.datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return None
