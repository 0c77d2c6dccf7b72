"""Tell which modules of Mentum a command goes through.

    python tools/way.py report RUN
    python tools/way.py export RUN --out MODEL

The command runs in this process. Printed are its modules in the order of the first visit, then how many modules, how
many pairs of a calling and a called module, and how often a call crossed from one module into another.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import CO_OPTIMIZED
from types import FrameType


@dataclass
class Way:
    """Modules in the order of the first visit, and crossings by calling and called module."""

    modules: dict[str, None] = field(default_factory=dict)
    crossings: Counter[tuple[str, str]] = field(default_factory=Counter)

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """Take down a call, as `sys.setprofile` tells of it; the body of a module or class counts for none."""
        called = _module(frame)
        is_function = frame.f_code.co_flags & CO_OPTIMIZED  # unlike the body of a module or class that is imported
        calling = _module(frame.f_back)
        if event != "call" or called is None or not is_function or calling == called:
            return
        self.modules.setdefault(called)
        if calling is not None:
            self.crossings[calling, called] += 1


def _module(frame: FrameType | None) -> str | None:
    name = frame.f_globals.get("__name__", "") if frame else ""
    return name if isinstance(name, str) and name.partition(".")[0] == "mentum" else None


def follow(command: Callable[[], object]) -> Way:
    """Run a command in this thread and take down its way; a command that ends by `SystemExit` is done."""
    way = Way()
    sys.setprofile(way.note)
    try:
        command()
    except SystemExit:
        pass
    finally:
        sys.setprofile(None)
    return way


def main(arguments: Sequence[str]) -> None:
    """Follow a command of Mentum and print its way."""
    from mentum.cli import app

    way = follow(lambda: app(list(arguments)))
    print(*way.modules, sep="\n")
    print(f"{len(way.modules)} modules, {len(way.crossings)} pairs, {sum(way.crossings.values())} crossings")


if __name__ == "__main__":
    main(sys.argv[1:])
