"""What the function costs: its size, its memory, and its AWS calls on each path."""

import json
from pathlib import Path

from rehearsal.local_aws import LocalAws
from rehearsal.night import Night

# What the project allows itself.
SIZE_BUDGET_MB = 7.0
MEMORY_BUDGET_MB = 12.0
SERVICES = ("elasticloadbalancing", "scheduler", "sns")
CALL_BUDGETS = {"booking": 6, "start": 7, "end": 7, "idle sweep": 2}


def measure(aws: LocalAws, bootstrap: Path, night: Night) -> list[str]:
    """One line for each measurement, with its budget."""
    size = bootstrap.stat().st_size / 1e6
    lines = [line("executable", f"{size:.1f} MB", size, SIZE_BUDGET_MB, "MB")]
    memory = resident_memory_mb(aws.process_group)
    if memory is None:
        lines.append("resident memory: cannot be read on this system")
    else:
        lines.append(line("resident memory", f"{memory:.1f} MB", memory, MEMORY_BUDGET_MB, "MB"))
    for path, calls in calls_by_path(aws, night).items():
        shown = f"{len(calls)} ({', '.join(calls)})"
        lines.append(line(f"AWS calls, {path}", shown, len(calls), CALL_BUDGETS[path], ""))
    return lines


def line(name: str, shown: str, value: float, budget: float, unit: str) -> str:
    """A measurement beside its budget."""
    verdict = "within" if value <= budget else "OVER"
    return f"{name}: {shown}, {verdict} the budget of {budget:g} {unit}".rstrip()


def resident_memory_mb(process_group: int) -> float | None:
    """The most that any running copy of the function holds; None if the system does not tell."""
    held = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            group = int((status.parent / "stat").read_text().rpartition(")")[2].split()[2])
            if group != process_group:
                continue
            fields = dict(
                entry.split(":", 1) for entry in status.read_text().splitlines() if ":" in entry
            )
        except (OSError, ValueError, IndexError):
            # It has ended since.
            continue
        if fields["Name"].strip() == "bootstrap":
            held.append(int(fields["VmRSS"].split()[0]) * 1024 / 1e6)
    return max(held, default=None)


def calls_by_path(aws: LocalAws, night: Night) -> dict[str, list[str]]:
    """The calls that the function itself made, by what it was doing."""
    # A booking that failed is followed by the sweep at once.
    middle = min((night.start + night.end) / 2, night.sweep_took[0])
    spans = {
        "booking": night.booking_took,
        "start": (night.booking_took[1], middle),
        "end": (middle, night.sweep_took[0]),
        "idle sweep": night.sweep_took,
    }
    return {path: calls_between(aws, began, ended) for path, (began, ended) in spans.items()}


def calls_between(aws: LocalAws, began: float, ended: float) -> list[str]:
    """The services that the function called, in order; CloudTrail here knows no finer name."""
    trail = aws.client("cloudtrail")
    calls = []
    for service in SERVICES:
        # One service at a time: an answer holds fifty events, and has no second page here.
        events = trail.lookup_events(
            LookupAttributes=[
                {"AttributeKey": "EventSource", "AttributeValue": f"{service}.amazonaws.com"}
            ],
            StartTime=began,
            EndTime=ended,
        )["Events"]
        for event in events:
            if "aws-sdk-rust" in json.loads(event["CloudTrailEvent"])["userAgent"]:
                calls.append((event["EventTime"].timestamp(), service))
    return [service for _, service in sorted(calls)]
