"""One window from booking to its last trace, watched from outside."""

import contextlib
import datetime
import json
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from account import table
from rehearsal.deployment import Answer, Deployment, invoke
from rehearsal.local_aws import LocalAws
from rehearsal.reports import Mailbox, Report
from rehearsal.shop import LoadBalancer
from rehearsal.timeline import Timeline
from rehearsal.traffic import CLOSED, OPEN, Sample, Traffic

WINDOW_ID = "rehearsal-night"
# The start's wake-up is booked a few seconds from now and the local scheduler looks every 10 s.
LEAD_S = 25
# For how long after the end visitors are watched before the verdict.
SETTLE_S = 6
# How late the end's report may be before we stop waiting for it.
PATIENCE_S = 60
# Between two looks at what happens.
GLANCE_S = 0.2


@dataclass(frozen=True)
class Announced:
    """What the feeds say of windows ahead, and the whole calendar."""

    upcoming: list[dict[str, Any]]
    calendar: str


@dataclass(frozen=True)
class Night:
    """All that was seen, for `promises` to judge. Times are Unix times."""

    start: float
    end: float
    secret: str
    booking: Answer
    visitor: list[Sample]
    tester: list[Sample]
    reports: list[Report]
    rule_before: dict[str, Any]
    rule_after: dict[str, Any]
    sweep: Answer
    wake_ups_left: list[str]
    # The table afterwards: what is booked or active, and what is over, item by item.
    now: list[dict[str, Any]]
    past: list[dict[str, Any]]
    dead_letters: int
    log: list[str]
    # What visitors and calendars were told before the start, and what afterwards.
    announced: Announced
    announced_after: Announced


@dataclass(frozen=True)
class Site:
    """One stack, what it looks after, and the feeds that announce its windows, by their keys."""

    aws: LocalAws
    deployment: Deployment
    balancer: LoadBalancer
    bypass: tuple[str, str]
    feeds: Callable[[str], bytes | None]


def nothing_happens(_start: float, _end: float) -> AbstractContextManager[object]:
    """An ordinary night."""
    return contextlib.nullcontext()


def live(
    site: Site,
    event_file: Path,
    window_s: int,
    timeline: Timeline,
    meanwhile: Callable[[float, float], AbstractContextManager[object]] = nothing_happens,
) -> Night:
    """Books a window, lives through it and gathers what it left behind.

    `meanwhile` is given the window's start and end; it is entered once the window is booked, and
    left before the last sweep.
    """
    aws, deployment, balancer, bypass = site.aws, site.deployment, site.balancer, site.bypass
    lambda_client = aws.client("lambda")
    rule_before = read_rule(aws, balancer.rule_arn)
    with (
        Mailbox(aws, deployment.topic_arn) as mailbox,
        Traffic(aws.port, balancer.host) as visitor,
        Traffic(aws.port, balancer.host, dict([bypass])) as tester,
    ):
        start = math.ceil(time.time() + LEAD_S)
        end = start + window_s
        timeline.count_from(start)
        booking = invoke(lambda_client, deployment.function, booking_event(event_file, start, end))
        timeline.say(f"booking answered: {summary(booking)}")
        announced = announcement(site.feeds)
        for window in announced.upcoming:
            timeline.say(f"visitors are told beforehand: {window['message']}")
        with meanwhile(start, end):
            watch(start, end, mailbox, visitor, tester, timeline, give_up=booking.failed)

        sweep = invoke(lambda_client, deployment.function, {"action": "sweep"})
        timeline.say(f"sweep answered: {summary(sweep)}")
        wake_ups_left = wake_ups(aws, deployment)
        rule_after = read_rule(aws, balancer.rule_arn)
        # Whatever the sweep still published.
        time.sleep(1.5)

    return Night(
        start=start,
        end=end,
        secret=bypass[1],
        booking=booking,
        visitor=visitor.samples(),
        tester=tester.samples(),
        reports=mailbox.reports(),
        rule_before=rule_before,
        rule_after=rule_after,
        sweep=sweep,
        wake_ups_left=wake_ups_left,
        now=table.items(aws.client("dynamodb"), deployment.table, table.NOW),
        past=table.items(aws.client("dynamodb"), deployment.table, table.PAST),
        dead_letters=count_messages(aws, deployment.dead_letter_queue_url),
        log=read_log(aws, deployment.log_group),
        announced=announced,
        announced_after=announcement(site.feeds),
    )


