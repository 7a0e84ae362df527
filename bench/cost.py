"""What a month costs: what each kind of run took, how often there is one, and AWS's prices."""

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from bench.measure import Run, Runs

# A month of 30 days, with a window a week of two hours, and a dashboard that is open for an hour at
# each and is refreshed every minute.
HOURS = 30 * 24
WINDOWS, WINDOW_H, LOOKS = 4, 2, 60
# A wake-up is booked a minute early, and the function waits for the second.
WAIT_S = 60
# The memory with which Lambda gives a whole processor, by its developer guide, "Configure Lambda
# function memory".
WHOLE_CPU_MB = 1769
# What Lambda itself writes about each run; more than its lines have.
PLATFORM_LOG_BYTES = 1000
EVERY_5_MINUTES = "rate(5 minutes)"


@dataclass(frozen=True)
class Stack:
    """What the template says of it."""

    memory_mb: int
    sweeps_an_hour: int
    # An alarm on an expression is charged for each metric in it.
    alarm_metrics: int
    dashboards: int


@dataclass(frozen=True)
class Line:
    """One thing that AWS charges for."""

    what: str
    amount: float
    # In dollars.
    each: float
    price: str
    # How much of it is free in each month of an account, for as long as there is one.
    free: float = 0
    free_text: str = "none"

    @property
    def cost(self) -> float:
        """Its price, as if nothing were free."""
        return self.amount * self.each

    @property
    def beyond_free(self) -> float:
        """Its price where nothing else uses what is free."""
        return max(0.0, self.amount - self.free) * self.each


def stack(template: Path) -> Stack:
    """Reads the template."""
    resources = yaml_parse(template.read_text())["Resources"].values()

    def of(kind: str) -> list[dict]:
        return [one["Properties"] for one in resources if one["Type"] == kind]

    [function], [sweep] = of("AWS::Serverless::Function"), of("AWS::Scheduler::Schedule")
    if sweep["ScheduleExpression"] != EVERY_5_MINUTES:
        raise ValueError(f"sweeps at another rate: {sweep['ScheduleExpression']}")
    metrics = [alarm.get("Metrics", [{"MetricStat": {}}]) for alarm in of("AWS::CloudWatch::Alarm")]
    return Stack(
        memory_mb=function["MemorySize"],
        sweeps_an_hour=12,
        alarm_metrics=sum("MetricStat" in metric for alarm in metrics for metric in alarm),
        dashboards=len(of("AWS::CloudWatch::Dashboard")),
    )


def how_often(stack: Stack) -> dict[str, int]:
    """How often each kind of run takes place in a month."""
    active = WINDOWS * WINDOW_H * stack.sweeps_an_hour
    return {
        "booking": WINDOWS,
        "start": WINDOWS,
        "end": WINDOWS,
        "sweep, one window active": active,
        "sweep, five minutes after an end": WINDOWS,
        "sweep, 1 booked": HOURS * stack.sweeps_an_hour - active - WINDOWS,
        "look, 1 booked": WINDOWS * LOOKS,
    }


def month(runs: dict[str, Runs], stack: Stack) -> list[Line]:
    """What a month takes, at the prices of us-east-1 in 2026."""
    often = how_often(stack)

    def total(read: Callable[[Run], float]) -> float:
        return sum(
            count * statistics.median(read(run) for run in runs[name].warm)
            for name, count in often.items()
        )

    def calls(action: str) -> float:
        return total(lambda run: sum(call.action == action for call in run.calls))

    sweeps = sum(count for name, count in often.items() if name.startswith("sweep"))
    wake_ups = calls("CreateSchedule")
    seconds = total(lambda run: billed_s(run, stack.memory_mb)) + wake_ups * WAIT_S
    log_bytes = total(lambda run: len(run.log) + PLATFORM_LOG_BYTES)
    metrics = set().union(
        *(figures(runs[name].warm[0].log) for name in ("start", "sweep, one window active", "end"))
    )
    publishes = calls("Publish")
    return [
        Line("Lambda, runs", sum(often.values()), 0.2e-6, "$0.20 a million", 1e6, "1,000,000"),
        Line(
            "Lambda, GB-seconds on arm64",
            seconds * stack.memory_mb / 1024,
            0.0000133334,
            "$13.33 a million",
            400_000,
            "400,000",
        ),
        Line(
            "EventBridge Scheduler, invocations",
            sweeps + wake_ups,
            1e-6,
            "$1.00 a million",
            14e6,
            "14,000,000",
        ),
        Line(
            "DynamoDB, read units",
            total(lambda run: sum(call.reads for call in run.calls)),
            0.125e-6,
            "$0.125 a million",
        ),
        Line(
            "DynamoDB, write units",
            total(lambda run: sum(call.writes for call in run.calls)),
            0.625e-6,
            "$0.625 a million",
        ),
        Line("SNS, reports", publishes, 0.5e-6, "$0.50 a million", 1e6, "1,000,000"),
        Line("SNS, e-mails to one address", publishes, 2e-5, "$2.00 for 100,000", 1000, "1,000"),
        Line(
            "CloudWatch, requests",
            calls("GetMetricStatistics"),
            1e-5,
            "$0.01 for 1,000",
            1e6,
            "1,000,000",
        ),
        Line("CloudWatch, MB of logs", log_bytes / 1e6, 0.5e-3, "$0.50 a GB", 5000, "5 GB"),
        Line(
            "CloudWatch, metrics, for each hour that they are written in",
            WINDOWS * (WINDOW_H + 1) * len(metrics),
            0.3 / HOURS,
            "$0.30 a month",
            10 * HOURS,
            "10 metrics",
        ),
        Line("CloudWatch, metrics of alarms", stack.alarm_metrics, 0.1, "$0.10", 10, "10"),
        Line("CloudWatch, dashboards", stack.dashboards, 3.0, "$3.00", 3, "3"),
    ]


def billed_s(run: Run, memory_mb: int) -> float:
    """What Lambda charges: the time measured here, lengthened by having less of a processor."""
    return run.answered_s + run.cpu_s * (WHOLE_CPU_MB / memory_mb - 1)


def figures(log: bytes) -> set[tuple[str, str | None]]:
    """The metrics that a log's lines hold, by name and rule."""
    found = set()
    for line in log.splitlines():
        told = json.loads(line)
        for directive in told.get("_aws", {}).get("CloudWatchMetrics", []):
            found |= {(metric["Name"], told.get("Rule")) for metric in directive["Metrics"]}
    return found
