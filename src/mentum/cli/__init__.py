"""The command line: parse, call one function, print."""

from __future__ import annotations

import os
import sys
from typing import Any

from mentum.cli.signals import Stop, heeding_signals


def main() -> None:
    """Run the command line; a fault in the user's material becomes one message and exit code 2."""
    # Threads that spin while they wait make a training several times slower when anything else runs on the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with heeding_signals() as stop:
        code = _run(stop)
    sys.exit(code)


def _run(stop: Stop) -> int:
    """The exit code of the command line; all that takes long to import is imported here, where signals are heeded."""
    try:
        from mentum.cli.commands import app
        from mentum.cli.console import bear_any_name, flush

        bear_any_name()
        try:
            app()
        finally:
            flush()
    except BaseException as error:
        code = _told(error, stop)
        if code is None:
            raise
        return code
    return 0


def _told(error: BaseException, stop: Stop) -> int | None:
    """Say why a command ended, where that is no fault of the program: the exit code; else None."""
    from mentum.cli.console import fail, is_reader_gone
    from mentum.cli.endings import describe_fault, describe_stop

    ended = int(error.code or 0) if isinstance(error, SystemExit) and not isinstance(error.code, str) else None
    if stop.number and ended not in {0, 1}:  # else the command had ended before
        return fail(describe_stop(stop.number, sys.argv[1:]), 128 + stop.number)
    if is_reader_gone(error):
        return 141  # as a program that SIGPIPE ends, without a word: nobody reads it
    if ended is not None:
        return ended
    sentence = None if "--debug" in sys.argv else describe_fault(error, sys.argv[1:])
    return None if sentence is None else fail(sentence, 2)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as of any module
    if name == "app":
        from mentum.cli.commands import app

        return app
    raise AttributeError(f"module 'mentum.cli' has no attribute '{name}'")
