"""Tables in lines of JSON, an object per row."""

from __future__ import annotations

import json
from pathlib import Path

from mentum.errors import DataError
from mentum.tables.delimited import Cells
from mentum.texts import visible


def read_json_lines(file: Path, content: bytes, _: list[str]) -> Cells:
    """Read a table of one object per line; keys are columns, a key that a line lacks is a blank cell.

    Raises:
        DataError: if a line is no object, or a value is a list or an object.
    """
    lines = content.decode("utf-8-sig", "replace").rstrip("\n").split("\n")
    rows = [_row(file, number, line) for number, line in enumerate(lines, 1)]
    header = list(dict.fromkeys(key for row in rows for key in row))
    return Cells(header, [[row.get(name, "") for name in header] for row in rows])


def _row(file: Path, number: int, line: str) -> dict[str, str]:
    try:
        return {key: _cell(value) for key, value in json.loads(line).items()} if line.strip() else {}
    except (ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{file}: not readable as a table (line {number}: {visible(str(error))}); give an object per line, with "
            "one value for each key."
        ) from error


def _cell(value: object) -> str:
    if isinstance(value, list | dict):
        raise ValueError("a value is a list or an object")
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
