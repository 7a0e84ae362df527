"""Measures, prints the table, and puts it into BENCHMARKS.md."""

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import certificate
from bench.runtime_api import Cost, Sandbox

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "BENCHMARKS.md"
MARKS = "<!-- made by `make bench` -->", "<!-- end of what `make bench` made -->"

COLD_STARTS = 40
COLD_STARTS_PYTHON = 10
WARM = 300
# Between the first poll and the first event, when Lambda starts an environment ahead of need.
INIT_REST_S = 0.05
NETWORK_MS = 40
RULES = (1, 20, 100)
# What Elastic Load Balancing lets through: a burst, then so many a second.
BURST, PER_SECOND = 20, 3


@dataclass
class Subject:
    """A handler and what was measured of it."""

    name: str
    command: list[str]
    cold: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    first_at_once: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    warm_on: list[float] = field(default_factory=list)
    start_cost: list[Cost] = field(default_factory=list)
    cost: Cost | None = None
    warm_cpu_s: float = 0.0
    flips: dict[int, float] = field(default_factory=dict)
    instructions: int | None = None


class Bench:
    """The local AWS and the environment of the handlers."""

    def __init__(self, directory: Path, orders: int, environment: dict[str, str]) -> None:
        """`orders` is the port on which the local AWS takes orders."""
        self.directory, self._orders, self._environment = directory, orders, environment

    def environment(self, rules: int = 1) -> dict[str, str]:
        """What a handler finds in its environment."""
        arn = (
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/lb/listener"
        )
        return {
            **self._environment,
            "RULE_ARNS": ",".join(f"{arn}/rule{n:03}" for n in range(rules)),
        }

    def order(self, path: str) -> dict:
        """Tells the local AWS something."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._orders}{path}", timeout=10) as answer:
            return json.load(answer)

    def reset(self, delay_ms: int = 0) -> None:
        """A new world, whose calls take so much longer."""
        self.order(f"/reset?{delay_ms}")


@contextlib.contextmanager
def local_aws() -> Iterator[Bench]:
    """The local AWS, trusted by what runs in its environment and by nothing else."""
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        directory = Path(temporary)
        authority, *pair = certificate.make(directory)
        # Among as many others as a system has: loading them is part of a start.
        trusted = directory / "trusted.pem"
        trusted.write_bytes(authority.read_bytes() + system_authorities())
        command = [sys.executable, "-m", "bench.aws", *map(str, pair)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            try:
                ports = json.loads(process.stdout.readline())
                yield Bench(directory, ports["orders"], handler_environment(ports, trusted))
            finally:
                process.stdin.close()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def system_authorities() -> bytes:
    """The certificates that botocore or the system brings; about as many as Lambda's image has."""
    import certifi

    return Path(certifi.where()).read_bytes()


