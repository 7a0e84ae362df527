"""What is measured, and how often."""

import contextlib
import re
import shutil
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from bench.chain import Call
from bench.items import Item
from bench.runtime_api import Cost, Invocation, Sandbox
from bench.world import WINDOW, Bench, Transition, off, on, outcome

COLD_STARTS = 40
COLD_STARTS_PYTHON = 10
WARM = 300
# So many windows end within five minutes, and the last of them are measured.
ENDED_LATELY, LAST = 50, 10
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
    cpu_s: float = 0.0
    answer_bytes: int = 0
    # What it wrote to its log; nothing of a process that was started for it.
    log: bytes = b""


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
    after_many: list[float] = field(default_factory=list)
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


def warm(bench: Bench, subjects: list[Subject]) -> None:
    """Flips one rule to and fro, each time as if the window before it had ended a while ago.

    The handlers in turns, so that a busy minute of the machine slows all of them.
    """
    with contextlib.ExitStack() as running:
        sandboxes = [
            running.enter_context(
                Sandbox(
                    subject.command,
                    bench.environment(),
                    bench.directory / f"warm-{subject.name}.log",
                )
            )
            for subject in subjects
        ]
        for number in range(WARM // 2 + 1):
            for subject, sandbox in zip(subjects, sandboxes, strict=True):
                bench.restore("open")
                before = sandbox.cost().cpu_s
                for event in (on(), off()):
                    took = sandbox.invoke(event).took_s
                    # The first flip makes connections.
                    if number:
                        subject.warm.append(took)
                    if number and event["action"] == "on":
                        subject.warm_on.append(took)
                if number:
                    subject.warm_cpu_s += (sandbox.cost().cpu_s - before) / WARM
        for subject, sandbox in zip(subjects, sandboxes, strict=True):
            subject.cost = sandbox.cost()


def after_many(bench: Bench, subject: Subject) -> None:
    """Flips one rule to and fro, while much is still to be counted of windows that have ended."""
    bench.restore("open")
    with Sandbox(subject.command, bench.environment()) as sandbox:
        for number in range(ENDED_LATELY):
            for event in (on(), off()):
                took = sandbox.invoke(event).took_s
                if number >= ENDED_LATELY - LAST:
                    subject.after_many.append(took)


def transitions(bench: Bench, subjects: list[Subject], known: list[Transition]) -> None:
    """Runs every transition; the handlers in turns, so that a busy minute slows all of them."""
    sandboxes = [
        Sandbox(subject.command, bench.environment(), bench.directory / f"{subject.name}.log")
        for subject in subjects
    ]
    try:
        for sandbox in sandboxes:
            bench.restore("open")
            for event in (on(), off()):
                sandbox.invoke(event)
        for transition in known:
            for subject in subjects:
                subject.runs[transition.name] = Runs()
            for _ in range(WARM_RUNS):
                for subject, sandbox in zip(subjects, sandboxes, strict=True):
                    if subject.event(transition):
                        run = one(bench, subject, transition, sandbox)
                        subject.runs[transition.name].warm.append(run)
            for _ in range(COLD_RUNS if transition.cold else 0):
                for subject in subjects:
                    if subject.event(transition):
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
        logged, cpu_s = len(sandbox.logged()), sandbox.cost().cpu_s
        invocation = sandbox.invoke(event)
        run = told(bench.calls(), invocation.began, invocation)
        run.cpu_s, run.log = sandbox.cost().cpu_s - cpu_s, sandbox.logged()[logged:]
    else:
        with Sandbox(subject.command, bench.environment()) as started:
            invocation = started.invoke(event)
            run = told(bench.calls(), started.began, invocation)
    if subject.name != "boto3" and outcome(invocation.answer) != transition.outcome:
        raise RuntimeError(f"{transition.name}: {invocation.answer}")
    return run


def told(calls: list[Call], began: float, invocation: Invocation) -> Run:
    """A run from its calls; the rules are turned when the last of them is."""
    turned = [call.ended for call in calls if call.action == "ModifyRule"]
    answered_s = invocation.began + invocation.took_s - began
    turned_s = max(turned) - began if turned else None
    return Run(calls, answered_s, turned_s, answer_bytes=invocation.answer_bytes)


def flips(bench: Bench, subject: Subject, sizes: tuple[int, ...]) -> None:
    """How long it takes to turn many rules."""
    for rules in sizes:
        bench.reset(rules)
        with Sandbox(subject.command, bench.environment(rules)) as sandbox:
            time.sleep(INIT_REST_S)
            bench.delay()
            bench.calls()
            invocation = sandbox.invoke(on())
            subject.flips[rules] = told(bench.calls(), invocation.began, invocation)


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
