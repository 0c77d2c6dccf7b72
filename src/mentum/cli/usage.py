"""Faults of a command line, each in a sentence: which option, what was found, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperCommand, TyperGroup

from mentum.errors import SettingsError
from mentum.settings.faults import expected, shortened
from mentum.texts import visible

_UsageError: Any = typer.BadParameter.__base__
"""Every fault of usage that the parser finds; Typer gives it no name of its own."""

LONGEST = 200
"""Characters of the parser's own sentence that are shown."""

PATHS = frozenset(
    f"--{name}"
    for name in (
        "out", "cache", "data", "characters", "outlines", "crossvalidation", "heatmaps", "archive", "with", "compare",
        "sign",
    )
)  # fmt: skip
"""Options that take the path of a file or a folder."""

_EMPTY = "found an empty text, expected the name of a file or a folder; give one."


class Commands(TyperGroup):
    """The commands; what their options cannot be is said as of any other material of a user."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - as Typer has it
        """What stands before the command."""
        with _said_in_a_sentence():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as Typer has it
        """The command with its options."""
        with _said_in_a_sentence():
            return super().invoke(ctx)


class Task(TyperCommand):
    """One command; a path without a letter is no path, though Python takes it for the folder where one stands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - as Typer has it
        """The options and arguments."""
        with_value = {
            opt for param in self.params if not getattr(param, "is_flag", False) for opt in param.opts if opt[0] == "-"
        }
        for before, word in zip(["", *args], args, strict=False):
            option, separator, value = word.partition("=")
            where = option if separator and not value else before if not word else ""
            if where in PATHS:
                raise SettingsError(f"{where}: {_EMPTY}")
            if not word and where not in with_value:
                raise SettingsError(f"an argument: {_EMPTY}")
        return super().parse_args(ctx, args)


@contextmanager
def _said_in_a_sentence() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the help, for a command without a word more
            raise
        raise SettingsError(sentence(error)) from error


def sentence(error: Any) -> str:  # noqa: ANN401 - has no public type
    """What is wrong with a command line, and what to do."""
    command = error.ctx.info_name if error.ctx is not None and error.ctx.parent is not None else None
    called = f"mentum {command}" if command else "mentum"
    help_ = f"`{called} --help` tells more"
    said = _without_end(visible(error.format_message()))
    if isinstance(error.__cause__, ValidationError):
        return f"{_where(error)}: {_found(error, error.__cause__)}; {help_}."
    if getattr(error, "possibilities", None):
        near = ", ".join(sorted(error.possibilities))
        return f"{_without_end(visible(error.message))}; did you mean {near}? {help_}."
    if said.lower().startswith("no such command"):
        name, _, nearest = said.partition(". ")
        return f"{name}; " + (
            f"{nearest[:1].lower()}{nearest[1:]} {help_}." if nearest else "give one that `mentum --help` lists."
        )
    return f"{said}; {_act(said)}; {help_}."


def _where(error: Any) -> str:  # noqa: ANN401 - has no public type
    opts = getattr(error.param, "opts", None) or ["value"]
    return str(max(opts, key=len))


def _found(error: Any, cause: ValidationError) -> str:  # noqa: ANN401 - has no public type
    fault = cause.errors()[0]
    asked = expected(fault)
    before, choice, listed = asked.partition("is not one of ")
    if choice:
        asked = f"one of {_without_end(listed)}"
    elif fault["type"] == "value_error":
        asked = _without_end(before)
    elif "number" in asked:
        is_whole = fault["type"].startswith("int") or isinstance(getattr(error.param, "min", None), int)
        asked = ("a whole number" if is_whole else "a number") + _ends(error.param, asked)
    return f"found {shortened(fault['input'])}, expected {asked}; give one"


def _ends(param: Any, asked: str) -> str:  # noqa: ANN401 - has no public type
    low, high = getattr(param, "min", None), getattr(param, "max", None)
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of {low} or more"
    return f" of {high} or less" if high is not None else asked.partition("number")[2]


def _act(said: str) -> str:
    """What helps against what the parser says in its own words."""
    lower = said.lower()
    for sign, act in (
        ("requires an argument", "give one"),
        ("requires ", "give that many"),
        ("missing", "give it"),
        ("does not take a value", "give it without"),
        ("unexpected extra", "leave out what is too much"),
        ("no such option", "give one that the command has"),
    ):
        if sign in lower:
            return act
    return "correct it"


def _without_end(text: str) -> str:
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return cut.strip().rstrip(".")
