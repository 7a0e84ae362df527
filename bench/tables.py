"""The figures as Markdown, and what became of the goals."""

import collections
import statistics
from collections.abc import Callable

from bench import chain
from bench.chain import Call
from bench.cost import Line
from bench.items import Item, as_json, size
from bench.measure import BURST, ENDED_LATELY, PER_SECOND, WARM, Run, Subject
from bench.world import DELAYS_MS, Transition

# The call that turns a rule.
TURN = "ModifyRule"
# The executable and its zip before the table, in MB.
FIRST_EDITION_MB = 6.33, 2.88


def rows(head: list[str], body: list[list[str]], left: int = 1) -> list[str]:
    """A table; the first columns are words, the others figures."""
    lines = ["---"] * left + ["--:"] * (len(head) - left)
    return [f"| {' | '.join(cells)} |" for cells in (head, lines, *body)]


def shortest(runs: list[Run], chains: Callable[[list[Call]], list[Call]]) -> list[Call]:
    """The shortest chain that was seen.

    A busy machine may start a call late, so that it seems to wait for another; never the other way.
    """
    return min((chains(run.calls) for run in runs), key=chain.weight)


def in_a_row(ours: Subject, known: list[Transition]) -> list[str]:
    """Which calls wait for each other."""
    body = []
    for transition in known:
        if not transition.boto:
            continue
        runs = ours.runs[transition.name].warm
        to_turn = shortest(runs, lambda calls: chain.to_first(calls, TURN))
        to_answer = shortest(runs, chain.longest)
        count, elb = chain.weight(to_turn)
        waits = sum(DELAYS_MS[call.service] for call in to_turn)
        which = ", ".join(call.action for call in to_turn)
        counts = [str(count), str(elb), f"{waits} ms", str(len(to_answer))]
        body.append([transition.name, which, *counts])
    head = [
        "transition",
        "the longest chain up to and with the first ModifyRule",
        "calls",
        "to ELB",
        "their time",
        "calls up to the answer",
    ]
    return rows(head, body, 2)


def against_boto(ours: Subject, boto: Subject, known: list[Transition]) -> list[str]:
    """How long rules and callers wait."""
    body = []
    for transition in known:
        if not transition.boto:
            continue
        mine, theirs = ours.runs[transition.name], boto.runs[transition.name]
        for kind, my_runs, their_runs in (
            ("warm", mine.warm, theirs.warm),
            ("cold", mine.cold, theirs.cold),
        ):
            cells = [f"{transition.name}, {kind}"]
            for read in ("turned_s", "answered_s"):
                one, other = (
                    statistics.median(getattr(run, read) for run in runs) * 1000
                    for runs in (my_runs, their_runs)
                )
                cells += [f"{one:.0f} ms", f"{other:.0f} ms", f"{one / other:.2f}"]
            body.append(cells)
    head = ["medians", "rule turned after", "boto3", "×", "answer after", "boto3", "×"]
    return rows(head, body)


def calls(ours: Subject, known: list[Transition]) -> list[str]:
    """The calls of each transition."""
    body = []
    for transition in known:
        made = [call.action for call in ours.runs[transition.name].warm[0].calls]
        spelled = ", ".join(
            f"{action} {count}" if count > 1 else action
            for action, count in sorted(collections.Counter(made).items())
        )
        body.append([transition.name, spelled, str(len(made))])
    return rows(["transition", "", "AWS calls"], body, 2)


def growth(ours: Subject, known: list[Transition]) -> list[str]:
    """What a sweep and a look take, with few windows and with many."""
    body = []
    for transition in known:
        if not transition.booked:
            continue
        runs = ours.runs[transition.name]

        def median(read: Callable[[Run], float], runs: list[Run] = runs.warm) -> float:
            return statistics.median(read(run) for run in runs)

        cold = f"{median(answered_ms, runs.cold):.0f} ms" if runs.cold else ""
        body.append(
            [
                transition.name,
                str(len(runs.warm[0].calls)),
                f"{median(answered_ms):.0f} ms",
                cold,
                f"{median(lambda run: run.cpu_s * 1000):.1f} ms",
                str(sum(call.reads for call in runs.warm[0].calls)),
                f"{runs.warm[0].answer_bytes / 1000:.1f} KB",
            ]
        )
    head = ["", "AWS calls", "answer after", "cold", "CPU time", "read units", "answer"]
    return rows(head, body)


def answered_ms(run: Run) -> float:
    """When the answer was there."""
    return run.answered_s * 1000


