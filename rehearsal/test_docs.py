"""The documents: every link of one leads to a file and a heading that is there."""

import re
import unittest
from pathlib import Path

from rehearsal.documents import documents
from rehearsal.options import PROJECT as ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """The names that GitHub gives to the headings of a document."""
    headings = HEADING.findall(CODE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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
