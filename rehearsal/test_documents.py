"""The documents' commands: each is typed by the drills, or has a reason why not."""

import json
import re
import shlex
import unittest

import jsonschema

from rehearsal import documents, not_run, powershell
from rehearsal.documents import Command, UnreadableError
from rehearsal.options import PROJECT
from rehearsal.steps import Typed
from rehearsal.stories import STORIES

HOW = """
Every command in a document is tried. For each of these do one of two things:
- It can run on the local AWS (nearly everything can): add
      Typed({document!r}, "its first words", ("what its answer has in it",))
  to one of the stories, rehearsal/story_*.py, where a reader would type it, and
  `put={{"PLACE": '"$VALUE"'}}` for what the document leaves open. Then `make permissions` types it.
- It cannot: add Row({document!r}, "its first words", "the reason") to rehearsal/not_run.py.
"""
# Of events that are refused, and of one for an action that is only imagined.
OTHER_EVENTS = ("docs/FAULTS.md", "CONTRIBUTING.md")
# It speaks of commands, and shows none.
HISTORY = "CHANGELOG.md"
# How a document names each program that its commands need.
NEEDED = {
    "aws": "AWS CLI",
    "cargo": r"\bRust\b",
    "curl": "`curl`|CloudShell",
    "make": r"\bmake\b",
    "mw": "`mw|mw-linux",
    "node": r"\bNode\b",
    "npm": r"\bNode\b",
    "openssl": "`openssl`",
    "python3": r"Python 3\.11",
    "sam": "SAM CLI|needs to build",
    "terraform": "Terraform",
}
STALE = "No document has this command any more: take the row out, or write its new first words."


class Blocks(unittest.TestCase):
    """How the documents are written."""

    def test_every_block_says_by_its_language_what_it_is(self) -> None:
        known = ", ".join(sorted(documents.LANGUAGES))
        wrong = [
            f"{block.document}:{block.line}: expected one of {known} behind the ```, found "
            + (block.language or "nothing")
            for block in documents.blocks()
            if block.language not in documents.LANGUAGES
        ]
        self.assertEqual(wrong, [])

    def test_what_is_json_can_be_read(self) -> None:
        for block in documents.blocks():
            if block.language == "json":
                with self.subTest(f"{block.document}:{block.line}"):
                    json.loads(block.text)

    def test_every_event_is_one_that_the_function_takes(self) -> None:
        schema = json.loads((PROJECT / "schemas" / "event.json").read_text(encoding="utf-8"))
        validator = jsonschema.validators.validator_for(schema)(schema)
        told = [one for one in documents.events() if one.document not in OTHER_EVENTS]
        self.assertGreater(len(told), 30)
        for event in told:
            # What Scheduler puts there.
            text = event.text.replace("<aws.scheduler.scheduled-time>", "2026-12-06T02:00:00Z")
            text = text.replace("<aws.scheduler.execution-id>", "an-id")
            with self.subTest(str(event)):
                wrong = [error.message for error in validator.iter_errors(json.loads(text))]
                self.assertEqual(wrong, [])

    def test_every_target_of_make_is_there(self) -> None:
        made = re.findall(r"(?m)^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"))
        named = {str(one): documents.TARGET.match(one.text) for one in documents.targets()}
        self.assertGreater(len(named), 20)
        self.assertEqual(
            [text for text, found in named.items() if found and found[1] not in made], []
        )


class Needed(unittest.TestCase):
    """What a command needs."""

    def test_what_a_command_needs_is_named_before_it(self) -> None:
        late = []
        for document in documents.documents():
            name = documents.name(document)
            if name == HISTORY:
                continue
            lines = document.read_text(encoding="utf-8").splitlines()
            for command in (one for one in documents.commands() if one.document == name):
                # What stands in the same sentence counts, whichever comes first.
                before = "\n".join([*lines[: command.line - 1], *sentence(lines, command)])
                late += [
                    f"{command}: name {program} before it"
                    for program, named in NEEDED.items()
                    if re.search(rf"(?:^|[|&;(]\s?|=\S+ ){program} ", command.text)
                    and not re.search(named, before)
                ]
        self.assertEqual(late, [])


