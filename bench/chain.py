"""Which calls of an invocation wait for each other, told from when each began and ended."""

from collections.abc import Sequence
from dataclasses import dataclass

ELB = "elasticloadbalancing"


@dataclass(frozen=True)
class Call:
    """One call to AWS, by the clock of the machine."""

    service: str
    action: str
    began: float
    ended: float
    # What DynamoDB charges for: request units of reads and writes.
    reads: int = 0
    writes: int = 0


def longest(calls: Sequence[Call], last: Call | None = None) -> list[Call]:
    """The longest chain of calls of which each began after the one before it had ended.

    With `last`, the longest that ends with this call. Of two of one length it is the one with more
    calls to Elastic Load Balancing, which are the slow ones.
    """
    calls = sorted(calls, key=lambda call: call.began)
    chains: dict[Call, list[Call]] = {}
    for call in calls:
        before = [chains[other] for other in chains if other.ended <= call.began]
        chains[call] = [*max(before, key=weight, default=[]), call]
    if last:
        return chains[last]
    return max(chains.values(), key=weight, default=[])


def weight(chain: list[Call]) -> tuple[int, int]:
    """How many calls, and how many of them go to Elastic Load Balancing."""
    return len(chain), sum(call.service == ELB for call in chain)


def to_first(calls: Sequence[Call], action: str) -> list[Call]:
    """The longest chain up to and with the first call of an action; empty if there is none."""
    first = min(
        (call for call in calls if call.action == action), key=lambda c: c.began, default=None
    )
    return longest(calls, first) if first else []
