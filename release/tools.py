"""Says whether the tools that a deployment needs are here, and new enough.

`python -m release.tools` looks for all; `python -m release.tools aws` for what the plain template
needs.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """A program, the oldest version that will do, and why."""

    command: tuple[str, ...]
    oldest: tuple[int, int, int]
    why: str
    where: str


TOOLS = {
    "aws": Tool(
        ("aws", "--version"),
        # 2.9.19 was tried, and knows neither of the first two.
        (2, 15, 0),
        "older ones know no key value stores at the edge and no table that is protected from "
        "deletion, and version 1 does not send events as they are typed",
        "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    ),
    "sam": Tool(
        ("sam", "--version"),
        # 1.154.0 still has the flag.
        (1, 156, 0),
        "older ones build Rust with --beta-features only",
        "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/",
    ),
    "cargo-lambda": Tool(
        ("cargo-lambda", "lambda", "--version"),
        (1, 9, 0),
        "older ones were not tried",
        "https://www.cargo-lambda.info/",
    ),
}


def version(text: str) -> tuple[int, int, int] | None:
    """The first version in what a program says of itself, such as `SAM CLI, version 1.170.0`."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def problem(tool: Tool) -> str | None:
    """What is wrong with the tool here; None if it will do."""
    name, wanted = tool.command[0], ".".join(map(str, tool.oldest))
    if shutil.which(name) is None:
        return f"{name}: expected {wanted} or newer, found none; see {tool.where}"
    told = subprocess.run(tool.command, capture_output=True, text=True, check=False)
    said = told.stdout or told.stderr
    found = version(said)
    if found is None:
        first = said.strip().splitlines()[:1] or ["nothing"]
        return f"{name}: expected a version, found {first[0]!r}; see {tool.where}"
    if found < tool.oldest:
        found_text = ".".join(map(str, found))
        return f"{name}: expected {wanted} or newer, found {found_text} ({tool.why}); {tool.where}"
    return None


def main() -> int:
    """Exit code 0 if all that was asked for will do, 1 if not."""
    names = sys.argv[1:] or list(TOOLS)
    if set(names) - set(TOOLS):
        print(f"{__doc__}\nKnown: {', '.join(TOOLS)}", file=sys.stderr)
        return 2
    problems = {name: problem(TOOLS[name]) for name in names}
    for name, what in problems.items():
        print(what or f"{name}: good")
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
