"""Somebody who types: one Bash at a loopback AWS, in a clone of the project, with little else."""

import os
import re
import secrets
import selectors
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rehearsal.command_line import Ran
from rehearsal.deployment import without_metric_math
from rehearsal.local_aws import CREDENTIALS, REGION, LocalAws
from rehearsal.options import PROJECT

# Of a window that is waited for, with room for a slow machine.
TIMEOUT_S = 240
# The site's names; the domain `test` leads nowhere, also where there is a network.
DOMAINS = ("www.shop.test", "shop.test")
# The documents' commands are for version 2. Version 1 has no such option, and sends what is given
# as it is; and for SQS it does not look into the environment for where that is.
AWS = """\
#!{python}
import os, sys
words = sys.argv[1:]
if "--cli-binary-format" in words:
    at = words.index("--cli-binary-format")
    assert words[at + 1] == "raw-in-base64-out", words
    del words[at : at + 2]
if words[0] == "sqs":
    words += ["--endpoint-url", os.environ["AWS_ENDPOINT_URL"]]
os.execv({aws!r}, [{aws!r}, *words])
"""
# The tools are installed already, whenever their list was written.
MAKE = '#!/bin/sh\nexec {make} -o .venv/local/.installed "$@"\n'
# Nobody is asked for a password here.
SUDO = '#!/bin/sh\nexec "$@"\n'
# Takes the place of what would build and deploy by SAM, and shows what it was given.
SAM = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"


class Reader:
    """A shell that keeps its variables and its folder from one command to the next."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._mark = secrets.token_hex(8)
        self._script = folder.parent / "typed.sh"
        self._answers = folder.parent / "answers"
        bash = shutil.which("bash")
        assert bash
        self._process = subprocess.Popen(
            [bash, "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def type(self, command: str, answers: str = "") -> Ran:
        """Runs a command in the shell itself; `answers` is what is typed when it asks."""
        assert self._process.stdin
        self._script.write_text(command + "\n", encoding="utf-8")
        self._answers.write_text(answers, encoding="utf-8")
        line = f". {self._script} <{self._answers}; printf '\\n{self._mark} %s\\n' $?\n"
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError:
            return Ran(-1, "the shell had ended before", "")
        return self._read()

    def _read(self) -> Ran:
        assert self._process.stdout
        output = self._process.stdout
        got, deadline = b"", time.monotonic() + TIMEOUT_S
        done = re.compile(rb"\n%s (\d+)\n$" % self._mark.encode())
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not (end := done.search(got)):
                if not selector.select(max(0, deadline - time.monotonic())):
                    self._process.kill()
                    return Ran(-1, f"{got.decode(errors='replace')}\nno end in {TIMEOUT_S} s", "")
                more = os.read(output.fileno(), 65536)
                if not more:
                    return Ran(-1, f"{got.decode(errors='replace')}\nthe shell ended", "")
                got += more
        return Ran(int(end[1]), got[: end.start()].decode(errors="replace"), "")


def clone(folder: Path) -> None:
    """Lays out the project as one has it who clones it, but as the local AWS can deploy it."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "local").symlink_to(sys.prefix)
    function, edge = folder / "template.yaml", folder / "site" / "template.yaml"
    function.write_text(without_metric_math(function.read_text(encoding="utf-8")))
    edge.write_text(without_split_conditions(edge.read_text(encoding="utf-8")))


def without_split_conditions(template: str) -> str:
    """The edge's template without conditions on parts of a text, which ministack cannot split.

    They are about instances, of which there are none here, and about an alarm.
    """
    condition = r"(?m)^(  \w+: |    - )(?:!Not \[)?!Equals \[!Select \[.*!Split .*$"
    changed, count = re.subn(condition, r"\1!Equals [a, b]", template)
    if count != 4:
        raise RuntimeError(f"site/template.yaml should hold 4 such conditions, but holds {count}")
    return changed


def tools(folder: Path, mw: Path) -> None:
    """What the reader has installed."""
    aws, make = Path(sys.prefix) / "bin" / "aws", shutil.which("make")
    if not aws.is_file():
        raise RuntimeError(f"expected {aws}, found none; requirements/local.txt has it")
    folder.mkdir()
    for name, text in {
        "aws": AWS.format(python=sys.executable, aws=str(aws)),
        "make": MAKE.format(make=make),
        "sudo": SUDO,
        "sam": SAM,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    (folder / "mw").symlink_to(mw)


def environment(aws: LocalAws, home: Path, bin_folder: Path, proxy: str) -> dict[str, str]:
    """The shell's variables, and none of the caller's."""
    system = os.environ.get("PATH", os.defpath)
    return {
        **CREDENTIALS,
        "PATH": os.pathsep.join([str(bin_folder), str(Path(sys.prefix) / "bin"), system]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_ENDPOINT_URL": aws.endpoint,
        # Version 1 and boto3 read the one, version 2 and `mw` the other.
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
