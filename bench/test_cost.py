"""A month's cost, and what is said of the goals."""

import json
import tempfile
import unittest
from pathlib import Path

from bench import cost, goals, tables
from bench.chain import Call
from bench.cost import Line, Stack
from bench.measure import Run, Runs, Subject
from bench.runtime_api import Cost
from bench.world import ROOT, Transition

STACK = Stack(memory_mb=128, sweeps_an_hour=12, alarm_metrics=11, dashboards=1)
ELB, TABLE = "elasticloadbalancing", "dynamodb"


def figure(name: str, rule: str | None = None) -> bytes:
    """A line of a log that holds a figure."""
    line = {"_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": name}]}]}, name: 1}
    return json.dumps({**line, **({"Rule": rule} if rule else {})}).encode() + b"\n"


def runs(**more: Run) -> dict[str, Runs]:
    """A run of each kind that a month has, which takes nothing unless it is given."""
    nothing = Run(calls=[], answered_s=0.0, turned_s=None)
    named = {name.replace("_", " "): run for name, run in more.items()}
    return {name: Runs(warm=[named.get(name, nothing)]) for name in cost.how_often(STACK)}


def amount(lines: list[Line], what: str) -> float:
    """How much of something a month takes."""
    [line] = [line for line in lines if line.what == what]
    return line.amount


class MonthTest(unittest.TestCase):
    """What a month takes."""

    def test_there_is_a_sweep_every_five_minutes_whatever_goes_on(self) -> None:
        often = cost.how_often(STACK)
        sweeps = sum(count for name, count in often.items() if name.startswith("sweep"))
        self.assertEqual(sweeps, 30 * 24 * 12)

    def test_what_a_run_takes_counts_as_often_as_there_is_one(self) -> None:
        booking = [
            Call(TABLE, "TransactWriteItems", 0, 1, writes=6),
            Call("scheduler", "CreateSchedule", 1, 2),
            Call("scheduler", "CreateSchedule", 1, 2),
            Call("sns", "Publish", 2, 3),
        ]
        sweep = Run([Call(TABLE, "Query", 0, 1, reads=2)], 0.045, None, log=b"{}\n")
        lines = cost.month(runs(booking=Run(booking, 0.0, None), start=sweep), STACK)
        self.assertEqual(amount(lines, "DynamoDB, write units"), 6 * 4)
        self.assertEqual(amount(lines, "DynamoDB, read units"), 2 * 4)
        self.assertEqual(amount(lines, "SNS, e-mails to one address"), 4)
        self.assertEqual(amount(lines, "EventBridge Scheduler, invocations"), 8640 + 2 * 4)
        # Four starts, and the minute that each of eight wake-ups waits.
        seconds = 4 * 0.045 + 8 * 60
        self.assertAlmostEqual(amount(lines, "Lambda, GB-seconds on arm64"), seconds / 8)
        of_starts = amount(lines, "CloudWatch, MB of logs") * 1e6
        self.assertAlmostEqual(of_starts, 4 * 3 + 1000 * sum(cost.how_often(STACK).values()))

    def test_less_of_a_processor_takes_longer_and_waiting_does_not(self) -> None:
        run = Run([], answered_s=0.05, turned_s=None, cpu_s=0.002)
        self.assertAlmostEqual(cost.billed_s(run, 1769), 0.05)
        self.assertAlmostEqual(cost.billed_s(run, 128), 0.05 + 0.002 * (1769 / 128 - 1))

    def test_a_metric_is_one_for_each_rule_and_counts_while_it_is_written(self) -> None:
        started = Run([], 0.0, None, log=figure("Active", "a") + figure("Late"))
        ended = Run([], 0.0, None, log=figure("Active", "b") + figure("Late") + b"{}\n")
        lines = cost.month(runs(start=started, end=ended), STACK)
        what = "CloudWatch, metrics, for each hour that they are written in"
        self.assertEqual(amount(lines, what), 3 * 4 * 3)

    def test_what_is_free_is_left_out_only_of_the_last_column(self) -> None:
        lines = [Line("a", 11, 0.1, "", free=10), Line("b", 1, 3.0, "", free=3)]
        for line, all_of_it, beyond in zip(lines, (1.1, 3.0), (0.1, 0.0), strict=True):
            self.assertAlmostEqual(line.cost, all_of_it)
            self.assertAlmostEqual(line.beyond_free, beyond)
        self.assertIn("| all of it |  |  | $4.100 |  | $0.100 |", tables.month(lines))

    def test_the_template_says_how_often_how_large_and_how_many(self) -> None:
        found = cost.stack(ROOT / "template.yaml")
        self.assertEqual((found.memory_mb, found.sweeps_an_hour, found.dashboards), (128, 12, 1))
        # One of ten alarms is on an expression of two metrics.
        self.assertEqual(found.alarm_metrics, 11)
        with tempfile.TemporaryDirectory() as directory:
            other = Path(directory) / "template.yaml"
            text = (ROOT / "template.yaml").read_text()
            other.write_text(text.replace(cost.EVERY_5_MINUTES, "rate(7 minutes)"))
            with self.assertRaises(ValueError):
                cost.stack(other)

    def test_cents_are_told_apart_from_nothing(self) -> None:
        told = [tables.money(dollars) for dollars in (0.0, 0.0001, 0.0123, 4.1)]
        self.assertEqual(told, ["$0.000", "< $0.001", "$0.012", "$4.100"])


def subject(name: str, answered_s: float, start_s: float) -> Subject:
    """A handler of which all was measured."""
    found = Subject(name, [name])
    found.cold, found.first, found.first_at_once, found.warm_on = ([start_s] for _ in range(4))
    found.cost = Cost(cpu_s=1.0, peak_mb=10.0)
    found.executable_mb, found.zip_mb = 6.0, 2.0
    calls = [Call(ELB, "DescribeRules", 0, 1), Call(ELB, "ModifyRule", 2, 3)]
    found.runs["end"] = Runs(*([Run(calls, answered_s, 1.0)] for _ in range(2)))
    for what in ("sweep", "look"):
        for count in (1, 50):
            made = calls[: 1 if (what, count) != ("look", 50) else 2]
            run = Run(made, 0.1, None, answer_bytes=59_000)
            found.runs[f"{what}, {count} booked"] = Runs(warm=[run])
    return found


class GoalTest(unittest.TestCase):
    """What is said of the goals."""

    def test_each_goal_says_whether_it_is_reached(self) -> None:
        known = [
            Transition("end", "", {}, "", boto={"action": "off"}),
            *(
                Transition(f"{what}, {count} booked", "", {}, "", booked=count)
                for what in ("sweep", "look")
                for count in (1, 50)
            ),
        ]
        ours = subject("ours", answered_s=0.3, start_s=0.0013)
        empty = subject("empty", answered_s=0.1, start_s=0.001)
        boto = subject("boto3", answered_s=0.2, start_s=0.1)
        ours.runs["end"].cold[0].answered_s = 0.1
        told = [line.strip("| ").split(" | ") for line in goals.goals([ours, empty, boto], known)]
        verdicts = {cells[0]: cells[-1] for cells in told[2:]}
        missed = [what for what, verdict in verdicts.items() if verdict == "MISSED"]
        self.assertEqual(
            missed,
            [
                "the whole invocation, warm: no longer than boto3's four calls",
                "a look at the dashboard makes as many calls with many windows as with one",
                "executable: 5 MB",
            ],
        )
        self.assertEqual(set(verdicts.values()), {"reached", "MISSED"})
        self.assertIn("the whole invocation, cold: no longer than boto3's four calls", verdicts)


if __name__ == "__main__":
    unittest.main()
