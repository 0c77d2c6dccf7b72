"""What is wrong with a value, in our own words: where it stands, what was found, what was expected, what to do."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mentum.texts import visible

LONGEST = 60
"""Characters of a value that are shown."""

EXPECTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "int_type": lambda _: "a whole number",
    "int_parsing": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "int_parsing_size": lambda _: "a whole number",
    "float_type": lambda _: "a number",
    "float_parsing": lambda _: "a number",
    "finite_number": lambda _: "a finite number",
    "greater_than": lambda about: f"a number above {_figure(about['gt'])}",
    "greater_than_equal": lambda about: f"a number of {_figure(about['ge'])} or more",
    "less_than": lambda about: f"a number below {_figure(about['lt'])}",
    "less_than_equal": lambda about: f"a number of {_figure(about['le'])} or less",
    "literal_error": lambda about: f"one of {_choices(about['expected'])}",
    "enum": lambda about: f"one of {_choices(about['expected'])}",
    "string_type": lambda _: "a text",
    "string_unicode": lambda _: "a text in UTF-8",
    "string_too_short": lambda _: "a text that is not empty",
    "string_too_long": lambda about: f"a text of {about['max_length']} characters at most",
    "bool_type": lambda _: "true or false",
    "bool_parsing": lambda _: "true or false",
    "tuple_type": lambda _: "a list in square brackets",
    "list_type": lambda _: "a list in square brackets",
    "too_short": lambda about: f"{about['min_length']} values or more",
    "too_long": lambda about: f"{about['max_length']} values",
    "missing": lambda _: "a value",
    "dict_type": lambda _: "a table of keys and values",
    "model_type": lambda _: "a table of keys and values",
    "model_attributes_type": lambda _: "a table of keys and values",
    "invalid_key": lambda _: "a text as key",
    "value_error": lambda about: str(about["error"]),
    "path_type": lambda _: "a path",
}
"""Type of an error of pydantic → what was expected, from what it says of the error."""


def in_words(fault: ErrorDetails, record: type[BaseModel]) -> str:
    """One clause of a sentence about a fault, which says what to do.

    Args:
        fault: as pydantic reports it.
        record: what was to be read.

    >>> from pydantic import Field, ValidationError
    >>> class Plate(BaseModel):
    ...     width: Annotated[int, Field(ge=1, le=90)]
    ...     model_config = {"extra": "forbid"}
    >>> try:
    ...     Plate.model_validate({"width": 99, "height": 1})
    ... except ValidationError as error:
    ...     for fault in error.errors():
    ...         print(in_words(fault, Plate))
    width: found 99, expected a whole number from 1 to 90; give one
    height: unknown key; did you mean 'width'? Correct or remove it
    """
    where = visible(".".join(map(str, fault["loc"]))) or "settings"
    if fault["type"] == "extra_forbidden":
        keys = _keys_of(record, fault["loc"][:-1])
        nearest = difflib.get_close_matches(str(fault["loc"][-1])[:LONGEST], keys, n=1, cutoff=0.0)
        return f"{_cut(where)}: unknown key; did you mean '{nearest[0]}'? Correct or remove it"
    asked = expected(fault, _annotation_at(record, fault["loc"]))
    if fault["type"] == "missing":
        inside = isinstance(fault["input"], (list, tuple))
        found = f"found {shortened(fault['input'])}, which is too short" if inside else "not found"
        return f"{_cut(where)}: {found}, expected {asked}; {'give one more' if inside else 'add it'}"
    return f"{_cut(where)}: found {shortened(fault['input'])}, expected {asked}; give {_pronoun(asked)}"


def expected(fault: ErrorDetails, annotation: object = None) -> str:
    """What should have been there instead.

    Args:
        fault: as pydantic reports it.
        annotation: of the value, whose range is named where it has one.
    """
    about = fault.get("ctx", {})
    known = EXPECTED.get(fault["type"])
    said = known(about) if known else f"something else ({fault['msg'][:1].lower()}{fault['msg'][1:]})"
    ends = _range(annotation)
    if not ends or not said.startswith(("a number", "a whole number", "a finite number", "a value")):
        return said
    return f"{'a whole number' if _bare(annotation) is int else 'a number'} {ends}"


def shortened(value: object) -> str:
    """A value for a message, not longer than a line.

    >>> shortened("x" * 500)[-3:], shortened(0x10**9000)
    ('xx…', 'a number of more than 4000 digits')
    """
    if isinstance(value, int) and value.bit_length() > 13_000:  # Python itself refuses to write it
        return "a number of more than 4000 digits"
    if isinstance(value, (str, int, float)) or value is None:
        return _cut(visible(repr(value)))
    return _cut(visible(_BRIEF.repr(value)))


_BRIEF = reprlib.Repr()
_BRIEF.maxlevel, _BRIEF.maxlong, _BRIEF.maxstring = 4, LONGEST, LONGEST


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _pronoun(asked: str) -> str:
    return "one" if asked.startswith(("a ", "one ")) else "that"


def _choices(listed: str) -> str:
    """`'a', 'b' or 'c'` as pydantic lists choices."""
    return listed.replace(" or ", ", ") if listed.count("'") > 4 else listed


def _figure(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def _keys_of(record: type[BaseModel], way: tuple[int | str, ...]) -> list[str]:
    for key in way:
        annotation = record.model_fields[str(key)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return [str(key)]
        record = annotation
    return list(record.model_fields)


def _annotation_at(record: type[BaseModel], way: tuple[int | str, ...]) -> object:
    """The annotation of the value that lies there; None where it cannot be told."""
    annotation: Any = record
    for key in way:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(key))
            annotation = field and (
                Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            )
        else:
            items = [each for each in get_args(_bare(annotation)) if each is not Ellipsis]
            annotation = items[min(key, len(items) - 1)] if isinstance(key, int) and items else None
    return annotation


def _bare(annotation: object) -> object:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _constraints(annotation: object) -> Iterator[object]:
    while get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
        for mark in marks:
            yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)


def _range(annotation: object) -> str:
    """Both ends of a range, in words; "" where there is none."""
    low = high = ""
    for mark in _constraints(annotation):
        if isinstance(mark, Ge):
            low = f"from {mark.ge}"
        elif isinstance(mark, Gt):
            low = f"above {mark.gt}"
        elif isinstance(mark, Le):
            high = f"to {mark.le}" if low.startswith("from") else f"and up to {mark.le}"
        elif isinstance(mark, Lt):
            high = f"to below {mark.lt}" if low.startswith("from") else f"and below {mark.lt}"
    return f"{low} {high}".strip()
