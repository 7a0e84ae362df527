"""Deploys the edge and the function behind it, with one command: see `__main__`.

Nothing here needs more than boto3 with its extra `crt` and PyYAML, so that it runs from a release.
"""

from pathlib import Path

NEEDED = "python3 -m pip install 'boto3[crt]' pyyaml"

try:
    import boto3  # noqa: F401 - said here in words, before anything else needs it
    import yaml  # noqa: F401
except ImportError as error:
    raise SystemExit(f"expected the package {error.name}, found none: {NEEDED}") from error

PROJECT = Path(__file__).resolve().parent.parent.parent
