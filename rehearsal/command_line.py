"""The command line against the deployed function: what it says, how it exits, what it leaves."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal import drill
from rehearsal.local_aws import CREDENTIALS, REGION, LocalAws

Claim = tuple[str, list[str]]

NAME = "by-command"
# What to play with after a rehearsal, and what each is for; the drills try all but the last.
PLAY = (
    ("how the site stands", "mw status"),
    ("maintenance now, for two minutes", "mw on first-try --for 2m --reason 'First try'"),
    ("two minutes more", "mw extend 2m"),
    ("the end of it, now", "mw off"),
    ("what was, and who asked for it", "mw history"),
    ("follow the next one until its end", "mw on second-try --for 1m && mw watch"),
)
# Long enough for the slowest answer here; the command itself waits longer.
TIMEOUT_S = 120


@dataclass(frozen=True)
class Ran:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    def answer(self) -> dict[str, Any]:
        """What was printed, as JSON; empty if it is none."""
        try:
            read = json.loads(self.out)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    def against(self, code: int, *words: str) -> list[str]:
        """What is not as it should be: the exit code, and words that should have been said."""
        missing = [word for word in words if word not in self.out + self.err]
        if self.code == code and not missing:
            return []
        return [f"exit code {self.code}, expected {code}; without {missing}: {self.out}{self.err}"]


def settings(aws: LocalAws) -> dict[str, str]:
    """The environment in which the command finds the local AWS, and nothing of the caller's."""
    return {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def mw(program: Path, aws: LocalAws, *arguments: str, function: str | None = None) -> Ran:
    """Runs the command line."""
    environment = settings(aws) | ({"MW_FUNCTION": function} if function else {})
    ran = subprocess.run(
        [program, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def prove_alone(program: Path, site: drill.Site) -> Iterator[Claim]:
    """Claims while there is one stack, and so no need to name it."""
    found = mw(program, site.aws, "status", "--expect", "open")
    yield "the command line finds the only stack there is", found.against(0, "The site is open")


def prove(program: Path, site: drill.Site, other: drill.Site) -> Iterator[Claim]:
    """Claims, each with what was found against it."""

    def run(*arguments: str) -> Ran:
        return mw(program, site.aws, *arguments, function=site.stack)

    several = mw(program, site.aws, "status")
    yield (
        "between two stacks the command line takes none",
        several.against(1, site.stack, other.stack, "MW_FUNCTION"),
    )

    before = site.rule()
    planned = run("book", NAME, "--start", drill.soon(1), "--for", "1h", "--dry-run")
    found = [*planned.against(0), *(f"left by a dry run: {one}" for one in site.windows())]
    yield "a dry run by command leaves nothing", found

    key = "--request-id=drill-by-command"
    started = run("on", NAME, "--for", "10m", "--reason", "A drill", key)
    again = run("on", NAME, "--for", "10m", "--reason", "A drill", key, "--json")
    found = [*started.against(0, "The site is in maintenance"), *again.against(0)]
    if again.answer().get("outcome") != "unchanged":
        found.append(f"decided twice: {again.out}")
    if not site.in_maintenance():
        found.append("the rule is open")
    yield "a command under one key starts maintenance once", found

    found = [
        *run("status", "--expect", "maintenance").against(0, f" off {NAME}"),
        *run("status", "--expect", "open").against(3, "not as asked"),
        *run("extend", "5m", NAME).against(0),
        *run("extend", "5m", drill.UNKNOWN).against(1, "refused"),
        *run("on", "--wait").against(1, "ProbeUrl"),
    ]
    yield "the exit codes say how the site stands and what was refused", found

    ended = run("off", NAME, "--reason", "Done")
    history = run("history", NAME, "--json").answer().get("history", [])
    decisions = [one["action"] for entry in history for one in entry["decisions"]]
    found = ended.against(0, "The site is open")
    if site.rule() != before:
        found.append("the rule is not as it was")
    if decisions != ["on", "extend", "off"]:
        found.append(f"the history tells of {decisions}")
    found += run("watch", NAME).against(0, f"Window {NAME} is over: completed")
    yield "a command ends maintenance, and the history tells of each", found

    commands = [shlex.split(command)[1:] for _, command in PLAY[:-1]]
    found = [problem for command in commands for problem in run(*command).against(0)]
    yield "the commands that a rehearsal prints work", found


def how_to_play(program: Path, aws: LocalAws) -> list[str]:
    """Commands that work as printed in another terminal, each with what it is for before it."""
    lines = [f"export {name}={value}" for name, value in settings(aws).items()]
    lines.append(f"alias mw={shlex.quote(os.fspath(program))}")
    for what, command in PLAY:
        lines += ["", f"# {what}", command]
    return lines
