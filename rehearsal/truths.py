"""What must hold of a night with troubles, whatever they were. Pure: no clock, no AWS, no output.

Three things: the site does what the window says as soon as the troubles let it; all that is said of
it, in answers and in reports, is what visitors met at that time; and nothing is left afterwards.
"""

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable

from rehearsal import promises
from rehearsal.night import Night
from rehearsal.promises import GRACE_S
from rehearsal.traffic import CLOSED, OPEN
from rehearsal.troubles import LOSES_RUNS, Kind
from rehearsal.witness import (
    BLUR_S,
    LEAD_S,
    RECOVERY_S,
    Status,
    Witness,
    contradicts,
    decisions,
    due_by,
    is_answered,
    met_around,
    state_of,
    unix,
)

# What a report says of a change that another run made and did not note.
FOUND_MADE = "the change was found made at that time"

ONCE = ("booked", "started", "completed")


Check = Callable[[Witness], Iterable[str]]
Claim = tuple[str, list[str]]


def judge(witness: Witness) -> list[Claim]:
    """Every claim, with what was found against it."""
    night = witness.night
    checks: list[tuple[str, Check]] = [
        ("the site closes as soon as it can, and not before", closed_in_time),
        ("the site opens as soon as it can, and not before", opened_in_time),
        ("for visitors the site closes once and opens once", turned_once),
        ("a tester with the header is served throughout", testers_were_served),
        ("nobody meets anything but the site and the maintenance page", met_nothing_else),
        ("each report comes once, and none that is not due", reported_once),
        ("what reports say of the site is what visitors met", reports_are_true),
        ("when it started and ended is told as it was seen", times_are_true),
        ("what could not be done is told while it can be told", failures_are_told),
        ("the status is what visitors met, and tells what is overdue", statuses_are_true),
        ("nothing of the window is left in the table", nothing_is_left),
        ("visitors are told no end of a window that is over", no_page_is_left),
        ("the history has the window, as it was", history_is_true),
        ("a person is told truly whether there is more time", more_time_is_true),
    ]
    judged = [(text, list(check(witness))) for text, check in checks]
    # What an ordinary night promises too.
    same: list[tuple[str, Callable[[Night], Iterable[str]]]] = [
        ("the booking was accepted", promises.booking_was_accepted),
        ("every report is valid JSON with all its fields", promises.reports_are_well_formed),
        ("the rule is again exactly as its owner wrote it", promises.the_rule_is_restored),
        ("no wake-up of the window is left", promises.no_wake_up_is_left),
        ("a sweep afterwards found nothing to change", promises.the_sweep_changed_nothing),
        ("visitors and calendars knew of it beforehand, and no longer", promises.it_was_announced),
        ("the bypass value is nowhere", promises.the_secret_was_kept),
    ]
    as_booked = dataclasses.replace(night, end=witness.booked_end)
    return judged + [(text, list(check(as_booked))) for text, check in same]


def closed_in_time(witness: Witness) -> Iterable[str]:
    """Never before the start."""
    night, closed = witness.night, witness.closed
    due = due_by(witness.spells, night.start)
    if closed is None:
        if not witness.may_be_missed:
            yield f"it never closed, though it was due by T{due - night.start:+.1f}s"
        return
    if closed[1] < night.start:
        yield f"it closed {night.start - closed[1]:.1f} s before the start"
    if closed[0] > due:
        yield f"it closed at T{closed[0] - night.start:+.1f}s, due by T{due - night.start:+.1f}s"


def opened_in_time(witness: Witness) -> Iterable[str]:
    """Never before the end."""
    night, opened = witness.night, witness.opened
    if witness.closed is None:
        return
    due = due_by(witness.spells, night.end)
    if opened is None:
        yield "it never opened again"
        return
    if opened[1] < night.end:
        yield f"it opened {night.end - opened[1]:.1f} s before the end"
    if opened[0] > due:
        yield f"it opened {opened[0] - night.end:.1f} s after the end, due {due - night.end:.1f} s"


