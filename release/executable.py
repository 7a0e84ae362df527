"""What an executable needs of the system that it runs on, read from the file itself.

`python -m release.executable EXECUTABLE ARCHITECTURE ARCHIVE` zips it for Lambda, if Lambda can run
it on that processor (`arm64` or `x86_64`).
"""

import re
import sys
from pathlib import Path

from release import archive

# The machines of ELF, in Lambda's words.
MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}
# The C library of Amazon Linux 2023, which provided.al2023 is.
GLIBC = (2, 34)


class UnfitError(Exception):
    """Lambda could not run the executable."""


def processor(executable: bytes) -> str:
    """The processor that it was compiled for, in Lambda's words.

    Raises `UnfitError` for what is no ELF file of 64 bits, or is for another processor.
    """
    # The magic number, then 64 bits and little-endian.
    if executable[:6] != b"\x7fELF\x02\x01":
        raise UnfitError("expected a Linux executable of 64 bits (ELF), found something else")
    machine = int.from_bytes(executable[18:20], "little")
    if machine not in MACHINES:
        raise UnfitError(f"expected machine {' or '.join(MACHINES.values())}, found {machine:#x}")
    return MACHINES[machine]


def glibc(executable: bytes) -> tuple[int, int] | None:
    """The newest version of glibc that a symbol of it needs, such as (2, 34); None without glibc.

    The versions stand as texts among the names of its dynamic symbols. The same text elsewhere
    would count too, which errs on the safe side.
    """
    found = re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?(?=\0)", executable)
    return max(((int(major), int(minor)) for major, minor in found), default=None)


def check(executable: bytes, architecture: str) -> None:
    """Raises `UnfitError` unless Lambda can run it on this processor, on provided.al2023."""
    compiled_for = processor(executable)
    if compiled_for != architecture:
        raise UnfitError(
            f"expected an executable for {architecture}, found one for {compiled_for}:"
            f" build it with `make executable ARCHITECTURE={architecture}`"
        )
    needed = glibc(executable)
    if needed is not None and needed > GLIBC:
        raise UnfitError(
            f"expected glibc {version(GLIBC)} or older, which Lambda's provided.al2023 has, but it"
            f" needs {version(needed)}: build it with `make executable`, not `cargo build`"
        )


def version(parts: tuple[int, int]) -> str:
    """2.34 and the like."""
    return ".".join(map(str, parts))


def main() -> int:
    """Checks, then writes the archive."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    executable, architecture, target = sys.argv[1:]
    content = Path(executable).read_bytes()
    try:
        check(content, architecture)
    except UnfitError as error:
        print(f"{executable}: {error}", file=sys.stderr)
        return 1
    archive.write(Path(target), {"bootstrap": content}, executable=True)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
