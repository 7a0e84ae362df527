"""Zips the function's executable so that equal executables make equal archives.

`python -m account.package EXECUTABLE ARCHIVE` prints the archive's SHA-256.
"""

import hashlib
import sys
import zipfile
from pathlib import Path


def main() -> int:
    """Writes the archive."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    executable, archive = map(Path, sys.argv[1:])
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as zipped:
        # The earliest moment that the format knows; root's, and executable.
        entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
        entry.create_system = 3
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        zipped.writestr(entry, executable.read_bytes(), compresslevel=9)
    print(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
