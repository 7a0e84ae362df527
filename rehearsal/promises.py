"""What the product promises, held against what was seen. Pure: no clock, no AWS, no output."""

import itertools
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rehearsal.night import PATIENCE_S, WINDOW_ID, Night, rfc3339
from rehearsal.traffic import CLOSED, OPEN, Sample

# How long after its second a change may take: one run of the function on a busy machine.
GRACE_S = 5.0
# The template's default for how long history is kept.
HISTORY_S = 400 * 86400
REPORTED = ("booked", "started", "completed")
REPORT_FIELDS = ("version", "event", "at", "window", "rules", "text", "report_id")


@dataclass(frozen=True)
class Promise:
    """One promise; it was kept if nothing was found against it."""

    text: str
    broken_by: list[str]

    @property
    def kept(self) -> bool:
        """Whether nothing was found against it."""
        return not self.broken_by


def judge(night: Night) -> list[Promise]:
    """Every promise, in the order of the night."""
    checks: list[tuple[str, Callable[[Night], Iterable[str]]]] = [
        ("the booking was accepted", booking_was_accepted),
        ("no visitor was turned away before the start", nobody_was_turned_away_early),
        ("no visitor got in between the start and the end", nobody_got_in_during_the_window),
        ("no visitor was turned away after the end", nobody_was_turned_away_late),
        ("for visitors the site closed once and opened once", the_site_closed_and_opened_once),
        ("a tester with the header was served throughout", testers_were_served_throughout),
        ("booked, started and completed were each reported", all_was_reported),
        ("every report is valid JSON with all its fields", reports_are_well_formed),
        ("the rule is again exactly as its owner wrote it", the_rule_is_restored),
        ("no wake-up of the window is left", no_wake_up_is_left),
        ("the window is history, with who asked for it and how it went", the_window_is_history),
        ("a sweep afterwards found nothing to change", the_sweep_changed_nothing),
        ("no wake-up was lost", no_wake_up_was_lost),
        ("the function's log is one JSON object a line", the_log_is_json),
        ("visitors and calendars knew of the window beforehand, and no longer", it_was_announced),
        ("the bypass value is in no report, response, log line or item", the_secret_was_kept),
    ]
    return [Promise(text, list(check(night))) for text, check in checks]


def booking_was_accepted(night: Night) -> Iterable[str]:
    """The response says `booked`."""
    document = night.booking.document
    if night.booking.failed or not isinstance(document, dict):
        yield f"the function answered {night.booking.text}"
    elif document.get("outcome") != "booked":
        yield f"the outcome was {document.get('outcome')!r}"


def nobody_was_turned_away_early(night: Night) -> Iterable[str]:
    """Every request answered before the start was served."""
    before = [sample for sample in night.visitor if sample.answered < night.start]
    if not before:
        yield "nobody came"
    yield from unless(before, OPEN, night)


def nobody_got_in_during_the_window(night: Night) -> Iterable[str]:
    """Every request wholly between the two changes met the maintenance page."""
    during = [
        sample
        for sample in night.visitor
        if sample.sent >= night.start + GRACE_S and sample.answered < night.end
    ]
    if not during:
        yield "nobody came"
    yield from unless(during, CLOSED, night)


def nobody_was_turned_away_late(night: Night) -> Iterable[str]:
    """Every request sent after the end was served."""
    after = [sample for sample in night.visitor if sample.sent >= night.end + GRACE_S]
    if not after:
        yield "nobody came"
    yield from unless(after, OPEN, night)


def the_site_closed_and_opened_once(night: Night) -> Iterable[str]:
    """No flapping, at the edges neither."""
    met = [sample.met for sample in night.visitor]
    turns = [now for before, now in itertools.pairwise(met) if now != before]
    if turns != [CLOSED, OPEN]:
        yield f"visitors saw the site turn {', '.join(turns) or 'never'}"


def testers_were_served_throughout(night: Night) -> Iterable[str]:
    """Every request with the header was served, before, during and after."""
    if not any(night.start + GRACE_S <= sample.sent < night.end for sample in night.tester):
        yield "no tester came during the window"
    yield from unless(night.tester, OPEN, night)


def all_was_reported(night: Night) -> Iterable[str]:
    """At least once each; twice is allowed, since delivery is at least once."""
    seen = [report.event for report in night.reports]
    for event in REPORTED:
        if event not in seen:
            yield f"{event} is missing"
    for event in seen:
        if event not in REPORTED:
            yield f"{event} was not expected"


