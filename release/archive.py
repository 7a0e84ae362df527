"""Zips so that equal contents make equal archives: neither times nor owners of this machine."""

import zipfile
from pathlib import Path

# The earliest moment that the format knows.
MOMENT = (1980, 1, 1, 0, 0, 0)


def write(archive: Path, contents: dict[str, bytes], *, executable: bool = False) -> None:
    """Writes the archive; its files are root's, and may be run if `executable`."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, date_time=MOMENT)
            # Unix, whatever this machine runs, or the mode would be lost.
            entry.create_system = 3
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, content, compresslevel=9)
