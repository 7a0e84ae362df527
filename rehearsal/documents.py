"""What the project's documents show as typed: every fenced block, and every command in it.

A block says by its language what it is: `sh` is typed in Bash, and `powershell` in PowerShell.
"""

import functools
import json
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rehearsal.options import PROJECT

SHELL = "sh"
# What a block may be; `text` is what nobody types and no program reads.
LANGUAGES = {SHELL, "powershell", "json", "yaml", "hcl", "html", "js", "rust", "properties", "text"}
FENCE = re.compile(r"^( *)(`{3,})(.*)$")
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
# The programs whose commands also stand within a sentence; `make` is looked at by itself.
PROGRAMS = (
    r"aws|cargo|curl|man|mw|node|npm|openssl|python3|sam|sha256sum|terraform|xattr|\.venv/\S+"
)
IN_A_SENTENCE = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{PROGRAMS}) .+|[A-Z_]+=\S+ make .+|make .+=.+")
# A name alone, such as `terraform apply`, speaks of a command; `mw` is complete with one word.
SPOKEN_OF = re.compile(r"(?!mw )[a-z0-9]+(?: [a-z][a-z-]*)+")
EVENT, ANSWER = {"action", "start", "every"}, {"outcome", "decisions"}
TARGET = re.compile(r"^make ([a-z-]+)")


class UnreadableError(Exception):
    """A document is not written as the project's documents are."""


@dataclass(frozen=True)
class Block:
    """A fenced block; its text is without the indentation of the list that it stands in."""

    document: str
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """One command, as one would type it, and where it begins."""

    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}: {self.text}"


def documents() -> list[Path]:
    """The documents that belong to the project."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(asked, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return [PROJECT / name for name in listed.splitlines()]


def name(document: Path) -> str:
    """Where it lies in the project."""
    return document.relative_to(PROJECT).as_posix()


def split(document: str, text: str) -> tuple[list[Block], list[tuple[int, str]]]:
    """The fenced blocks, and the lines outside of them with their numbers."""
    blocks: list[Block] = []
    around: list[tuple[int, str]] = []
    inside: list[str] | None = None
    begin, mark, language = 0, "", ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if inside is None:
            if fence:
                begin, mark, language, inside = number, fence[2], fence[3].strip(), []
            else:
                around.append((number, line))
        elif fence and fence[2] == mark and not fence[3].strip():
            blocks.append(Block(document, begin, language, textwrap.dedent("\n".join(inside))))
            inside = None
        else:
            inside.append(line)
    if inside is not None:
        raise UnreadableError(f"{document}:{begin}: this block has no end")
    return blocks, around


@functools.cache
def blocks() -> list[Block]:
    """Every fenced block of every document."""
    return [
        block
        for document in documents()
        for block in split(name(document), document.read_text(encoding="utf-8"))[0]
    ]


@functools.cache
def commands() -> list[Command]:
    """Every command for Bash, in blocks and within sentences, in the order of reading."""
    return [
        command
        for document in documents()
        for command in in_document(name(document), document.read_text(encoding="utf-8"))
    ]


def the_one(document: str, begins: str) -> Command:
    """The one command of a document that begins so; raises `UnreadableError` for none or several.

    One that is just that goes before longer ones, and where it stands twice, it is the first.
    """
    there = [one for one in commands() if one.document == document]
    whole = [one for one in there if one.text == begins]
    found = whole or [one for one in there if one.text.startswith(begins)]
    if len({one.text for one in found}) != 1:
        raise UnreadableError(
            f"expected one command in {document} that begins with {begins!r}, found {len(found)}"
        )
    return found[0]


def in_document(document: str, text: str) -> list[Command]:
    """The commands of one document."""
    found, around = split(document, text)
    typed = [
        Command(document, block.line + 1 + offset, command)
        for block in found
        if block.language == SHELL
        for offset, command in in_block(block.text)
    ]
    spoken = [
        Command(document, number, span)
        for number, line in around
        for span in SPAN.findall(line)
        if IN_A_SENTENCE.fullmatch(span) and not SPOKEN_OF.fullmatch(span)
    ]
    return sorted([*typed, *spoken], key=lambda command: command.line)


def in_block(text: str) -> Iterator[tuple[int, str]]:
    """The commands of a block for Bash, each with the number of lines before it."""
    gathered: list[str] = []
    for number, line in enumerate(text.splitlines()):
        if not gathered and (not line.strip() or line.lstrip().startswith("#")):
            continue
        gathered.append(line)
        command = "\n".join(gathered)
        if complete(command):
            yield number + 1 - len(gathered), command
            gathered = []
    if gathered:
        raise UnreadableError(f"this command has no end: {' '.join(gathered)}")


@functools.cache
def complete(command: str) -> bool:
    """Whether Bash would begin with it, or wait for more lines."""
    if command.endswith("\\"):
        return False
    bash = shutil.which("bash") or "bash"
    # It warns of a here-document that has no end, and goes on.
    read = subprocess.run([bash, "-n"], input=command, capture_output=True, text=True, check=False)
    return read.returncode == 0 and not read.stderr


def events() -> list[Command]:
    """Every event for the function, in a block or within a sentence, that stands there in full."""
    found = []
    for document in documents():
        blocks_here, around = split(name(document), document.read_text(encoding="utf-8"))
        texts = [(block.line, block.text) for block in blocks_here if block.language == "json"]
        texts += [(number, span) for number, line in around for span in SPAN.findall(line)]
        for number, text in texts:
            try:
                read = json.loads(text)
            except ValueError:
                continue
            # An answer tells its outcome, and an entry of the history its decisions.
            if isinstance(read, dict) and EVENT & read.keys() and not ANSWER & read.keys():
                found.append(Command(name(document), number, text))
    return found


def targets() -> list[Command]:
    """Every `make TARGET` that stands anywhere."""
    spans = [
        Command(name(document), number, span)
        for document in documents()
        for number, line in split(name(document), document.read_text(encoding="utf-8"))[1]
        for span in SPAN.findall(line)
    ]
    return [one for one in [*spans, *commands()] if TARGET.match(one.text)]