def handler_environment(ports: dict[str, int], trusted: Path) -> dict[str, str]:
    """Lambda's variables and ours; nothing of the caller's environment but the path."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_SESSION_TOKEN": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": f"https://localhost:{ports['elasticloadbalancing']}",
        "AWS_ENDPOINT_URL_SCHEDULER": f"https://localhost:{ports['scheduler']}",
        "AWS_ENDPOINT_URL_SNS": f"https://localhost:{ports['sns']}",
        "SSL_CERT_FILE": str(trusted),
        "AWS_CA_BUNDLE": str(trusted),
        "AWS_LAMBDA_FUNCTION_NAME": "maintenance",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
        "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "BYPASS_HEADER_NAME": "x-maintenance-bypass",
        "BYPASS_HEADER_VALUE": "bench-secret-0123456789",
        "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:maintenance",
        "SCHEDULE_GROUP": "maintenance",
        "SCHEDULER_ROLE_ARN": "arn:aws:iam::123456789012:role/maintenance-scheduler",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def on() -> dict:
    """The event that starts a window."""
    return {"action": "on", "reason": "bench"}


def off() -> dict:
    """The event that ends it."""
    return {"action": "off"}


def prepare(bench: Bench, subject: Subject, delay_ms: int = 0) -> None:
    """A new world; the Python handler updates a schedule that must exist."""
    bench.reset(delay_ms)
    if subject.name == "boto3":
        bench.order("/schedule?window")


def cold_starts(bench: Bench, subject: Subject, count: int) -> None:
    """Starts the handler again and again and invokes it once, every other time at once."""
    for number in range(count):
        prepare(bench, subject)
        with Sandbox(subject.command, bench.environment()) as sandbox:
            subject.cold.append(sandbox.cold_start_s)
            at_once = number % 2 == 0
            if not at_once:
                time.sleep(INIT_REST_S)
                subject.start_cost.append(sandbox.cost())
            took, _ = sandbox.invoke(on())
            (subject.first_at_once if at_once else subject.first).append(took)


def warm(bench: Bench, subject: Subject) -> None:
    """Flips one rule to and fro."""
    prepare(bench, subject)
    with Sandbox(subject.command, bench.environment(), bench.directory / "warm.log") as sandbox:
        for event in (on(), off()):
            sandbox.invoke(event)
        before = sandbox.cost().cpu_s
        for _ in range(WARM // 2):
            for event in (on(), off()):
                took, _ = sandbox.invoke(event)
                subject.warm.append(took)
                if event["action"] == "on":
                    subject.warm_on.append(took)
        subject.cost = sandbox.cost()
        subject.warm_cpu_s = (subject.cost.cpu_s - before) / WARM


def flips(bench: Bench, subject: Subject, sizes: tuple[int, ...]) -> None:
    """How long a flip takes when each call goes over a network."""
    for rules in sizes:
        prepare(bench, subject, NETWORK_MS)
        with Sandbox(subject.command, bench.environment(rules)) as sandbox:
            time.sleep(INIT_REST_S)
            subject.flips[rules], _ = sandbox.invoke(on())


def calls(bench: Bench, subject: Subject) -> dict[str, dict[str, int]]:
    """The calls of each transition, without any that was repeated."""
    found = {}
    bench.reset()
    with Sandbox(subject.command, bench.environment()) as sandbox:
        bench.order("/calls")
        start = time.time() + 1
        book = {
            "action": "book",
            "id": "bench",
            "start": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + 2)),
            "duration": "PT2H",
        }
        sandbox.invoke(book)
        told = bench.order("/calls")
        found["booking"] = told["calls"]
        # The wake-up that Scheduler would deliver, delivered once its moment has passed.
        wake_ups = [json.loads(one["Target"]["Input"]) for one in told["schedules"].values()]
        time.sleep(max(0, start + 3 - time.time()))
        for name, event in (
            (
                "start",
                next((w for w in wake_ups if w.get("action") == "wake"), {"action": "sweep"}),
            ),
            ("idle sweep, open window", {"action": "sweep"}),
            ("end", off()),
            ("idle sweep", {"action": "sweep"}),
            ("on", on()),
            ("off", off()),
        ):
            sandbox.invoke(event)
            found[name] = bench.order("/calls")["calls"]
    return found


def instructions(bench: Bench, subject: Subject) -> int | None:
    """The instructions of the main thread up to the first poll; None without valgrind."""
    valgrind = shutil.which("valgrind")
    if not valgrind:
        return None
    out, log = bench.directory / "callgrind.out", bench.directory / "valgrind.log"
    command = [
        valgrind,
        "--tool=callgrind",
        "--separate-threads=yes",
        f"--callgrind-out-file={out}",
        *subject.command,
    ]
    sandbox = Sandbox(command, bench.environment(), log)
    # A signal that ends the process makes callgrind write what it counted.
    sandbox.process.terminate()
    sandbox.process.wait(60)
    sandbox.close()
    counted = out.with_name(f"{out.name}-01").read_text()
    return int(re.search(r"^(?:totals|summary): (\d+)", counted, re.MULTILINE)[1])


def zip_mb(executable: Path, directory: Path) -> float:
    """The size of what is uploaded."""
    path = directory / "bootstrap.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(executable, "bootstrap")
    return path.stat().st_size / 1e6


def p99(values: list[float]) -> float:
    """The value that one in a hundred exceeds."""
    return statistics.quantiles(values, n=100)[98]


def table(subjects: list[Subject], sizes: dict[str, tuple[float, float]], found: dict) -> list[str]:
    """The figures as Markdown, with the goals of the project beside them."""
    ours, _, boto = subjects
    median = statistics.median
    rows = []

    def row(
        name: str,
        unit: str,
        values: list[float | None],
        goal: float | None = None,
        of: str = "empty",
    ) -> None:
        cells = ["" if value is None else f"{value:.3g} {unit}".strip() for value in values]
        mine, floor, python = values
        ratios = [f"{mine / other:.2f}" if other and mine else "" for other in (floor, python)]
        verdict = ""
        if goal:
            reached = mine / floor if of == "empty" else mine
            measure = "× empty" if of == "empty" else unit
            verdict = f"{'≤' if reached <= goal else 'MISSED:'} {goal:g} {measure}"
        rows.append(f"| {' | '.join([name, *cells, *ratios, verdict])} |")

    def each(read: Callable[[Subject], float | None]) -> list[float | None]:
        return [read(subject) for subject in subjects]

    ms = 1000
    row(
        "cold start, process start to first poll, median",
        "ms",
        each(lambda s: median(s.cold) * ms),
        1.5,
    )
    row(
        "cold start, instructions (callgrind)",
        "M",
        each(lambda s: s.instructions and s.instructions / 1e6),
    )
    row(
        "first invocation, 50 ms after the first poll, median",
        "ms",
        each(lambda s: median(s.first) * ms),
    )
    row("first invocation, at once, median", "ms", each(lambda s: median(s.first_at_once) * ms))
    row(
        "process start to first answer, event at once, medians",
        "ms",
        each(lambda s: (median(s.cold) + median(s.first_at_once)) * ms),
    )
    row("warm invocation, the same event, median", "ms", each(lambda s: median(s.warm_on) * ms))
    row(f"warm invocation, on and off, median of {WARM}", "ms", each(lambda s: median(s.warm) * ms))
    row(f"warm invocation, on and off, p99 of {WARM}", "ms", each(lambda s: p99(s.warm) * ms))
    row(
        "CPU time of start and 50 ms after it",
        "ms",
        each(lambda s: statistics.mean(c.cpu_s for c in s.start_cost) * ms),
    )
    row("CPU time of a warm invocation", "ms", each(lambda s: s.warm_cpu_s * ms))
    row(
        "peak memory, before the first event",
        "MB",
        each(lambda s: max(c.peak_mb for c in s.start_cost)),
    )
    row("peak memory, after all", "MB", each(lambda s: s.cost.peak_mb), 2.2)
    row("executable", "MB", [sizes["ours"][0], sizes["empty"][0], None], 5, "")
    row("zip", "MB", [sizes["ours"][1], sizes["empty"][1], None], 2.2, "")
    for rules in ours.flips:
        name = f"flip of {rules} rule{'s' if rules > 1 else ''}, {NETWORK_MS} ms a call"
        row(name, "s", [ours.flips[rules], None, boto.flips[rules]])
    lines = [
        "| | this function | empty handler | boto3 | × empty | × boto3 | goal |",
        "| --- | --: | --: | --: | --: | --: | --- |",
        *rows,
        "",
    ]
    first = median(ours.first) / median(ours.warm_on)
    at_once = median(ours.first_at_once) / median(ours.warm_on)
    lines.append(
        f"The first invocation takes {first:.2f} times a warm one of the same event (goal: 1.3), "
        f"and {at_once:.2f} times if the event is there when the function first asks."
    )
    most = max(ours.flips)
    limit = max(0, most - BURST) / PER_SECOND
    if limit:
        lines.append(
            f"A flip of {most} rules takes {ours.flips[most] / limit:.2f} times the {limit:.1f} s "
            f"that a limit of {BURST} at once and {PER_SECOND} per second leaves (goal: 1.2)."
        )
    lines += ["", "| transition | AWS calls | |", "| --- | --: | --- |"]
    for name, made in found.items():
        spelled = ", ".join(
            f"{action} {count}" if count > 1 else action for action, count in sorted(made.items())
        )
        lines.append(f"| {name} | {sum(made.values())} | {spelled} |")
    return lines


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


def main() -> None:
    """Runs everything."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bootstrap", type=Path, default=ROOT / "target/release/bootstrap")
    options.add_argument("--empty", type=Path, default=ROOT / "target/release/empty")
    options.add_argument(
        "--quick", action="store_true", help="few flips and no long ones; writes no file"
    )
    chosen = options.parse_args()
    ours = Subject("ours", [str(chosen.bootstrap)])
    empty = Subject("empty", [str(chosen.empty)])
    boto = Subject("boto3", [sys.executable, str(ROOT / "bench/boto3_handler.py")])
    subjects = [ours, empty, boto]
    with local_aws() as bench:
        # In turns, so that a slow minute of the machine slows all of them.
        for _ in range(4):
            for subject in subjects:
                cold_starts(
                    bench,
                    subject,
                    (COLD_STARTS_PYTHON if subject is boto else COLD_STARTS) // 4 + 1,
                )
        for subject in subjects:
            warm(bench, subject)
        for subject in (ours, empty):
            subject.instructions = instructions(bench, subject)
        found = calls(bench, ours)
        for subject in (ours, boto):
            flips(bench, subject, RULES[:2] if chosen.quick else RULES)
        sizes = {
            "ours": (
                chosen.bootstrap.stat().st_size / 1e6,
                zip_mb(chosen.bootstrap, bench.directory),
            ),
            "empty": (chosen.empty.stat().st_size / 1e6, zip_mb(chosen.empty, bench.directory)),
        }
    lines = [machine(), "", *table(subjects, sizes, found)]
    print("\n".join(lines))
    if not chosen.quick:
        write(lines)


if __name__ == "__main__":
    main()
