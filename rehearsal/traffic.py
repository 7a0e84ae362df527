"""Real requests at a steady pace, and what came back."""

import http.client
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.shop import CLOSED_PAGE, OPEN_PAGE

REQUESTS_PER_S = 4
REQUEST_TIMEOUT_S = 10

OPEN = "open"
CLOSED = "closed"


@dataclass(frozen=True)
class Sample:
    """One request: Unix times before it was sent and after it was answered, and what it met."""

    sent: float
    answered: float
    # OPEN, CLOSED, or a description of anything else.
    met: str


class Traffic:
    """One client: a thread that asks for the page over and over until stopped."""

    def __init__(
        self,
        port: int,
        host: str,
        headers: Mapping[str, str] | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        """Asks `address`, if not told otherwise the local AWS, for the load balancer `host`."""
        self._port = port
        self._address = address
        self._headers = {"Host": host, "Connection": "close", **(headers or {})}
        self._samples: list[Sample] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the thread after its current request."""
        self._stopped.set()
        self._thread.join(timeout=REQUEST_TIMEOUT_S + 1)

    def samples(self) -> list[Sample]:
        """All requests so far, oldest first."""
        return list(self._samples)

    def _run(self) -> None:
        pause = 1 / REQUESTS_PER_S
        due = time.monotonic()
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            sent = time.time()
            met = self._ask()
            self._samples.append(Sample(sent=sent, answered=time.time(), met=met))
            # A slow answer is followed at once by the next request, not by a burst of them.
            due = max(due + pause, time.monotonic())

    def _ask(self) -> str:
        connection = http.client.HTTPConnection(
            self._address, self._port, timeout=REQUEST_TIMEOUT_S
        )
        try:
            connection.request("GET", "/", headers=self._headers)
            response = connection.getresponse()
            body = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            return f"no answer ({type(error).__name__})"
        finally:
            connection.close()
        if response.status == 200 and body == OPEN_PAGE:
            return OPEN
        if response.status == 503 and body == CLOSED_PAGE:
            return CLOSED
        return f"status {response.status}"
