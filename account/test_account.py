"""What can be held against the account's tools without an account."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

from account import grounds
from account.undeploy import schedules
from account.verify import judge
from rehearsal.options import PROJECT
from rehearsal.traffic import CLOSED, OPEN, Sample

START, END = 1000.0, 1300.0


def visits(*spans: tuple[int, int, str]) -> list[Sample]:
    """One request a second."""
    return [
        Sample(sent=float(second), answered=second + 0.1, met=met)
        for begins, ends, met in spans
        for second in range(begins, ends)
    ]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One of the tools, with no way to reach an account."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class Verify(unittest.TestCase):
    """The trial in a real account."""

    def test_it_does_nothing_unless_it_is_understood_and_never_in_ci(self) -> None:
        for environment in ({}, {"I_UNDERSTAND": "yes"}, {"I_UNDERSTAND": "1", "CI": "true"}):
            with self.subTest(environment=environment):
                refused = run("account.verify", **environment)
                self.assertEqual(refused.returncode, 2)
                self.assertIn("Nothing was done", refused.stderr)
                self.assertEqual(refused.stdout, "")

    def test_a_window_as_promised_is_told_from_one_that_was_not(self) -> None:
        tester = visits((980, 1400, OPEN))
        good = visits((980, 1008, OPEN), (1008, 1309, CLOSED), (1309, 1400, OPEN))
        self.assertTrue(judge(good, tester, START, END)[1])
        for name, visitor in (
            ("never closed", visits((980, 1400, OPEN))),
            ("never reopened", visits((980, 1008, OPEN), (1008, 1400, CLOSED))),
            ("early", visits((980, 990, OPEN), (990, 1300, CLOSED), (1300, 1400, OPEN))),
        ):
            with self.subTest(name):
                self.assertFalse(judge(visitor, tester, START, END)[1])
        self.assertFalse(judge(good, visits((980, 1400, CLOSED)), START, END)[1])

    def test_its_own_stacks_leave_nothing_and_may_do_little(self) -> None:
        for template in (json.loads(grounds.site()), json.loads(grounds.laboratory())):
            for name, resource in template["Resources"].items():
                with self.subTest(resource=name):
                    self.assertNotIn("DeletionPolicy", resource)
                    self.assertNotIn('"Resource": "*"', json.dumps(resource))


class Undeploy(unittest.TestCase):
    """Taking a stack down."""

    def test_tombstones_do_not_keep_a_stack_and_all_else_does(self) -> None:
        names = ["w.end", "w.over-17", "a.over-b.end", "s.series", "a.over-4294967295"]
        pages = [{"Schedules": [{"Name": name} for name in names]}]
        client = unittest.mock.MagicMock()
        client.return_value.get_paginator.return_value.paginate.return_value = pages
        self.assertEqual(schedules(client, "group"), ["w.end", "a.over-b.end", "s.series"])


class Package(unittest.TestCase):
    """The archive."""

    def test_the_same_executable_makes_the_same_archive(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            executable = Path(folder) / "bootstrap"
            executable.write_bytes(b"not really")
            made = []
            for moment, name in ((1_000_000_000, "a.zip"), (1_700_000_000, "b.zip")):
                os.utime(executable, (moment, moment))
                archive = Path(folder) / name
                self.assertEqual(
                    run("account.package", str(executable), str(archive)).returncode, 0
                )
                made.append(archive.read_bytes())
            self.assertEqual(*made)


if __name__ == "__main__":
    unittest.main()
