"""What a release carries can be deployed, and is what it says."""

import copy
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Any

import cfnlint.api
from samtranslator.yaml_helper import yaml_parse

from release import archive, assemble, command_line, executable, plain

WRITTEN = plain.written(plain.plain(plain.source()))
MADE = yaml_parse(WRITTEN)
BUILT = plain.PROJECT / "target"


def elf(machine: int, *needs: str) -> bytes:
    """The little of an executable that is looked at."""
    head = b"\x7fELF\x02\x01".ljust(18, b"\0") + machine.to_bytes(2, "little")
    return head.ljust(64, b"\0") + b"".join(b"\0" + need.encode() for need in needs) + b"\0"


ARM, INTEL = 0xB7, 0x3E


class Plain(unittest.TestCase):
    """The template without a transform."""

    def test_it_has_the_resources_that_sam_makes(self) -> None:
        sam = sam_translation()
        ours = copy.deepcopy(MADE)
        self.assertEqual(ours["Resources"].keys(), sam["Resources"].keys())
        function = ours["Resources"]["Function"]["Properties"]
        self.assertEqual(
            function.pop("Code"), {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
        )
        self.assertEqual(function.pop("Architectures"), [{"Ref": "Architecture"}])
        for key in ("Code", "Architectures"):
            del sam["Resources"]["Function"]["Properties"][key]
        tags = sam["Resources"]["Function"]["Properties"]["Tags"]
        tags.remove({"Key": "lambda:createdBy", "Value": "SAM"})
        for name, resource in sam["Resources"].items():
            resource.pop("Metadata", None)
            with self.subTest(resource=name):
                self.assertEqual(ours["Resources"][name], resource)
        for section in ("Description", "Rules", "Conditions", "Outputs"):
            with self.subTest(section=section):
                self.assertEqual(ours[section], sam[section])

    def test_it_asks_for_the_same_and_for_the_code(self) -> None:
        parameters = plain.source()["Parameters"]
        self.assertEqual(MADE["Parameters"], {**parameters, **plain.CODE_PARAMETERS})
        groups = MADE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(MADE["Parameters"]))

    def test_nothing_in_it_needs_sam_or_a_bucket_for_itself(self) -> None:
        self.assertNotIn("Transform", MADE)
        self.assertNotIn("AWS::Serverless", WRITTEN)
        self.assertLessEqual(len(WRITTEN.encode()), 51_200)

    def test_one_that_is_too_long_is_refused(self) -> None:
        long = plain.plain(plain.source()) | {"Description": "x" * 51_200}
        with self.assertRaisesRegex(RuntimeError, "at most 51200"):
            plain.written(long)

    def test_no_parameter_was_replaced_by_its_default(self) -> None:
        for name in plain.source()["Parameters"]:
            asked = json.dumps({key: MADE[key] for key in ("Rules", "Conditions", "Resources")})
            with self.subTest(parameter=name):
                self.assertTrue(f'{{"Ref": "{name}"}}' in asked or f"${{{name}}}" in asked)

    def test_the_linter_finds_nothing(self) -> None:
        found = cfnlint.api.lint(WRITTEN, config=None)
        self.assertEqual([str(one) for one in found], [])


