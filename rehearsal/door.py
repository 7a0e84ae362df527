"""A proxy on loopback through which everything that is typed reaches the local AWS.

Two names lead nowhere else here: that of the site, which the documents call `www.example.com`, and
those that AWS's clients make by putting the account before the address of CloudFront's store.

It can also stand between the function and the local AWS, and decide what becomes of each call.
"""

import contextlib
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

HEAD_LIMIT = 65536
LINE = re.compile(rb"^([A-Z]+) (?:http://([^/ ]+))?(\S*) (HTTP/1\.[01])$")
LENGTH = re.compile(rb"(?im)^content-length: *(\d+)\r?$")
# Closing a connection with this option set is an abrupt end for the other side.
ABRUPT = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Fate:
    """What becomes of one request."""

    # Whether the local AWS gets it.
    arrives: bool = True
    # What is answered in place of its own answer; nothing at all if empty: the connection breaks.
    instead: bytes | None = None
    # How long it is held up, in seconds: the request, or what is answered in place of its answer.
    after_s: float = 0.0


PASSES = Fate()


def passes(_head: bytes) -> Fate:
    """Nothing stands in the way."""
    return PASSES


class Door:
    """A proxy that takes each request to one port of loopback; use it as a context.

    `rename` is given the host that a request is for, and tells what the local AWS is to read in its
    place; `fate` is given a request's line and headers, and decides what becomes of it.
    """

    def __init__(
        self,
        port: int,
        rename: Callable[[str], str] = str,
        fate: Callable[[bytes], Fate] = passes,
    ) -> None:
        self._server = _Server(("127.0.0.1", 0), _Request)
        self._server.target, self._server.rename, self._server.fate = port, rename, fate
        self.port: int = self._server.server_address[1]

    @property
    def address(self) -> str:
        """As a proxy, and also as the site's own address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Door":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    target: int
    rename: Callable[[str], str]
    fate: Callable[[bytes], Fate]


class _Request(socketserver.BaseRequestHandler):
    """One request for each connection, and then bytes as they come."""

    server: _Server

    def handle(self) -> None:
        head, rest = self._head()
        if not head:
            return
        fate = self.server.fate(head)
        with contextlib.suppress(OSError):
            if fate.instead is None:
                time.sleep(fate.after_s)
                self._pass_on(head, rest, self.request)
                return
            if fate.arrives:
                # Its answer is read to the end, so that the local AWS has surely done all of it.
                self._pass_on(head, rest, None)
            else:
                self._take_in(head, rest)
            time.sleep(fate.after_s)
            if fate.instead:
                self.request.sendall(fate.instead)
            else:
                # Not by closing alone: another thread may be reading from it.
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
                self.request.shutdown(socket.SHUT_RDWR)
                self.request.close()

    def _pass_on(self, head: bytes, rest: bytes, answer_to: socket.socket | None) -> None:
        """To the local AWS, and its answer to whoever is to have it."""
        with socket.create_connection(("127.0.0.1", self.server.target)) as local:
            local.sendall(self._rewritten(head) + rest)
            threading.Thread(target=_pump, args=(self.request, local), daemon=True).start()
            _pump(local, answer_to)

    def _take_in(self, head: bytes, rest: bytes) -> None:
        """The rest of the request, or an answer would meet a client that is still sending."""
        found = LENGTH.search(head)
        missing = int(found[1]) - len(rest) if found else 0
        while missing > 0 and (more := self.request.recv(65536)):
            missing -= len(more)

    def _head(self) -> tuple[bytes, bytes]:
        """The request's line and headers, and what of its body came with them."""
        got = b""
        while b"\r\n\r\n" not in got and len(got) < HEAD_LIMIT:
            more = self.request.recv(4096)
            if not more:
                return b"", b""
            got += more
        head, _, rest = got.partition(b"\r\n\r\n")
        return head, rest

    def _rewritten(self, head: bytes) -> bytes:
        """For the local AWS: a path in place of the whole address, and no second request."""
        first, *headers = head.split(b"\r\n")
        asked = LINE.match(first)
        if asked is None:
            return head + b"\r\n\r\n"
        method, host, path, version = asked.groups()
        kept = [one for one in headers if not re.match(rb"(?i)(host|(proxy-)?connection):", one)]
        named = [one.partition(b":")[2].strip() for one in headers if one.lower()[:5] == b"host:"]
        host = self.server.rename((host or named[0]).decode()).encode()
        lines = [b" ".join((method, path or b"/", version)), b"Host: " + host]
        return b"\r\n".join([*lines, *kept, b"Connection: close"]) + b"\r\n\r\n"


def _pump(source: socket.socket, sink: socket.socket | None) -> None:
    """Until there is no more; without a sink it goes nowhere."""
    with contextlib.suppress(OSError):
        while more := source.recv(65536):
            if sink is not None:
                sink.sendall(more)
        if sink is not None:
            sink.shutdown(socket.SHUT_WR)
