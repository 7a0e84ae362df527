"""What became of the project's goals for speed and size."""

import statistics

from bench import chain, tables
from bench.measure import Subject
from bench.world import Transition

# The calls that may wait for each other up to and with the first ModifyRule, and those to ELB.
IN_A_ROW_MAX, IN_A_ROW_ELB_MAX = 5, 2
# As multiples of the empty function's.
START_MAX, MEMORY_MAX = 1.3, 2.2
# As a multiple of a warm invocation.
FIRST_MAX = 1.3
EXECUTABLE_MAX_MB, ZIP_MAX_MB = 5, 2.2
# A page with 50 windows.
PAGE_MAX_KB = 60


def goals(subjects: list[Subject], known: list[Transition]) -> list[str]:
    """Each goal, what was found, and whether it is reached."""
    ours, empty, boto = subjects
    median, body = statistics.median, []

    def goal(what: str, found: str, reached: bool) -> None:
        body.append([what, found, "reached" if reached else "MISSED"])

    flips = [transition for transition in known if transition.boto]
    chains = [
        chain.weight(
            tables.shortest(
                ours.runs[flip.name].warm, lambda calls: chain.to_first(calls, tables.TURN)
            )
        )
        for flip in flips
    ]
    count, elb = (max(found) for found in zip(*chains, strict=True))
    goal(
        f"at most {IN_A_ROW_MAX} calls wait for each other until the rule turns, "
        f"{IN_A_ROW_ELB_MAX} of them to Elastic Load Balancing",
        f"{count}, {elb} of them",
        count <= IN_A_ROW_MAX and elb <= IN_A_ROW_ELB_MAX,
    )
    for kind in ("cold", "warm"):
        slower = {flip.name: times_boto(ours, boto, flip, kind, "answered_s") for flip in flips}
        goal(
            f"the whole invocation, {kind}: no longer than boto3's four calls",
            ", ".join(f"{name} {times:.2f} ×" for name, times in slower.items()),
            max(slower.values()) <= 1,
        )
    for what, named in (("sweep", "a sweep"), ("look", "a look at the dashboard")):
        made = [
            len(ours.runs[transition.name].warm[0].calls)
            for transition in known
            if transition.booked and transition.name.startswith(what)
        ]
        goal(
            f"{named} makes as many calls with many windows as with one",
            ", ".join(map(str, made)),
            len(set(made)) == 1,
        )
    page_kb = ours.runs["look, 50 booked"].warm[0].answer_bytes / 1000
    goal(f"a page with 50 windows: {PAGE_MAX_KB} KB", f"{page_kb:.1f} KB", page_kb <= PAGE_MAX_KB)
    start = median(ours.cold) / median(empty.cold)
    goal(f"cold start: {START_MAX} × the empty one", f"{start:.2f} ×", start <= START_MAX)
    first = [median(taken) / median(ours.warm_on) for taken in (ours.first, ours.first_at_once)]
    goal(
        f"first invocation: {FIRST_MAX} × a warm one of the same event",
        f"{first[0]:.2f} ×, and {first[1]:.2f} × if the event is there at once",
        first[0] <= FIRST_MAX,
    )
    memory = ours.cost.peak_mb / empty.cost.peak_mb
    goal(f"peak memory: {MEMORY_MAX} × the empty one's", f"{memory:.2f} ×", memory <= MEMORY_MAX)
    for what, found, most in (
        ("executable", ours.executable_mb, EXECUTABLE_MAX_MB),
        ("zip", ours.zip_mb, ZIP_MAX_MB),
    ):
        goal(f"{what}: {most} MB", f"{found:.2f} MB", found <= most)
    return tables.rows(["goal", "found", ""], body, 3)


def times_boto(ours: Subject, boto: Subject, flip: Transition, kind: str, read: str) -> float:
    """How many times longer than boto3's handler, cold or warm."""
    mine, other = (
        statistics.median(getattr(run, read) for run in getattr(subject.runs[flip.name], kind))
        for subject in (ours, boto)
    )
    return mine / other