def month(lines: list[Line]) -> list[str]:
    """A month's cost."""
    body = [
        [
            line.what,
            f"{line.amount:,.0f}",
            line.price,
            money(line.cost),
            line.free_text,
            money(line.beyond_free),
        ]
        for line in lines
    ]
    cost, beyond = sum(line.cost for line in lines), sum(line.beyond_free for line in lines)
    body.append(["all of it", "", "", money(cost), "", money(beyond)])
    head = ["what", "a month", "price", "cost", "free each month", "cost beyond it"]
    fixed = [line for line in lines if line.what.endswith(("alarms", "dashboards"))]
    rest = cost - sum(line.cost for line in fixed)
    return [
        *rows(head, body),
        "",
        f"All but alarms and dashboard costs {money(rest)} a month.",
    ]


def money(dollars: float) -> str:
    """Dollars, to a tenth of a cent."""
    return f"${dollars:,.3f}" if dollars >= 0.0005 or not dollars else "< $0.001"


def process(subjects: list[Subject]) -> list[str]:
    """Starts, invocations, memory and sizes."""
    ours = subjects[0]
    median, ms, body = statistics.median, 1000, []

    def row(name: str, unit: str, read: Callable[[Subject], float | None]) -> None:
        mine, floor, python = (read(subject) for subject in subjects)
        cells = ["" if v is None else f"{v:.3g} {unit}" for v in (mine, floor, python)]
        ratios = [f"{mine / other:.2f}" if other and mine else "" for other in (floor, python)]
        body.append([name, *cells, *ratios])

    row("cold start, process start to first poll, median", "ms", lambda s: median(s.cold) * ms)
    row(
        "cold start, instructions (callgrind)",
        "M",
        lambda s: s.instructions and s.instructions / 1e6,
    )
    row(
        "first invocation, 50 ms after the first poll, median", "ms", lambda s: median(s.first) * ms
    )
    row("first invocation, at once, median", "ms", lambda s: median(s.first_at_once) * ms)
    row(
        "process start to first answer, event at once, medians",
        "ms",
        lambda s: (median(s.cold) + median(s.first_at_once)) * ms,
    )
    row("warm invocation, the same event, median", "ms", lambda s: median(s.warm_on) * ms)
    row(f"warm invocation, on and off, median of {WARM}", "ms", lambda s: median(s.warm) * ms)
    row(f"warm invocation, on and off, p99 of {WARM}", "ms", lambda s: p99(s.warm) * ms)
    row(
        "CPU time of start and 50 ms after it",
        "ms",
        lambda s: statistics.mean(c.cpu_s for c in s.start_cost) * ms,
    )
    row("CPU time of a warm invocation", "ms", lambda s: s.warm_cpu_s * ms)
    row(
        f"warm invocation, {ENDED_LATELY} windows ended within five minutes",
        "ms",
        lambda s: median(s.after_many) * ms if s.after_many else None,
    )
    row("peak memory, before the first event", "MB", lambda s: max(c.peak_mb for c in s.start_cost))
    row("peak memory, after all", "MB", lambda s: s.cost.peak_mb)
    row("executable", "MB", lambda s: s.executable_mb)
    row("zip", "MB", lambda s: s.zip_mb)
    for rules in ours.flips:
        row(f"`on`, {rules} rules, to the last of them", "s", lambda s, n=rules: turned(s, n))
    head = ["", "this function", "empty handler", "boto3", "× empty", "× boto3"]
    most = max(ours.flips)
    grown = [
        f"{now / then:.2f}"
        for now, then in zip((ours.executable_mb, ours.zip_mb), FIRST_EDITION_MB, strict=True)
    ]
    return [
        *rows(head, body),
        "",
        f"Of {most} rules, a limit of {BURST} at once and {PER_SECOND} a second alone makes the "
        f"last wait {(most - BURST) / PER_SECOND:.1f} s.",
        f"The first edition, without a table, had an executable of {FIRST_EDITION_MB[0]} MB and a "
        f"zip of {FIRST_EDITION_MB[1]} MB: this one's are {grown[0]} and {grown[1]} times that.",
    ]


def turned(subject: Subject, rules: int) -> float | None:
    """When the last of so many rules was turned."""
    return subject.flips[rules].turned_s if rules in subject.flips else None


def p99(values: list[float]) -> float:
    """The value that one in a hundred exceeds."""
    return statistics.quantiles(values, n=100)[98]


def items(typical: dict[str, Item]) -> list[str]:
    """How large items are, and how large they were as JSON."""
    body = []
    for name, item in typical.items():
        mine, other = size(item), size(as_json(item))
        body.append([name, f"{mine} B", f"{other} B", f"{mine / other:.2f}"])
    return rows(["item", "attributes", "one JSON string", "×"], body)
