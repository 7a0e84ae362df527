"""What a person reads while the night goes on."""

import sys
import time

# Between two lines of progress where there is no terminal to rewrite one line on.
PLAIN_PROGRESS_S = 10


class Timeline:
    """Prints each event with the time of day and the time to or from the start."""

    def __init__(self, *, quiet: bool) -> None:
        """When quiet, nothing but `announce` prints."""
        self._quiet = quiet
        self._terminal = sys.stdout.isatty()
        self._origin: float | None = None
        self._progress_shown = False
        self._last_line = time.monotonic()

    def count_from(self, start: float) -> None:
        """From now on, tell times relative to `start`, a Unix time."""
        self._origin = start

    def say(self, text: str, *, at: float | None = None) -> None:
        """One event, that happened now or at the Unix time `at`."""
        if self._quiet:
            return
        moment = time.time() if at is None else at
        clock = time.strftime("%H:%M:%S", time.localtime(moment)) + f".{int(moment % 1 * 10)}"
        self._line(f"{clock}  {self._relative(moment):>9}  {text}")

    def announce(self, text: str) -> None:
        """A line of its own, quiet or not."""
        self._line(text)

    def progress(self, text: str) -> None:
        """Where things stand: one line rewritten in place, or now and then a new one."""
        if self._quiet:
            return
        if self._terminal:
            sys.stdout.write(f"\r\x1b[K  … {text}")
            sys.stdout.flush()
            self._progress_shown = True
        elif time.monotonic() - self._last_line >= PLAIN_PROGRESS_S:
            self.say(f"… {text}")

    def _relative(self, moment: float) -> str:
        if self._origin is None:
            return ""
        return f"T{moment - self._origin:+.1f}s"

    def _line(self, text: str) -> None:
        if self._progress_shown:
            sys.stdout.write("\r\x1b[K")
            self._progress_shown = False
        print(text, flush=True)
        self._last_line = time.monotonic()
