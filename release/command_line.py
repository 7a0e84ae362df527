"""Packs the command line for one system: the program, its man pages, its completions.

`python -m release.command_line EXECUTABLE SYSTEM RUNNABLE FOLDER`; SYSTEM is one of linux-arm64,
linux-x86_64, macos-arm64 and macos-x86_64, and RUNNABLE an `mw` that runs on this machine, which
prints the man pages and completions.
"""

import re
import subprocess
import sys
from pathlib import Path

from release import archive, executable

PROJECT = Path(__file__).resolve().parent.parent
LICENCES = ("LICENSE-APACHE", "LICENSE-MIT")
# Where packagers expect each, by the shell.
COMPLETIONS = {"bash": "mw.bash", "zsh": "_mw", "fish": "mw.fish"}
# The processors of Mach-O, in Lambda's words.
APPLE = {0x0100000C: "arm64", 0x01000007: "x86_64"}
SYSTEMS = ("linux-arm64", "linux-x86_64", "macos-arm64", "macos-x86_64")


def name(system: str) -> str:
    """The archive's name."""
    return f"mw-{system}.tar.gz"


def check(content: bytes, system: str) -> None:
    """Raises `UnfitError` unless the executable runs on this system."""
    if system not in SYSTEMS:
        raise executable.UnfitError(f"expected one of {', '.join(SYSTEMS)}, found {system}")
    kind, processor = system.split("-", 1)
    if kind == "linux":
        executable.check(content, processor)
        return
    # The magic number of 64 bits, little-endian.
    if content[:4] != b"\xcf\xfa\xed\xfe":
        raise executable.UnfitError("expected a macOS executable (Mach-O), found something else")
    found = APPLE.get(int.from_bytes(content[4:8], "little"))
    if found != processor:
        raise executable.UnfitError(f"expected an executable for {processor}, found {found}")


def commands(runnable: Path) -> list[str]:
    """The names of all commands, which the program itself lists."""
    listed = output(runnable, "--help").split("Commands:", 1)[1].split("\n\n", 1)[0]
    found = re.findall(r"(?m)^  ([a-z]+)  ", listed)
    return [one for one in found if one != "help"]


def output(runnable: Path, *arguments: str) -> str:
    """What the program prints."""
    command = [str(runnable), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def contents(program: bytes, runnable: Path) -> dict[str, tuple[bytes, bool]]:
    """All files of the archive by name, and whether each may be run."""
    files = {"mw": (program, True), "man/man1/mw.1": (output(runnable, "man").encode(), False)}
    for command in commands(runnable):
        files[f"man/man1/mw-{command}.1"] = (output(runnable, "man", command).encode(), False)
    for shell, file in COMPLETIONS.items():
        files[f"completions/{file}"] = (output(runnable, "completions", shell).encode(), False)
    for licence in LICENCES:
        files[licence] = ((PROJECT / licence).read_bytes(), False)
    return files


def main() -> int:
    """Checks, then writes the archive."""
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    program, system, runnable, folder = sys.argv[1:]
    content = Path(program).read_bytes()
    try:
        check(content, system)
    except executable.UnfitError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    target = Path(folder) / name(system)
    # Everything in one folder, so that unpacking scatters nothing.
    files = contents(content, Path(runnable).resolve())
    archive.tarball(target, {f"mw-{system}/{path}": file for path, file in files.items()})
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
