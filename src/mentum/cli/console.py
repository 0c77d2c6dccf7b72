"""The terminal: what a user's names and paths may not do to it."""

from __future__ import annotations

import errno
import logging
import sys
import warnings
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from mentum.texts import printable

_LIBRARIES = ("PIL", "torch", "transformers")
_showwarning = warnings.showwarning


class VisibleConsole(Console):
    """Prints texts as they are, without mark-up; what a terminal would take for an order is spelt out."""

    def __init__(self, *, soft_wrap: bool = False) -> None:
        super().__init__(soft_wrap=soft_wrap, highlight=False, markup=False)  # file names may hold brackets

    def render_str(self, text: str, **style: Any) -> Text:  # noqa: ANN401 - as rich has it
        """Every text passes here, those in the cells of tables too."""
        return super().render_str(printable(text, keep="\n"), **style)


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


def describe(error: OSError) -> str:
    """One sentence about a file that could not be read or written: where, what happened, what to do."""
    where = f"{error.filename}: " if error.filename is not None else ""
    reason = error.strerror or str(error) or type(error).__name__
    todo = {
        errno.ENOSPC: "; make room on the disk and give the same command again",
        errno.EDQUOT: "; make room on the disk and give the same command again",
        errno.EFBIG: "; make room on the disk and give the same command again",
        errno.EACCES: "; check the permissions, or give another place",
        errno.EROFS: "; give another place",
        errno.ENAMETOOLONG: "; give a shorter name",
    }.get(error.errno or 0, "")
    return f"{where}{reason}{todo}."
