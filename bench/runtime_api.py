"""A stand-in for the Lambda runtime interface: hands out events one by one, and times a process."""

import contextlib
import json
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

# No run waits longer than this for anything.
PATIENCE_S = 90
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:maintenance"


@dataclass
class Cost:
    """What a process has used so far."""

    cpu_s: float
    peak_mb: float


@dataclass
class Invocation:
    """An invocation: when it began by the clock of the machine, how long it took, its answer."""

    began: float
    took_s: float
    # An object; or a text, which is a page for a dashboard.
    answer: dict | str
    # What was sent of it, in bytes.
    answer_bytes: int


class Sandbox:
    """One process of a function; use it as a context manager so that it is stopped."""

    def __init__(
        self, command: list[str], environment: dict[str, str], log: Path | None = None
    ) -> None:
        """Starts the process and waits for its first poll."""
        self._log, self._log_path = log.open("wb") if log else None, log
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_S)
        address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": address},
            stdin=subprocess.DEVNULL,
            stdout=self._log or subprocess.DEVNULL,
            stderr=self._log or subprocess.DEVNULL,
        )
        try:
            self._accept()
            self._poll()
        except BaseException:
            self.close()
            raise
        self.cold_start_s = time.monotonic() - self.began

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops the process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._listener.close()
        if self._log:
            self._log.close()

    def invoke(self, event: dict) -> Invocation:
        """Answers the poll with an event, and waits for the answer.

        Returns once the process polls again, so that it does nothing else while the next is timed.
        """
        data = json.dumps(event).encode()
        deadline = int((time.time() + PATIENCE_S) * 1000)
        message = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {uuid.uuid4()}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {deadline}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {FUNCTION_ARN}\r\n"
            "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\n\r\n"
        ).encode() + data
        began = time.monotonic()
        self._connection.sendall(message)
        target, body = self._request()
        took = time.monotonic() - began
        answer = json.loads(body or b"null")
        if not target.endswith("/response"):
            raise RuntimeError(f"the function failed: {answer}")
        self._connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        self._poll()
        return Invocation(began, took, answer, len(body))

    def logged(self) -> bytes:
        """What the process has written so far; nothing if that is not kept."""
        return self._log_path.read_bytes() if self._log_path else b""

    def cost(self) -> Cost:
        """What the process has used so far."""
        proc = Path("/proc") / str(self.process.pid)
        peak = next(
            line for line in (proc / "status").read_text().splitlines() if line.startswith("VmHWM")
        )
        # The system's name for the CPU clock of another process.
        clock = (~self.process.pid << 3) | 2
        return Cost(time.clock_gettime(clock), int(peak.split()[1]) * 1024 / 1e6)

    def _accept(self) -> None:
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(PATIENCE_S)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def _poll(self) -> None:
        target, _ = self._request()
        assert target.endswith("/next"), target

    def _request(self) -> tuple[str, bytes]:
        """One request: its path and its body. A client may come back over a new connection."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:])}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return lines[0].split(" ")[1], self._chunks()
        length = int(headers.get("content-length", 0))
        return lines[0].split(" ")[1], self._take(length)

    def _chunks(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._buffer:
                self._receive()
            size, _, self._buffer = self._buffer.partition(b"\r\n")
            chunk = self._take(int(size, 16) + 2)[:-2]
            if not chunk:
                return body
            body += chunk

    def _take(self, length: int) -> bytes:
        while len(self._buffer) < length:
            self._receive()
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken

    def _receive(self) -> None:
        data = b""
        with contextlib.suppress(ConnectionError):
            data = self._connection.recv(65536)
        if data:
            self._buffer += data
        elif self.process.poll() is None:
            self._connection.close()
            self._accept()
        else:
            raise RuntimeError(f"the function ended with {self.process.returncode}")
