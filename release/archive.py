"""Archives of which equal contents make equal ones: neither times nor owners of this machine."""

import gzip
import io
import tarfile
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


def tarball(archive: Path, contents: dict[str, tuple[bytes, bool]]) -> None:
    """Writes a `.tar.gz`; each file is root's, and may be run if its mark says so."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    # Neither the moment nor the file's own name gets into the outer format.
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, (content, executable) in sorted(contents.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if executable else 0o644
            tar.addfile(entry, io.BytesIO(content))
