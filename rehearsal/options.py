"""What a person may choose: the environment for `make rehearsal`, flags for the other targets."""

import argparse
import os
import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

# The shortest window that the function accepts.
SHORTEST_WINDOW_S = 60
LONGEST_WINDOW_S = 3600


@dataclass(frozen=True)
class Options:
    """One run's choices."""

    bootstrap: Path
    window_s: int
    keep: bool
    quiet: bool
    plain: bool


def parse(arguments: list[str]) -> Options:
    """Reads the flags, and `WINDOW` and `KEEP` from the environment."""
    parser = argparse.ArgumentParser(prog="rehearsal", description="Rehearse a maintenance window.")
    parser.add_argument(
        "--bootstrap",
        type=Path,
        default=PROJECT / "target/release/bootstrap",
        help="the function's executable (default: the release build)",
    )
    parser.add_argument(
        "--window",
        default=os.environ.get("WINDOW") or "90s",
        help="how long the window lasts, such as 90s or 2m (default: $WINDOW, else 90s)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        default=os.environ.get("KEEP", "") not in ("", "0"),
        help="afterwards leave everything up until Ctrl-C (default: $KEEP)",
    )
    parser.add_argument("--quiet", action="store_true", help="print the verdict, little else")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="deploy the plain template that a release carries, in place of template.yaml",
    )
    given = parser.parse_args(arguments)

    window_s = seconds(given.window)
    if window_s is None or not SHORTEST_WINDOW_S <= window_s <= LONGEST_WINDOW_S:
        parser.error(
            f"WINDOW is {given.window!r}; give {SHORTEST_WINDOW_S}s to {LONGEST_WINDOW_S}s, "
            "such as 90s or 2m"
        )
    if not given.bootstrap.is_file():
        parser.error(f"{given.bootstrap} does not exist; build it, or use `make rehearsal`")
    return Options(
        bootstrap=given.bootstrap.resolve(),
        window_s=window_s,
        keep=given.keep,
        quiet=given.quiet,
        plain=given.plain,
    )


def seconds(text: str) -> int | None:
    """`90s`, `2m` or plain `90` in seconds; None for anything else."""
    match = re.fullmatch(r"(\d+)([sm]?)", text.strip())
    if match is None:
        return None
    return int(match[1]) * (60 if match[2] == "m" else 1)
