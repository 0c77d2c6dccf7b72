"""Signals that end a command: Ctrl-C, SIGTERM and SIGHUP are one request, to undo what is half-written and to end."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Not every system has all of them."""

_SAME_REQUEST = 0.3
"""Seconds within which Ctrl-C counts once: what starts programs may hand on what the terminal sends them anyway."""


class Stop:
    """Which signal asked to end, 0 as long as none has, and when."""

    def __init__(self) -> None:
        self.number, self.since = 0, 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Let the command undo what is half-written; a second Ctrl-C ends at once."""
        del frame
        now = time.monotonic()
        if not self.number:
            self.number, self.since = number, now
            raise KeyboardInterrupt
        if number == signal.SIGINT and now - self.since > _SAME_REQUEST:
            if sys.stderr is not None and sys.stderr.isatty():
                os.write(2, b"\x1b[?25h\n")  # bars of progress hide the cursor
            os._exit(128 + number)


@contextlib.contextmanager
def heeding_signals() -> Iterator[Stop]:
    """Take signals that end a command as such a request, but those that the process was started to ignore."""
    stop, earlier = Stop(), {}
    if threading.current_thread() is threading.main_thread():  # no other may
        numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
        heeded = [number for number in numbers if signal.getsignal(number) not in {signal.SIG_IGN, None}]
        earlier = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        atexit.register(_end_quietly)


def _end_quietly() -> None:
    """While Python itself ends, nothing can be undone any more."""
    with contextlib.suppress(ValueError):  # not in the main thread
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
