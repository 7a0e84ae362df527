"""Measures, prints the tables, and puts them into BENCHMARKS.md."""

import argparse
import os
import sys
import time
from pathlib import Path

from bench import cost, goals, measure, tables
from bench.measure import Subject
from bench.world import DELAYS_MS, ROOT, local_aws, worlds

BENCHMARKS = ROOT / "BENCHMARKS.md"
MARKS = "<!-- made by `make bench` -->", "<!-- end of what `make bench` made -->"

# How many windows a sweep and a look at the dashboard find booked.
BOOKED = (1, 50, 500)


def machine() -> str:
    """What it was measured on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        os.uname().machine,
    )
    python = sys.version.split()[0]
    return (
        f"Measured on {time.strftime('%Y-%m-%d')}: {cpu}, {os.cpu_count()} cores, Python {python}."
    )


def write(lines: list[str]) -> None:
    """Replaces the part of BENCHMARKS.md between the marks."""
    text = BENCHMARKS.read_text()
    head, _, rest = text.partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    BENCHMARKS.write_text("\n".join([head + MARKS[0], "", *lines, "", MARKS[1] + tail]))


def measured(ours: Subject, empty: Subject, boto: Subject, quick: bool) -> list[str]:
    """Measures everything and tells it."""
    subjects = [ours, empty, boto]
    with local_aws() as bench:
        known = worlds(bench, ours.command, BOOKED[:2] if quick else BOOKED)
        measure.transitions(bench, [ours, boto], known)
        ending = next(transition for transition in known if transition.name == "end")
        typical = measure.typical_items(bench, ours, ending)
        # In turns, so that a slow minute of the machine slows all of them.
        for _ in range(1 if quick else 4):
            for subject in subjects:
                starts = measure.COLD_STARTS_PYTHON if subject is boto else measure.COLD_STARTS
                measure.cold_starts(bench, subject, starts // 4 + 1)
        measure.warm(bench, subjects)
        measure.after_many(bench, ours)
        for subject in (ours, boto):
            measure.flips(bench, subject, measure.RULES)
        for subject in (ours, empty):
            measure.sizes(bench, subject)
            subject.instructions = measure.instructions(bench, subject)
    delays = (
        f"A call to Elastic Load Balancing, Scheduler and SNS takes {DELAYS_MS['sns']} ms, "
        f"one to the table {DELAYS_MS['dynamodb']} ms."
    )
    return [
        machine(),
        "",
        "### Goals",
        "",
        *goals.goals(subjects, known),
        "",
        "### Calls that wait for each other",
        "",
        *tables.in_a_row(ours, known),
        "",
        "### From the invocation to the turned rule and to the answer",
        "",
        f"{delays} Cold is from the start of the process, with the event already there.",
        "",
        *tables.against_boto(ours, boto, known),
        "",
        "### Calls of each transition",
        "",
        *tables.calls(ours, known),
        "",
        "### What grows with the windows",
        "",
        *tables.growth(ours, known),
        "",
        "### A month",
        "",
        *tables.month(cost.month(ours.runs, cost.stack(ROOT / "template.yaml"))),
        "",
        "### The process",
        "",
        *tables.process(subjects),
        "",
        "### Items of the table",
        "",
        *tables.items(typical),
    ]


def main() -> None:
    """Runs everything."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bootstrap", type=Path, default=ROOT / "target/release/bootstrap")
    options.add_argument("--empty", type=Path, default=ROOT / "target/release/empty")
    options.add_argument(
        "--quick", action="store_true", help="fewer starts and windows; writes no file"
    )
    chosen = options.parse_args()
    ours = Subject("ours", [str(chosen.bootstrap)], chosen.bootstrap)
    empty = Subject("empty", [str(chosen.empty)], chosen.empty)
    boto = Subject("boto3", [sys.executable, str(ROOT / "bench/boto3_handler.py")])
    lines = measured(ours, empty, boto, chosen.quick)
    print("\n".join(lines))
    if not chosen.quick:
        write(lines)


if __name__ == "__main__":
    main()
