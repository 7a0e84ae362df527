"""Carries out steps: says all of them, asks once, and says how to go on after a failure."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

from account import RefusedError, session
from account.edge import NEEDED

MEND = "Nothing was changed; when that is fixed, run the same command again."
AGAIN = (
    "What was done stays; when that is fixed, run the same command again: it goes on from there."
)
# An answer of the function may take minutes while it waits to see a change.
READ_TIMEOUT_S = 310
Ask = Callable[[str], str]


@dataclass(frozen=True)
class Step:
    """One step: `look` tells what it would do, or None if all is so already; `act` does it."""

    title: str
    look: Callable[[], str | None]
    act: Callable[[], str]


@dataclass
class Progress:
    """What is being done, and whether anything was changed."""

    doing: str = "Looking at the account"
    begun: bool = False

    def carry_out(self, steps: Sequence[Step], ask: Ask, *, dry_run: bool, yes: bool) -> bool:
        """Says what would be done and, if that is agreed to, does it; whether all is done."""
        plan = [(step, step.look()) for step in steps]
        for step, what in plan:
            line(step.title, what or "already so")
        if dry_run or (any(what for _, what in plan) and not (yes or agreed(ask))):
            say("Nothing was changed.")
            return False
        for step in steps:
            self.doing = f"The step {step.title}"
            what = step.look()
            line(step.title, "…" if what else "already so")
            if what:
                self.begun = True
                line(step.title, step.act())
        return True


def guarded(work: Callable[[Progress], int]) -> int:
    """The work's exit code, or 1 after a failure, with what was expected and how to go on."""
    progress = Progress()

    def onward() -> str:
        return AGAIN if progress.begun else MEND

    try:
        return work(progress)
    except RefusedError as refused:
        told = ["Refused:", *(f"- {problem}" for problem in refused.problems), onward()]
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        told = [f"{progress.doing} failed: {error}", onward()]
    except KeyboardInterrupt:
        told = [f"{progress.doing} was broken off.", onward()]
    print(*told, sep="\n", file=sys.stderr)
    return 1


def clients() -> Callable[..., Any]:
    """Makes clients with the caller's own settings."""
    # Only here: the tests bring clients of their own.
    try:
        import awscrt  # noqa: F401 - signs what goes to the key value store
    except ImportError as error:
        raise RefusedError(
            f"expected boto3 with its extra crt, found no {error.name}: {NEEDED}"
        ) from error
    own = session()
    config = botocore.config.Config(read_timeout=READ_TIMEOUT_S)
    return lambda service, **more: own.client(service, config=config, **more)


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)


def line(title: str, text: str) -> None:
    """What is told of a step."""
    say(f"  {title:<9} {text}")


def agreed(ask: Ask) -> bool:
    """Whether the person says yes."""
    try:
        return ask("Do this? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        say("There is nobody to ask; --yes agrees beforehand.")
        return False
