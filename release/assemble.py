"""Completes a release: the plain template, the edge with its pages, and the checksums of all.

`python -m release.assemble FOLDER [ARCHITECTURE…]`; the folder holds the executables' archives, and
the lists of what is in them (SBOM), for these processors, both unless given.
"""

import hashlib
import sys
import zipfile
from pathlib import Path

from release import archive, command_line, executable, plain

NAME = "maintenance-window"
TEMPLATE = f"{NAME}.yaml"
EDGE = f"{NAME}-edge.zip"
CHECKSUMS = "SHA256SUMS"
ARCHITECTURES = tuple(sorted(executable.MACHINES.values()))


class IncompleteError(Exception):
    """Something that belongs into the release is missing or unfit."""


def built(architecture: str) -> tuple[str, str, str, str]:
    """The names of what is built for one processor.

    The function's zip and the list of what is in it, then the same of the command line.
    """
    command = command_line.name(f"linux-{architecture}")
    lists = (f"{one}-{architecture}.cdx.json" for one in (NAME, "mw-linux"))
    return (f"{NAME}-{architecture}.zip", next(lists), command, next(lists))


def edge(project: Path) -> dict[str, bytes]:
    """The edge's templates and its pages, and the command that deploys it, by their names."""
    site, account = project / "site", project / "account"
    files = [
        site / "template.yaml",
        site / "existing.yaml",
        *(site / "errors").iterdir(),
        *(account / name for name in ("__init__.py", "function.py", "table.py", "undeploy.py")),
        *(account / "edge").glob("*.py"),
    ]
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in files}


def assemble(folder: Path, architectures: tuple[str, ...] = ARCHITECTURES) -> list[str]:
    """Writes the rest into the folder; returns the names of all that the release carries.

    Raises `IncompleteError` if something is missing, or if an executable is not for its processor.
    """
    names = [name for architecture in architectures for name in built(architecture)]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise IncompleteError(
            f"expected in {folder}, and not found: {', '.join(missing)}; `make package` builds them"
        )
    for architecture in architectures:
        name = built(architecture)[0]
        with zipfile.ZipFile(folder / name) as zipped:
            try:
                executable.check(zipped.read("bootstrap"), architecture)
            except executable.UnfitError as error:
                raise IncompleteError(f"{name}: {error}") from error
    (folder / TEMPLATE).write_text(plain.written(plain.plain(plain.source())), encoding="utf-8")
    archive.write(folder / EDGE, edge(plain.PROJECT))
    names = sorted([*names, TEMPLATE, EDGE])
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (folder / CHECKSUMS).write_text("\n".join(sums) + "\n", encoding="utf-8")
    return [*names, CHECKSUMS]


def main() -> int:
    """Assembles, and says what there is."""
    if len(sys.argv) < 2 or set(sys.argv[2:]) - set(ARCHITECTURES):
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    try:
        names = assemble(folder, tuple(sys.argv[2:]) or ARCHITECTURES)
    except IncompleteError as error:
        print(error, file=sys.stderr)
        return 1
    for name in names:
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