def reports_are_well_formed(night: Night) -> Iterable[str]:
    """What programs that read the topic rely on."""
    for report in night.reports:
        if report.document is None:
            yield f"not a JSON object: {report.body[:80]!r}"
            continue
        missing = [field for field in REPORT_FIELDS if field not in report.document]
        if missing:
            yield f"{report.event} lacks {', '.join(missing)}"


def the_rule_is_restored(night: Night) -> Iterable[str]:
    """Conditions, actions and priority."""
    for part, before in night.rule_before.items():
        after = night.rule_after.get(part)
        if after != before:
            # Not the values: they may hold the bypass value.
            yield f"its {part} differ"


def no_wake_up_is_left(night: Night) -> Iterable[str]:
    """At the latest after one sweep."""
    for name in night.wake_ups_left:
        yield f"{name} is left"


def the_window_is_history(night: Night) -> Iterable[str]:
    """Moved out of what is booked and active, whole, and for as long as the stack is told to."""
    for item in night.now:
        if item["id"].startswith("window#"):
            yield f"{item['id']} is not over"
    found = [item for item in night.past if item["id"].split("#")[1] == WINDOW_ID]
    if len(found) != 1:
        yield f"the history has it {len(found)} times"
        return
    (window,) = found
    if window.get("ending", {}).get("outcome") != "completed":
        yield f"it ended as {window.get('ending')}"
    if [decision.get("action") for decision in window.get("decisions", [])] != ["book"]:
        yield f"its decisions are {window.get('decisions')}"
    for moment in ("started_at", "reopened_at"):
        if not window.get(moment):
            yield f"it does not say {moment}"
    # Counted from when all was done.
    beyond_s = window.get("expires", 0) - night.end - HISTORY_S
    if not -1 <= beyond_s <= PATIENCE_S:
        yield f"it expires {beyond_s:.0f} s from when it should"


def the_sweep_changed_nothing(night: Night) -> Iterable[str]:
    """All had been set right by the wake-ups alone."""
    document = night.sweep.document
    if night.sweep.failed or not isinstance(document, dict):
        yield f"the function answered {night.sweep.text}"
        return
    for rule in document.get("rules", []):
        if rule.get("changed"):
            yield f"it changed {rule.get('arn')}"


def no_wake_up_was_lost(night: Night) -> Iterable[str]:
    """The dead-letter queue is empty."""
    if night.dead_letters:
        yield f"the dead-letter queue holds {night.dead_letters}"


def the_log_is_json(night: Night) -> Iterable[str]:
    """All but the lines that Lambda itself adds."""
    own = [line for line in night.log if not line.startswith(("START ", "END ", "REPORT "))]
    if not own:
        yield "the function logged nothing"
    others = [line for line in own if not isinstance(parsed(line), dict)]
    if others:
        yield f"{len(others)} lines are not, the first being {others[0][:80]!r}"


def it_was_announced(night: Night) -> Iterable[str]:
    """In both feeds, by its times and without its name; afterwards the calendar alone keeps it."""
    start, end = rfc3339(night.start), rfc3339(night.end)
    told = [(window.get("start"), window.get("end")) for window in night.announced.upcoming]
    if told != [(start, end)]:
        yield f"the feed announced {told} instead of {[(start, end)]}"
    if f"DTSTART:{re.sub('[-:]', '', start)}\r\n" not in night.announced.calendar:
        yield "the calendar did not hold its start"
    if night.announced_after.upcoming:
        yield f"the feed still announces {night.announced_after.upcoming}"
    if night.announced_after.calendar.count("BEGIN:VEVENT") != 1:
        yield "the calendar no longer holds what has been"
    for text in (night.announced.calendar, json.dumps(night.announced.upcoming)):
        if WINDOW_ID in text:
            yield "the window's name is told to everyone"


def parsed(text: str) -> object:
    """The text as JSON; None if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def the_secret_was_kept(night: Night) -> Iterable[str]:
    """Not in any case: the load balancer ignores it."""
    places = {
        "a report": [report.body for report in night.reports],
        "a response": [night.booking.text, night.sweep.text],
        "the log": night.log,
        "the table": [json.dumps(item) for item in [*night.now, *night.past]],
    }
    secret = night.secret.lower()
    for place, texts in places.items():
        if any(secret in text.lower() for text in texts):
            yield f"it is in {place}"


def unless(samples: Iterable[Sample], expected: str, night: Night) -> Iterable[str]:
    """One line for all that met something else, naming the first."""
    others = [sample for sample in samples if sample.met != expected]
    if others:
        first = others[0]
        moment = first.sent - night.start
        yield f"{len(others)} met something else, first at T{moment:+.1f}s: {first.met}"