def turned_once(witness: Witness) -> Iterable[str]:
    """No flapping; whoever got no answer learned nothing."""
    met = [sample.met for sample in witness.night.visitor if sample.met in (OPEN, CLOSED)]
    turns = [now for before, now in itertools.pairwise(met) if now != before]
    if turns != [CLOSED, OPEN] and not (witness.was_missed and not turns):
        yield f"visitors saw the site turn {', '.join(turns) or 'never'}"


def testers_were_served(witness: Witness) -> Iterable[str]:
    """Before, during and after."""
    night = witness.night
    if not any(night.start < one.sent < night.end and one.met == OPEN for one in night.tester):
        yield "no tester got in during the window"
    for sample in night.tester:
        if sample.met == CLOSED:
            yield f"one was shut out at T{sample.sent - night.start:+.1f}s"


def met_nothing_else(witness: Witness) -> Iterable[str]:
    """While the local AWS itself is gone there is no load balancer either."""
    for sample in [*witness.night.visitor, *witness.night.tester]:
        if sample.met not in (OPEN, CLOSED) and not witness.troubled(
            sample.sent, sample.answered, Kind.RESTARTED
        ):
            yield f"at T{sample.sent - witness.night.start:+.1f}s: {sample.met}"


def reported_once(witness: Witness) -> Iterable[str]:
    """By their ids, since delivery is at least once."""
    events = [report.event for report in {one.id: one for one in witness.night.reports}.values()]
    expected = ["booked", "missed"] if witness.was_missed else list(ONCE)
    expected += ["extended"] * (witness.night.end != witness.booked_end)
    for event in expected:
        if events.count(event) != 1:
            yield f"{event} came {events.count(event)} times"
    allowed = {*expected, "failed"} if witness.spells else set(expected)
    for event in sorted(set(events) - allowed):
        yield f"{event} was not expected"


def reports_are_true(witness: Witness) -> Iterable[str]:
    """What each says of the site, at the time that it gives."""
    for report in witness.night.reports:
        document = report.document or {}
        at = unix(document.get("at"))
        if at is None:
            yield f"{report.event} has no time"
            continue
        met = met_around(witness.night.visitor, at - 2 * BLUR_S, at + BLUR_S)
        if contradicts(document.get("site"), met):
            moment = f"T{at - witness.night.start:+.1f}s"
            yield f"{report.event} at {moment} says {document['site']}, and visitors met {met}"


def times_are_true(witness: Witness) -> Iterable[str]:
    """In the reports' own fields, and in the words that people read."""
    for event, field, late, seen, due in (
        ("started", "started", "start_late_secs", witness.closed, witness.night.start),
        ("completed", "ended", "end_late_secs", witness.opened, witness.night.end),
    ):
        for report in witness.night.reports:
            actual = (report.document or {}).get("actual") or {}
            if report.event != event or seen is None:
                continue
            told = unix(actual.get(field))
            if told is None:
                yield f"{event} does not say when"
                continue
            text = str((report.document or {}).get("text"))
            # Whoever finds it made, says so; and of two runs that make it at once one is later.
            later = float("inf") if FOUND_MADE in text else 2 * BLUR_S
            if witness.troubled(*seen):
                later = max(later, GRACE_S)
            if not seen[0] - 2 * BLUR_S <= told <= seen[1] + later:
                said, met = (at - witness.night.start for at in (told, seen[1]))
                yield f"{event} says T{said:+.1f}s, and visitors saw it at T{met:+.1f}s"
            if abs(told - due - actual.get(late, 0)) > BLUR_S:
                yield f"{event} says {actual.get(late)} s late, which is not {told - due:.1f}"
            line = re.search(rf"(?mi)^{field} .*$", text)
            if line is None or (actual.get(late, 0) > 1) != line[0].endswith(" late"):
                yield f"{event} says {actual.get(late)} s late, and in words {line and line[0]!r}"


def failures_are_told(witness: Witness) -> Iterable[str]:
    """A rule that may not be changed keeps no report back, so it is told at once, by its cause."""
    night = witness.night
    told = [
        report
        for report in night.reports
        if report.event == "failed" and "ModifyRule" in str((report.document or {}).get("text"))
    ]
    for moment, what in ((night.start, "start"), (night.end, "end")):
        for spell in witness.spells:
            begins, ends = max(spell.begun, moment), spell.ended
            alone = [one for one in witness.spells if one.overlaps(begins - LEAD_S, ends)]
            if spell.kind is not Kind.NO_MODIFY_RULE or not spell.overlaps(moment, moment):
                continue
            if {one.kind for one in alone} != {spell.kind} or ends - begins < GRACE_S:
                continue
            if not any(begins <= report.received <= ends + RECOVERY_S for report in told):
                yield f"nobody was told that the {what} failed for want of ModifyRule"


