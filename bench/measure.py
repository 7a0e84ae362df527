"""What is measured, and how often."""

import re
import shutil
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from bench.chain import Call
from bench.items import Item
from bench.runtime_api import Cost, Sandbox
from bench.world import WINDOW, Bench, Transition, off, on

COLD_STARTS = 40
COLD_STARTS_PYTHON = 10
WARM = 300
# Between the first poll and the first event, when Lambda starts an environment ahead of need.
INIT_REST_S = 0.05
# How often each transition is run in a new process, and in one that has worked before.
COLD_RUNS, WARM_RUNS = 5, 9
# A stack's settings hold about 24 rules.
RULES = (20, 24)
# What Elastic Load Balancing lets through: a burst, then so many a second.
BURST, PER_SECOND = 20, 3


@dataclass
class Run:
    """One transition while every call takes its time."""

    calls: list[Call]
    answered_s: float
    # None if no rule was turned.
    turned_s: float | None


@dataclass
class Runs:
    """The runs of one transition by one handler."""

    cold: list[Run] = field(default_factory=list)
    warm: list[Run] = field(default_factory=list)


@dataclass
class Subject:
    """A handler and what was measured of it."""

    name: str
    command: list[str]
    executable: Path | None = None
    cold: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    first_at_once: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    warm_on: list[float] = field(default_factory=list)
    start_cost: list[Cost] = field(default_factory=list)
    cost: Cost | None = None
    warm_cpu_s: float = 0.0
    instructions: int | None = None
    executable_mb: float | None = None
    zip_mb: float | None = None
    flips: dict[int, Run] = field(default_factory=dict)
    runs: dict[str, Runs] = field(default_factory=dict)

    def event(self, transition: Transition) -> dict | None:
        """What this handler is sent for a transition; None if it knows none such."""
        return transition.boto if self.name == "boto3" else transition.event


def cold_starts(bench: Bench, subject: Subject, count: int) -> None:
    """Starts the handler again and again and invokes it once, every other time at once."""
    for number in range(count):
        bench.reset()
        with Sandbox(subject.command, bench.environment()) as sandbox:
            subject.cold.append(sandbox.cold_start_s)
            at_once = number % 2 == 0
            if not at_once:
                time.sleep(INIT_REST_S)
                subject.start_cost.append(sandbox.cost())
            took = sandbox.invoke(on()).took_s
            (subject.first_at_once if at_once else subject.first).append(took)


def warm(bench: Bench, subject: Subject) -> None:
    """Flips one rule to and fro."""
    bench.reset()
    with Sandbox(subject.command, bench.environment(), bench.directory / "warm.log") as sandbox:
        for event in (on(), off()):
            sandbox.invoke(event)
        before = sandbox.cost().cpu_s
        for _ in range(WARM // 2):
            for event in (on(), off()):
                took = sandbox.invoke(event).took_s
                subject.warm.append(took)
                if event["action"] == "on":
                    subject.warm_on.append(took)
        subject.cost = sandbox.cost()
        subject.warm_cpu_s = (subject.cost.cpu_s - before) / WARM


def transitions(bench: Bench, subjects: list[Subject], known: list[Transition]) -> None:
    """Runs every transition; the handlers in turns, so that a busy minute slows all of them."""
    sandboxes = [Sandbox(subject.command, bench.environment()) for subject in subjects]
    try:
        for sandbox in sandboxes:
            bench.restore("open")
            for event in (on(), off()):
                sandbox.invoke(event)
        for transition in known:
            for subject in subjects:
                subject.runs[transition.name] = Runs()
            # The others have no rule to turn, so only their calls are told.
            compared = transition.boto is not None
            for _ in range(WARM_RUNS if compared else 1):
                for subject, sandbox in zip(subjects, sandboxes, strict=True):
                    if subject.event(transition):
                        run = one(bench, subject, transition, sandbox)
                        subject.runs[transition.name].warm.append(run)
            for _ in range(COLD_RUNS if compared else 0):
                for subject in subjects:
                    run = one(bench, subject, transition, None)
                    subject.runs[transition.name].cold.append(run)
    finally:
        for sandbox in sandboxes:
            sandbox.close()


def one(bench: Bench, subject: Subject, transition: Transition, sandbox: Sandbox | None) -> Run:
    """Runs one transition, in a process that is started for it if there is none."""
    bench.restore(transition.world)
    bench.delay()
    event = subject.event(transition)
    if sandbox:
        invocation = sandbox.invoke(event)
        began = invocation.began
    else:
        with Sandbox(subject.command, bench.environment()) as started:
            invocation = started.invoke(event)
            began = started.began
    outcome = invocation.answer.get("outcome")
    if subject.name != "boto3" and outcome != transition.outcome:
        raise RuntimeError(f"{transition.name}: {invocation.answer}")
    answered = invocation.began + invocation.took_s - began
    return told(bench.calls(), began, answered)


def told(calls: list[Call], began: float, answered_s: float) -> Run:
    """A run from its calls; the rules are turned when the last of them is."""
    turned = [call.ended for call in calls if call.action == "ModifyRule"]
    return Run(calls, answered_s, max(turned) - began if turned else None)


def flips(bench: Bench, subject: Subject, sizes: tuple[int, ...]) -> None:
    """How long it takes to turn many rules."""
    for rules in sizes:
        bench.reset(rules)
        with Sandbox(subject.command, bench.environment(rules)) as sandbox:
            time.sleep(INIT_REST_S)
            bench.delay()
            bench.calls()
            invocation = sandbox.invoke(on())
            subject.flips[rules] = told(bench.calls(), invocation.began, invocation.took_s)


def typical_items(bench: Bench, subject: Subject, ending: Transition) -> dict[str, Item]:
    """A window and a rule in the middle of maintenance, and the window once it is over."""
    bench.restore("active")
    now = {item["id"]["S"]: item for item in bench.items("now")}
    [rule] = [item for name, item in now.items() if name.startswith("rule#")]
    bench.restore(ending.world)
    with Sandbox(subject.command, bench.environment()) as sandbox:
        sandbox.invoke(ending.event)
    [past] = [item for item in bench.items("past") if f"#{WINDOW}#" in item["id"]["S"]]
    return {"window, under way": now[f"window#{WINDOW}"], "rule": rule, "window, over": past}


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


def sizes(bench: Bench, subject: Subject) -> None:
    """The size of the executable and of what is uploaded."""
    path = bench.directory / "bootstrap.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(subject.executable, "bootstrap")
    subject.executable_mb = subject.executable.stat().st_size / 1e6
    subject.zip_mb = path.stat().st_size / 1e6
