"""The documents: each link leads to a heading that is there, and what the code knows is told."""

import re
import unittest
from pathlib import Path

from rehearsal.documents import documents
from rehearsal.options import PROJECT as ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`]+)`")


def anchors(document: Path) -> set[str]:
    """The names that GitHub gives to the headings of a document."""
    headings = HEADING.findall(CODE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def between(path: str, begin: str, end: str) -> str:
    """What stands in a file after `begin`, until the next `end`."""
    _, found, rest = (ROOT / path).read_text().partition(begin)
    if not found:
        raise AssertionError(f"{path} has no {begin!r}")
    return rest.partition(end)[0]


def told(path: str, section: str) -> set[str]:
    """What stands in code type in the first column of a section's tables."""
    rows = re.findall(r"^\| (.+?) \|", between(path, f"\n## {section}\n", "\n## "), re.MULTILINE)
    return {word for row in rows for word in QUOTED.findall(row)}


class Tables(unittest.TestCase):
    """What a change of the code adds has its row."""

    def test_every_action_is_told(self) -> None:
        actions = set(
            re.findall(r'"(\w+)"', between("src/event/mod.rs", "pub const ACTIONS:", "];"))
        )
        self.assertIn("book", actions)
        self.assertEqual(actions - told("docs/REFERENCE.md", "Actions"), set())

    def test_every_outcome_of_a_decision_is_told(self) -> None:
        answers = between("src/actions/answers.rs", "impl AnswerOutcome {", "\n}\n")
        outcomes = set(re.findall(r'Self::\w+ => "(\w+)"', answers))
        self.assertIn("booked", outcomes)
        self.assertEqual(outcomes - told("docs/REFERENCE.md", "Answers"), set())

    def test_every_command_is_told(self) -> None:
        variants = between("mw/src/cli.rs", "pub enum Command {", "\n}\n")
        commands = {
            word.lower() for word in re.findall(r"^    ([A-Z]\w*)\b", variants, re.MULTILINE)
        }
        self.assertIn("book", commands)
        rows = told("docs/CLI.md", "Commands")
        self.assertEqual(
            commands - {row.split()[1] for row in rows if row.startswith("mw ")}, set()
        )

    def test_every_parameter_is_told(self) -> None:
        lines = between("template.yaml", "\nParameters:\n", "\nRules:\n")
        parameters = set(re.findall(r"^  (\w+):$", lines, re.MULTILINE))
        self.assertIn("RuleArns", parameters)
        self.assertEqual(parameters - told("docs/REFERENCE.md", "Parameters"), set())

    def test_every_alarm_is_told(self) -> None:
        alarms = set(re.findall(r'"([\w-]+)"', between("src/model/alarm.rs", "OWN_ALARMS:", "];")))
        self.assertIn("errors", alarms)
        self.assertEqual(
            {f"-{alarm}" for alarm in alarms} - told("docs/RUNBOOK.md", "Alarms"), set()
        )

    def test_every_figure_is_told(self) -> None:
        metrics = between("src/report/metrics.rs", "pub enum Metric {", "\n}\n")
        figures = set(re.findall(r"^    (\w+),$", metrics, re.MULTILINE))
        self.assertIn("Drift", figures)
        self.assertEqual(figures - told("docs/REFERENCE.md", "Metrics"), set())


class Links(unittest.TestCase):
    """Links, and what the README promises first."""

    def test_every_link_leads_somewhere(self) -> None:
        broken = []
        for document in documents():
            for link in LINK.findall(CODE.sub("", document.read_text())):
                if "://" in link or link.startswith("mailto:"):
                    continue
                path, _, anchor = link.partition("#")
                target = (document.parent / path).resolve() if path else document
                if not target.exists() or (anchor and anchor not in anchors(target)):
                    broken.append(f"{document.relative_to(ROOT)}: {link}")
        self.assertEqual(broken, [])

    def test_the_readme_is_short_and_helps_at_night_first(self) -> None:
        lines = (ROOT / "README.md").read_text().splitlines()
        self.assertLessEqual(len(lines), 300)
        self.assertTrue(any("2 a.m." in line for line in lines[:10]))


if __name__ == "__main__":
    unittest.main()
