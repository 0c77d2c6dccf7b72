"""The terminal: what a user's names and paths may not do to it, and what it cannot take."""

from __future__ import annotations

import errno
import logging
import os
import select
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

import typer
from rich.console import Console
from rich.text import Text

from mentum.texts import printable

_OUTPUT = "standard output"
_LIBRARIES = ("PIL", "torch", "transformers")
_showwarning = warnings.showwarning


class VisibleConsole(Console):
    """Prints texts as they are, without mark-up; what a terminal would take for an order is spelt out."""

    def __init__(self, *, soft_wrap: bool = False) -> None:
        super().__init__(soft_wrap=soft_wrap, highlight=False, markup=False)  # file names may hold brackets

    def render_str(self, text: str, **style: Any) -> Text:  # noqa: ANN401 - as rich has it
        """Every text passes here, those in the cells of tables too."""
        return super().render_str(printable(text, keep="\n"), **style)

    def on_broken_pipe(self) -> None:
        """The reader has gone: leave it to the command line to end."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE), _OUTPUT)


def silence_libraries() -> None:
    """Keep off the terminal what libraries remark on the way; what matters of an image or a network is said of it."""
    for library in _LIBRARIES:
        warnings.filterwarnings("ignore", module=rf"{library}\.")
    warnings.showwarning = _show_unless_of_a_library  # filters are lost for a while where a thread changes them
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    logging.getLogger("PIL").propagate = False


def _show_unless_of_a_library(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
    line: str | None = None,
) -> None:  # fmt: skip
    if not any(f"/{library}/" in filename.replace("\\", "/") for library in _LIBRARIES):
        _showwarning(message, category, filename, lineno, file, line)


def bear_any_name() -> None:
    """Let standard output and error spell out what their encoding lacks, and standard input hand on any bytes."""
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="surrogateescape")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Hand on all that was printed, while it can still be said that it is not taken.

    Raises:
        OSError: if standard output does not take it.
    """
    if sys.stdout is None or sys.stdout.closed:
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains once more when it ends
        raise OSError(error.errno, error.strerror, _OUTPUT) from error


def say(sentence: str, *, err: bool = False) -> None:
    """Print a sentence in which names and paths give the terminal no orders; a path alone is data, printed as it is."""
    typer.echo(printable(sentence, keep="\n"), err=err)


def fail(message: str, code: int) -> int:
    """Print why a command ended; the exit code."""
    try:
        print(f"mentum: {printable(message, keep=chr(10))}", file=sys.stderr, flush=True)  # noqa: T201
    except OSError:  # nobody reads it
        return code
    return code


def is_reader_gone(error: BaseException) -> bool:
    """Whether a command ended since what reads its standard output has gone, as `head` does."""
    broken = [each for each in _causes(error) if isinstance(each, OSError) and each.errno == errno.EPIPE]
    return any(each.filename == _OUTPUT for each in broken) or (bool(broken) and _is_broken(1))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_broken(file: int) -> bool:
    """Whether a pipe has lost its reader; a pipe to a process of our own may break as well."""
    if not hasattr(select, "poll"):  # as on Windows, which cannot tell
        return True
    poll = select.poll()
    try:
        poll.register(file, 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except OSError:
        return False