def announcement(feeds: Callable[[str], bytes | None]) -> Announced:
    """What the feeds say now."""
    upcoming, calendar = feeds("errors/upcoming.json"), feeds("errors/maintenance.ics")
    windows = json.loads(upcoming)["windows"] if upcoming else []
    return Announced(windows, (calendar or b"").decode())


def booking_event(event_file: Path, start: float, end: float) -> dict[str, Any]:
    """The project's example of a booking, moved to tonight and to the rules of this stack."""
    event = json.loads(event_file.read_text(encoding="utf-8"))
    for field in ("duration", "timezone", "rules"):
        event.pop(field, None)
    return event | {"id": WINDOW_ID, "start": rfc3339(start), "end": rfc3339(end)}


def watch(
    start: float,
    end: float,
    mailbox: Mailbox,
    visitor: Traffic,
    tester: Traffic,
    timeline: Timeline,
    *,
    give_up: bool,
) -> None:
    """Tells what happens as it happens, until all is over or has taken too long."""
    told_reports = 0
    told_ids: set[str] = set()
    told_visitor = 0
    told_tester = False
    visitor_met = OPEN
    while not give_up:
        now = time.time()
        reports = mailbox.reports()
        for report in reports[told_reports:]:
            # Delivery is at least once; the id is how readers drop what they have already.
            again = " again" if report.id in told_ids else ""
            timeline.say(f"report received{again}: {report.event}", at=report.received)
            told_ids.add(report.id)
        told_reports = len(reports)

        samples = visitor.samples()
        for sample in samples[told_visitor:]:
            if sample.met != visitor_met:
                timeline.say(f"a visitor now meets: {what(sample.met)}", at=sample.answered)
                visitor_met = sample.met
        told_visitor = len(samples)

        tester_met = tester.samples()[-1].met if tester.samples() else OPEN
        if visitor_met == CLOSED and not told_tester:
            timeline.say(f"a tester with the header still meets: {what(tester_met)}")
            told_tester = True

        over = any(report.event in ("completed", "missed") for report in reports)
        if (over and now >= end + SETTLE_S) or now >= end + PATIENCE_S:
            return
        timeline.progress(
            f"visitors: {what(visitor_met)} · testers: {what(tester_met)}"
            f" · {outlook(now, start, end)}"
        )
        time.sleep(GLANCE_S)


def what(met: str) -> str:
    """What a client met, in a person's words."""
    return {OPEN: "200, the shop", CLOSED: "503, the maintenance page"}.get(met, met)


def outlook(now: float, start: float, end: float) -> str:
    """What comes next, and when."""
    if now < start:
        return f"starts in {start - now:.0f} s"
    if now < end:
        return f"ends in {end - now:.0f} s"
    return "looking for what is left"


def summary(answer: Answer) -> str:
    """A response's own sentence, or the whole of it if it has none."""
    if isinstance(answer.document, dict) and not answer.failed:
        outcome = answer.document.get("outcome", "no outcome")
        message = answer.document.get("message", "")
        return f"{outcome}. {message}".rstrip()
    return f"FAILED {answer.text}"


def read_rule(aws: LocalAws, rule_arn: str) -> dict[str, Any]:
    """The rule's owner's part: conditions, actions and priority, in a comparable form."""
    rule = aws.client("elbv2").describe_rules(RuleArns=[rule_arn])["Rules"][0]
    return {
        "conditions": sorted(
            (condition["Field"], sorted(condition.get("Values", [])), header_name(condition))
            for condition in rule["Conditions"]
        ),
        "actions": rule["Actions"],
        "priority": rule["Priority"],
    }


def header_name(condition: dict[str, Any]) -> str:
    """The header that a condition looks at; empty if it looks at something else."""
    return condition.get("HttpHeaderConfig", {}).get("HttpHeaderName", "").lower()


def wake_ups(aws: LocalAws, deployment: Deployment) -> list[str]:
    """The names of all schedules in the stack's group but the sweep's own."""
    group = deployment.schedule_group
    schedules = aws.client("scheduler").list_schedules(GroupName=group)["Schedules"]
    names = {schedule["Name"] for schedule in schedules}
    return sorted(names - {f"{deployment.function}-sweep"})


def count_messages(aws: LocalAws, queue_url: str) -> int:
    """How many messages a queue holds."""
    attributes = aws.client("sqs").get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def read_log(aws: LocalAws, group: str) -> list[str]:
    """Every line the function has logged."""
    logs = aws.client("logs")
    lines: list[str] = []
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
        lines.extend(event["message"] for event in page["events"])
    return lines


def rfc3339(unix_time: float) -> str:
    """A Unix time as the function reads it."""
    moment = datetime.datetime.fromtimestamp(unix_time, tz=datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