def sam_translation() -> dict[str, Any]:
    """What AWS's transform makes of template.yaml, with each parameter left to be given."""
    template = plain.source()
    template["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://bucket/key"
    for parameter in template["Parameters"].values():
        parameter.pop("Default", None)
    session = plain.boto3.Session(region_name="us-east-1")
    translator = plain.Translator(None, plain.Parser(), boto_session=session)
    return json.loads(json.dumps(translator.translate(template, parameter_values={})))


class Executable(unittest.TestCase):
    """What Lambda can run."""

    def test_the_newest_glibc_that_it_needs_is_found(self) -> None:
        for needs, newest in (
            (("GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.4"), (2, 34)),
            (("GLIBC_2.9", "GLIBC_2.17"), (2, 17)),
            (("GLIBC_PRIVATE",), None),
            ((), None),
        ):
            with self.subTest(needs=needs):
                self.assertEqual(executable.glibc(elf(ARM, *needs)), newest)

    def test_what_lambda_could_not_run_is_refused(self) -> None:
        executable.check(elf(ARM, "GLIBC_2.34"), "arm64")
        executable.check(elf(INTEL, "GLIBC_2.28"), "x86_64")
        for content, architecture, why in (
            (elf(INTEL), "arm64", "for arm64, found one for x86_64"),
            (elf(ARM), "x86_64", "for x86_64, found one for arm64"),
            (elf(ARM, "GLIBC_2.35"), "arm64", "needs 2.35"),
            (elf(0x08), "arm64", "found 0x8"),
            (b"#!/bin/sh\n", "arm64", "found something else"),
        ):
            with self.subTest(why), self.assertRaisesRegex(executable.UnfitError, why):
                executable.check(content, architecture)

    def test_what_was_packaged_runs_on_lambdas_system(self) -> None:
        archives = [
            (BUILT / "package" / assemble.built(one)[0], one) for one in assemble.ARCHITECTURES
        ]
        archives = [(path, one) for path, one in archives if path.is_file()]
        if not archives:
            self.skipTest("`make package` has made nothing here")
        for path, architecture in archives:
            with self.subTest(architecture), zipfile.ZipFile(path) as zipped:
                executable.check(zipped.read("bootstrap"), architecture)

    def test_a_real_executable_is_read_as_binutils_reads_it(self) -> None:
        paths = [BUILT / kind / "bootstrap" for kind in ("release", "debug")]
        path = next((one for one in paths if one.is_file()), None)
        if path is None or shutil.which("readelf") is None:
            self.skipTest("there is no executable, or no readelf")
        told = subprocess.run(
            ["readelf", "--version-info", path], capture_output=True, text=True, check=True
        ).stdout
        named = re.findall(r"GLIBC_(\d+)\.(\d+)", told)
        newest = max(((int(major), int(minor)) for major, minor in named), default=None)
        self.assertEqual(executable.glibc(path.read_bytes()), newest)


class Assembled(unittest.TestCase):
    """The folder of a release."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for architecture, machine in (("arm64", ARM), ("x86_64", INTEL)):
            name, *others = assemble.built(architecture)
            archive.write(self.folder / name, {"bootstrap": elf(machine)}, executable=True)
            for other in others:
                (self.folder / other).write_text("{}")

    def test_it_carries_all_that_a_deployment_needs_with_checksums(self) -> None:
        names = assemble.assemble(self.folder)
        self.assertEqual(
            names,
            [
                "maintenance-window-arm64.cdx.json",
                "maintenance-window-arm64.zip",
                "maintenance-window-edge.zip",
                "maintenance-window-x86_64.cdx.json",
                "maintenance-window-x86_64.zip",
                "maintenance-window.yaml",
                "mw-linux-arm64.cdx.json",
                "mw-linux-arm64.tar.gz",
                "mw-linux-x86_64.cdx.json",
                "mw-linux-x86_64.tar.gz",
                "SHA256SUMS",
            ],
        )
        self.assertEqual({path.name for path in self.folder.iterdir()}, set(names))
        self.assertEqual((self.folder / "maintenance-window.yaml").read_text(), WRITTEN)
        sums = dict(
            reversed(line.split("  "))
            for line in (self.folder / "SHA256SUMS").read_text().splitlines()
        )
        for name in names[:-1]:
            content = (self.folder / name).read_bytes()
            self.assertEqual(sums.pop(name), hashlib.sha256(content).hexdigest())
        self.assertEqual(sums, {})

    def test_the_edge_is_there_with_every_page(self) -> None:
        assemble.assemble(self.folder)
        with zipfile.ZipFile(self.folder / assemble.EDGE) as zipped:
            names = {name for name in zipped.namelist() if name.startswith("site/")}
        errors = plain.PROJECT / "site/errors"
        pages = {f"site/errors/{path.name}" for path in errors.iterdir()}
        self.assertIn("site/errors/banner.js", pages)
        self.assertGreater(len(pages), 1)
        self.assertEqual(names, {"site/template.yaml", "site/existing.yaml", *pages})

    def test_its_commands_run_from_the_release_alone(self) -> None:
        assemble.assemble(self.folder)
        with zipfile.ZipFile(self.folder / assemble.EDGE) as zipped:
            zipped.extractall(self.folder)
        for module in ("account.edge", "account.edge.existing", "account.undeploy"):
            command = [sys.executable, "-m", module, "--help"]
            # Of this folder only: not of the project.
            ran = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
            with self.subTest(module):
                self.assertEqual(ran.returncode, 0, ran.stderr)
        find = "from account.edge import __main__ as m; print(m.package(), m.PROJECT)"
        ran = subprocess.run(
            [sys.executable, "-c", find],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual({Path(one) for one in ran.stdout.split()}, {self.folder.resolve()})

    def test_one_processor_alone_will_do_if_asked_for(self) -> None:
        (self.folder / "maintenance-window-x86_64.zip").unlink()
        self.assertIn("maintenance-window-arm64.zip", assemble.assemble(self.folder, ("arm64",)))

    def test_what_is_missing_or_mixed_up_is_named(self) -> None:
        arm, intel = (self.folder / assemble.built(one)[0] for one in ("arm64", "x86_64"))
        shutil.copy(intel, arm)
        with self.assertRaisesRegex(assemble.IncompleteError, r"arm64\.zip: .* one for x86_64"):
            assemble.assemble(self.folder)
        arm.unlink()
        with self.assertRaisesRegex(assemble.IncompleteError, r"not found: .*-arm64\.zip;"):
            assemble.assemble(self.folder)


def mach(processor: int) -> bytes:
    """The little of a macOS executable that is looked at."""
    return b"\xcf\xfa\xed\xfe" + processor.to_bytes(4, "little")


class CommandLine(unittest.TestCase):
    """The archive of the command line."""

    def test_what_its_system_could_not_run_is_refused(self) -> None:
        arm, intel = mach(0x0100000C), mach(0x01000007)
        for content, system in (
            (elf(ARM), "linux-arm64"),
            (elf(INTEL), "linux-x86_64"),
            (arm, "macos-arm64"),
            (intel, "macos-x86_64"),
        ):
            command_line.check(content, system)
        for content, system, why in (
            (elf(ARM), "linux-x86_64", "one for arm64"),
            (elf(INTEL, "GLIBC_2.39"), "linux-x86_64", "needs 2.39"),
            (arm, "linux-arm64", "ELF"),
            (elf(ARM), "macos-arm64", "Mach-O"),
            (arm, "macos-x86_64", "found arm64"),
            (intel, "windows-x86_64", "expected one of"),
        ):
            with self.subTest(system), self.assertRaisesRegex(executable.UnfitError, why):
                command_line.check(content, system)

    def test_it_holds_the_program_and_what_that_tells_of_itself(self) -> None:
        runnable = BUILT / "debug/mw"
        if not runnable.is_file():
            self.skipTest("there is no command line; `make test` builds it")
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "mw"
            program.write_bytes(elf(INTEL))
            command = [sys.executable, "-m", "release.command_line", program]
            arguments = ["linux-x86_64", runnable, folder]
            made = Path(folder) / command_line.name("linux-x86_64")
            sums = []
            for _ in range(2):
                subprocess.run([*command, *arguments], cwd=plain.PROJECT, check=True)
                sums.append(hashlib.sha256(made.read_bytes()).hexdigest())
            self.assertEqual(*sums)
            with tarfile.open(made) as packed:
                files = {entry.name: entry.mode for entry in packed.getmembers()}
                page = packed.extractfile("mw-linux-x86_64/man/man1/mw-extend.1")
                self.assertIn(b".TH mw-extend 1", page.read() if page else b"")
        runnable = [name for name, mode in files.items() if mode & 0o111]
        self.assertEqual(runnable, ["mw-linux-x86_64/mw"])
        for name in ("man/man1/mw.1", "completions/_mw", "completions/mw.bash", "LICENSE-MIT"):
            self.assertIn(f"mw-linux-x86_64/{name}", files)


class Archive(unittest.TestCase):
    """The zips."""

    def test_the_same_contents_make_the_same_archive(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / name for name in ("a.zip", "b.zip")]
            archive.write(paths[0], {"b": b"2", "a": b"1"})
            archive.write(paths[1], {"a": b"1", "b": b"2"})
            self.assertEqual(*(path.read_bytes() for path in paths))

    def test_an_executable_is_zipped_so_that_it_may_be_run_or_not_at_all(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "bootstrap", Path(folder) / "made/arm64.zip"
            source.write_bytes(elf(ARM))
            for architecture, code in (("x86_64", 1), ("arm64", 0)):
                command = [sys.executable, "-m", "release.executable", source, architecture, target]
                ran = subprocess.run(command, cwd=plain.PROJECT, capture_output=True, check=False)
                self.assertEqual((ran.returncode, target.exists()), (code, code == 0))
            with zipfile.ZipFile(target) as zipped:
                (entry,) = zipped.infolist()
                self.assertEqual(
                    (entry.filename, entry.external_attr >> 16), ("bootstrap", 0o100755)
                )


if __name__ == "__main__":
    unittest.main()
