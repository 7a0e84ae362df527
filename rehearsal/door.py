"""A proxy on loopback through which everything that is typed reaches the local AWS.

Two names lead nowhere else here: that of the site, which the documents call `www.example.com`, and
those that AWS's clients make by putting the account before the address of CloudFront's store.
"""

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable

HEAD_LIMIT = 65536
LINE = re.compile(rb"^([A-Z]+) (?:http://([^/ ]+))?(\S*) (HTTP/1\.[01])$")


class Door:
    """A proxy that takes each request to one port of loopback; use it as a context.

    `rename` is given the host that a request is for, and tells what the local AWS is to read in its
    place.
    """

    def __init__(self, port: int, rename: Callable[[str], str]) -> None:
        self._server = _Server(("127.0.0.1", 0), _Request)
        self._server.target, self._server.rename = port, rename
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


class _Request(socketserver.BaseRequestHandler):
    """One request for each connection, and then bytes as they come."""

    server: _Server

    def handle(self) -> None:
        head, rest = self._head()
        if not head:
            return
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.server.target)) as local,
        ):
            local.sendall(self._rewritten(head) + rest)
            threading.Thread(target=_pump, args=(self.request, local), daemon=True).start()
            _pump(local, self.request)

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


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Until there is no more."""
    with contextlib.suppress(OSError):
        while more := source.recv(65536):
            sink.sendall(more)
        sink.shutdown(socket.SHUT_WR)
