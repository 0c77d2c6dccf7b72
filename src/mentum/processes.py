"""Processes that work for this one: they leave signals to it, and end when it does."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, connection, get_context, parent_process

_PATIENCE = 5.0
"""Seconds that a process has to undo what is half-written."""


@contextlib.contextmanager
def worker_pool(n: int) -> Iterator[ProcessPoolExecutor]:
    """New processes; where anything goes wrong here, also by a signal, they undo what is half-written and end.

    Work must be submitted within `signals_kept_back`.
    """
    others = set(active_children())
    with ProcessPoolExecutor(n, mp_context=get_context("spawn"), initializer=_belong) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end([child for child in active_children() if child not in others])
            raise


@contextlib.contextmanager
def signals_kept_back() -> Iterator[None]:
    """Hold back Ctrl-C from processes that start now, for good: the terminal sends it to all, and this one decides."""
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


def _belong() -> None:
    """At the start of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _undo)
    threading.Thread(target=_follow, daemon=True).start()


def _undo(*_: object) -> None:
    """Leave what is being done by an exception, once: what is half-written is then removed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(128 + signal.SIGTERM)


def _follow() -> None:
    """End with the process that asked, however it ended: nobody would take up what is done here."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _end(children: list) -> None:  # type: ignore[type-arg]
    for child in children:
        child.terminate()
    for child in children:
        child.join(_PATIENCE)
        if child.is_alive():
            child.terminate()
