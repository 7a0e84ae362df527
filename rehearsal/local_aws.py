"""The local AWS: one ministack process on loopback, and clients that can reach nothing else."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import botocore.client
import botocore.config

REGION = "us-east-1"
# The local AWS's own root key pair; real AWS knows no such key.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
START_TIMEOUT_S = 60
# It writes down what it is to keep as it stops.
STOP_TIMEOUT_S = 20


class LocalAws:
    """A running ministack; use it as a context manager so that nothing is left behind."""

    def __init__(self, home: Path, log_level: str = "INFO", *, keeps_state: bool = False) -> None:
        """`home` is where its data goes, `log_level` what functions are to log: INFO or DEBUG.

        With `keeps_state` it can be stopped and started again with all that it held.
        """
        self._log_level = log_level
        self._keeps_state = keeps_state
        home.mkdir(parents=True, exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(prefix="run-", dir=home))
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        # What it gives to functions, in place of real AWS: the template needs no local variant.
        self.endpoint_for_functions = self.endpoint
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where the process's output goes."""
        return self.directory / "ministack.log"

    def __enter__(self) -> "LocalAws":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it, with what it held before if it keeps that."""
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        # Not the caller's environment: functions inherit this one, and a proxy, a profile or a
        # real key in it must reach neither them nor the local AWS.
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.directory),
            "TMPDIR": str(temporary),
            # Without it ministack listens on every interface.
            "BIND_HOST": "127.0.0.1",
            # Its broker for things listens on every interface all the same.
            "IOT_MTLS_ENABLED": "0",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "LOG_LEVEL": "INFO",
            "AWS_ENDPOINT_URL": self.endpoint_for_functions,
            # Lambda derives these from the function's LoggingConfig; ministack does not.
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": self._log_level,
            # Functions run under their roles, and what a role does not grant is refused.
            "AUTH": "true",
            **CREDENTIALS,
        }
        if self._keeps_state:
            environment |= {
                "PERSIST_STATE": "1",
                "STATE_DIR": str(self.directory / "state"),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self.directory / "s3"),
            }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C reaches us alone, and we stop the whole group.
                start_new_session=True,
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.stop()
            raise

    def client(self, service: str) -> botocore.client.BaseClient:
        """A client of one service here."""
        return client(service, self.endpoint)

    def stop(self) -> None:
        """Ends the process, the functions it runs, and all they may have started."""
        process, self._process = self._process, None
        if process is None:
            return
        signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=STOP_TIMEOUT_S)
        # Whatever outlived its parent.
        signal_group(process.pid, signal.SIGKILL)
        process.wait()

    def kill_functions(self) -> int:
        """Kills every process of a function, in the middle of whatever it does; says how many."""
        if self._process is None:
            return 0
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,pgid=,comm="], capture_output=True, text=True, check=True
        )
        killed = 0
        for line in listed.stdout.splitlines():
            pid, group, command = line.split(maxsplit=2)
            # A function's process is in the group of the local AWS, and named after its executable.
            if int(group) == self._process.pid and Path(command).name == "bootstrap":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
                    killed += 1
        return killed

    def discard(self, *, keep_log_as: Path | None = None) -> None:
        """Deletes its data, and its log unless told where to keep it."""
        if keep_log_as is not None and self.log.exists():
            self.log.replace(keep_log_as)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _wait_until_up(self) -> None:
        assert self._process is not None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError("the local AWS ended at once")
            try:
                with opener.open(f"{self.endpoint}/_ministack/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the local AWS did not start in {START_TIMEOUT_S} s")


def ignore_callers_settings() -> None:
    """Forgets the caller's AWS settings, keys and proxies: nothing may reach a real account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    # Empty files, so that no profile is read.
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"


def client(service: str, endpoint: str) -> botocore.client.BaseClient:
    """A client of one service at `endpoint`."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        # An invocation by hand must not be repeated behind our back.
        config=botocore.config.Config(read_timeout=120, retries={"total_max_attempts": 1}),
    )


def free_port() -> int:
    """A port of loopback that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def signal_group(group: int, number: signal.Signals) -> None:
    """Signals a process group that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
