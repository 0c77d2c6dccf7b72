"""Progress while a job runs, on standard error."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from enum import StrEnum

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from mentum.cli.console import say
from mentum.records import Notice, Progress, ProgressCallback, ignore_progress

PLAIN_SECONDS = 20.0
"""Least time between two lines about the same task, in plain progress."""


class Log(StrEnum):
    """How progress is shown, on standard error."""

    AUTO = "auto"
    BARS = "bars"
    PLAIN = "plain"
    JSON = "json"
    QUIET = "quiet"


@contextlib.contextmanager
def shown_progress(log: Log) -> Iterator[ProgressCallback]:
    """Give the callback that shows progress as asked; "auto" is bars on a terminal and nothing elsewhere.

    What the user should know is said in any case.
    """
    with _shown(log) as show:
        yield lambda progress: _say(progress) if _is_notice(progress, log) else show(progress)


def _is_notice(progress: Progress, log: Log) -> bool:
    return isinstance(progress, Notice) and log is not Log.JSON


def _say(notice: Progress) -> None:
    say(f"mentum: {notice.task}", err=True)


@contextlib.contextmanager
def _shown(log: Log) -> Iterator[ProgressCallback]:
    if log is Log.AUTO:
        log = Log.BARS if sys.stderr.isatty() else Log.QUIET
    if log is Log.BARS:
        with _bars() as bars:
            yield _BarDisplay(bars)
    elif log is Log.PLAIN:
        yield _PlainDisplay()
    elif log is Log.JSON:
        yield lambda progress: print(progress.model_dump_json(), file=sys.stderr, flush=True)  # noqa: T201
    else:
        yield ignore_progress


def _bars() -> Bars:
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=8),  # what follows must fit into 80 columns
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True),
    )


class _BarDisplay:
    """One live bar; a task that is done leaves a line above it."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._name = ""
        self._task: TaskID | None = None

    def __call__(self, progress: Progress) -> None:
        if progress.task != self._name or self._task is None:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._name = progress.task
            self._task = self._bars.add_task(progress.task, total=progress.total, figures="")
        self._bars.update(self._task, completed=progress.done, figures=_figures(progress, short=True))
        if progress.done >= progress.total:
            self._bars.console.print(_line(progress), highlight=False, markup=False, soft_wrap=True)
            self._bars.remove_task(self._task)
            self._name, self._task = "", None


class _PlainDisplay:
    """A line when a task is done, and now and then before."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.done >= progress.total or now - self._last > PLAIN_SECONDS:
            self._last = now
            print(_line(progress), file=sys.stderr, flush=True)  # noqa: T201


def _line(progress: Progress) -> str:
    return f"{progress.task}: {progress.done} of {progress.total} {progress.unit}  {_figures(progress)}".rstrip()


def _figures(progress: Progress, *, short: bool = False) -> str:
    shown = [_figure(name, value, short=short) for name, value in progress.figures.items()]
    return (" " if short else "  ").join(shown)


def _figure(name: str, value: float, *, short: bool) -> str:
    """One figure; a speed, such as images/s, reads value first.

    >>> _figure("images/s", 247.3, short=True), _figure("accuracy", 0.98, short=True)
    ('247 images/s', 'accu 0.98')
    """
    if name.endswith("/s"):
        return f"{value:.0f} {name}" if value >= 10 else f"{value:.1f} {name}"
    if short:
        return f"{name[:4]} {value:.2g}"
    return f"{name} {value:.2g}" if name == "rate" else f"{name} {value:.3f}"