class Reading(unittest.TestCase):
    """How commands are found in a document."""

    def read(self, *lines: str) -> list[tuple[int, str]]:
        found = documents.in_document("A.md", "\n".join(lines))
        return [(command.line, command.text) for command in found]

    def test_a_command_goes_on_until_bash_would_begin(self) -> None:
        here = self.read(
            "1. In a list:",
            "   ```sh",
            "   # A remark.",
            "   aws a \\",
            "     --b 'two",
            "   lines'",
            "",
            "   edge() {",
            "     echo $1",
            "   }",
            "   cat <<END",
            "   text",
            "   END",
            "   ```",
        )
        self.assertEqual([line for line, _ in here], [4, 8, 11])
        self.assertEqual(here[0][1], "aws a \\\n  --b 'two\nlines'")
        self.assertEqual(here[2][1], "cat <<END\ntext\nEND")

    def test_a_sentence_holds_commands_and_speaks_of_others(self) -> None:
        here = self.read(
            "Say `aws s3 cp A B`, `mw off` or `A=1 make b`, `make c D=e`, not `make b`, `s3 sync`.",
            "`terraform apply` and `aws sso login` are only spoken of, as is ``mw `x` y``.",
            "```json",
            "`aws s3 cp C D`",
            "```",
        )
        texts = ["aws s3 cp A B", "mw off", "A=1 make b", "make c D=e"]
        self.assertEqual(here, [(1, text) for text in texts])

    def test_what_has_no_end_is_refused(self) -> None:
        for lines in (["```sh", "ls"], ["```sh", "echo 'a", "```"]):
            with self.subTest(lines=lines), self.assertRaises(UnreadableError):
                self.read(*lines)


def sentence(lines: list[str], command: Command) -> list[str]:
    """The rest of the line that a command stands in, if it is one of sentences."""
    line = lines[command.line - 1]
    return [line.replace(command.text, "")] if f"`{command.text}`" in line else []


class Commands(unittest.TestCase):
    """Every command is typed, or has a reason."""

    def test_every_command_is_typed_or_has_a_reason(self) -> None:
        typed = {command.text for command in typed_commands()}
        left = [
            command
            for command in documents.commands()
            if command.text not in typed and not excuses(command)
        ]
        told = "".join(f"\n{command}" for command in left)
        if left:
            self.fail(told + "\n" + HOW.format(document=left[0].document))

    def test_no_command_is_typed_and_excused(self) -> None:
        both = [
            f"{command}: also {row}" for command in typed_commands() for row in excuses(command)
        ]
        self.assertEqual(both, [])

    def test_no_row_is_stale(self) -> None:
        stale: list[object] = [
            row
            for row in not_run.NOT_RUN
            if not any(row in excuses(command) for command in documents.commands())
        ]
        for story in STORIES.values():
            for step in story:
                if isinstance(step, Typed):
                    try:
                        command = documents.the_one(step.document, step.begins)
                    except UnreadableError as error:
                        stale.append(error)
                    else:
                        stale += [
                            f"{command}: no {one!r}" for one in step.put if one not in command.text
                        ]
        if stale:
            self.fail("\n" + "\n".join(map(str, stale)) + f"\n{STALE}")


class PowerShell(unittest.TestCase):
    """Nothing here runs PowerShell, so its forms are held against those that do run."""

    def test_every_form_for_powershell_says_what_a_command_for_bash_says(self) -> None:
        known = [powershell.bash_words(command.text) for command in documents.commands()]
        read = 0
        for block in documents.blocks():
            if block.language != "powershell":
                continue
            for line in powershell.calls(block.text):
                read += 1
                with self.subTest(f"{block.document}:{block.line}: {line}"):
                    self.assertIn(powershell.words(line, block.text), known)
        self.assertGreater(read, 1)

    def test_each_rule_of_its_quotes_is_known(self) -> None:
        for line, expected in (
            ("""aws a '{\\"b\\":\\"c\\"}' d.json""", ["aws", "a", '{"b":"c"}', "/dev/stdout"]),
            ("""$A = curl.exe -o NUL "x: $B" """, ["curl", "-o", "/dev/null", "x: $B"]),
        ):
            with self.subTest(line):
                self.assertEqual(powershell.words(line, ""), expected)
        self.assertEqual(
            powershell.bash_words('A=$(aws b "$C" \\\n d) && e'), ["aws", "b", "$C", "d"]
        )
        self.assertEqual(shlex.split("aws b"), powershell.bash_words("aws b"))


def typed_commands() -> list[Command]:
    """The commands that the drills type; those that no document has are told by another test."""
    found = []
    for story in STORIES.values():
        for step in story:
            if isinstance(step, Typed):
                try:
                    found.append(documents.the_one(step.document, step.begins))
                except UnreadableError:
                    continue
    return found


def excuses(command: Command) -> list[not_run.Row]:
    """The rows that say why a command is not typed."""
    return [
        row
        for row in not_run.NOT_RUN
        if row.document == command.document and command.text.startswith(row.begins)
    ]


if __name__ == "__main__":
    unittest.main()
