"""The tools of a deployment."""

import os
import tempfile
import unittest
import unittest.mock
from pathlib import Path

from release import tools


class Tools(unittest.TestCase):
    """Whether they are here and new enough."""

    def told(self, says: str | None) -> str | None:
        """What is wrong with a `sam` that says this; None for one that is not there."""
        with tempfile.TemporaryDirectory() as folder:
            if says is not None:
                program = Path(folder) / "sam"
                program.write_text(f"#!/bin/sh\necho '{says}'\n")
                program.chmod(0o755)
            with unittest.mock.patch.dict(os.environ, {"PATH": f"{folder}"}):
                return tools.problem(tools.TOOLS["sam"])

    def test_one_that_is_new_enough_is_good(self) -> None:
        for says in ("SAM CLI, version 1.156.0", "SAM CLI, version 1.170.0", "2.0.0"):
            with self.subTest(says=says):
                self.assertIsNone(self.told(says))

    def test_one_that_is_too_old_or_missing_is_named_with_what_is_needed(self) -> None:
        for says, why in (
            ("SAM CLI, version 1.154.0", r"1\.156\.0 or newer, found 1\.154\.0 \(older ones build"),
            (None, "found none; see https://"),
            ("hello", "found 'hello'"),
        ):
            with self.subTest(says=says):
                self.assertRegex(self.told(says) or "", why)

    def test_versions_are_read_as_each_tool_says_them(self) -> None:
        for says, version in (
            ("aws-cli/2.31.4 Python/3.13.7 Linux/6.8 exe/x86_64", (2, 31, 4)),
            ("SAM CLI, version 1.170.0", (1, 170, 0)),
            ("cargo-lambda 1.9.2 (2b7b1f4 2026-02-01Z)", (1, 9, 2)),
        ):
            with self.subTest(says=says):
                self.assertEqual(tools.version(says), version)