def statuses_are_true(witness: Witness) -> Iterable[str]:
    """Each against what visitors met from before it was asked until after it was answered."""
    if not witness.statuses:
        yield "nobody asked"
    for status in witness.statuses:
        wrong = wrong_status(witness, status)
        if wrong is not None:
            start = witness.night.start
            moment = f"T{status.sent - start:+.1f}s to T{status.answered - start:+.1f}s"
            yield f"at {moment}: {wrong}: {status.answer.text[:300]}"


def wrong_status(witness: Witness, status: Status) -> str | None:
    """What is not true of one answer; none if all is."""
    begins, ends = status.sent - BLUR_S, status.answered + BLUR_S
    if status.answer.failed or not isinstance(status.answer.document, dict):
        # Whatever AWS does not do: that it does not is an answer. But somebody has to run.
        cannot_run = witness.troubled(begins, ends, *LOSES_RUNS)
        return None if cannot_run else "it failed"
    state, message = state_of(status), str(status.answer.document.get("message"))
    if state == "unknown":
        return None if witness.troubled(begins, ends) else "it is not known"
    met = met_around(witness.night.visitor, begins, ends)
    if contradicts(state, met):
        return f"visitors met {met}"
    if met is None:
        return None
    night = witness.night
    if night.start <= begins and ends <= night.end:
        expected = "open_unplanned" if met == OPEN else "maintenance"
        return None if state == expected else f"the window is on, and visitors met {met}"
    if ends <= night.start or begins >= night.end:
        # A window whose end could not be written down still covers the site.
        overdue = state == "maintenance" and "its end has passed" in message
        expected = "open" if met == OPEN else "maintenance_unplanned"
        return None if state == expected or overdue else f"no window is on, visitors met {met}"
    return None


def nothing_is_left(witness: Witness) -> Iterable[str]:
    """What rules had stays by design, and what is asked some minutes later."""
    for item in witness.night.now:
        if not item["id"].startswith(("rule#", "published#", "after#")):
            yield f"{item['id']} is left"


def no_page_is_left(witness: Witness) -> Iterable[str]:
    """The file that error pages read."""
    if witness.page_left is not None:
        yield witness.page_left


def history_is_true(witness: Witness) -> Iterable[str]:
    """As on an ordinary night, unless it was missed."""
    if witness.was_missed:
        outcomes = [item.get("ending", {}).get("outcome") for item in witness.night.past]
        if outcomes != ["missed"]:
            yield f"it ended as {outcomes}"
        return
    past = [item | {"decisions": decisions(item)[:1]} for item in witness.night.past]
    yield from promises.the_window_is_history(dataclasses.replace(witness.night, past=past))


def more_time_is_true(witness: Witness) -> Iterable[str]:
    """What is answered as decided is decided once, and what is refused is not."""
    decided = [one["action"] for item in witness.night.past for one in decisions(item)][1:]
    if decided not in ([], ["extend"]):
        yield f"decided was {decided}"
    if (witness.night.end > witness.booked_end) != bool(decided):
        moved = witness.night.end - witness.booked_end
        yield f"decided was {decided}, and the end moved by {moved:.0f} s"
    for one in witness.tries:
        document = one.answer.document if isinstance(one.answer.document, dict) else {}
        stands = not one.answer.failed or "and that stands" in one.answer.text
        refused = document.get("errorType") == "InvalidEvent"
        if (stands and not decided) or (refused and decided):
            yield f"decided was {decided}, and it was answered: {one.answer.text[:300]}"
    calm = witness.tries and not witness.troubled(
        witness.tries[-1].sent, witness.tries[-1].answered
    )
    if calm and not is_answered(witness.tries[-1].answer):
        yield f"it was not answered: {witness.tries[-1].answer.text[:300]}"
