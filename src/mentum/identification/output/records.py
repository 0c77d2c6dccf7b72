"""Identifications without any loss: one whole record per line of JSON, which can be read back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from mentum.errors import DataError
from mentum.files import WRITING, require_regular, whole
from mentum.records import Identification

_AGAIN = "write it again with `mentum identify --format records`"


def write_records(identifications: Iterable[Identification], out: Path) -> None:
    """Write one record per line; the file appears whole or not at all.

    Raises:
        DataError: if the disk refuses.
    """
    try:
        with whole(out, WRITING) as beside, beside.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(each.model_dump_json() + "\n" for each in identifications)
    except OSError as error:
        raise DataError(
            f"{out}: cannot be written ({error.strerror}); make room and give the same command again, nothing is lost."
        ) from error


def read_records(path: str | Path) -> list[Identification]:
    """Read identifications back as they were written, in order; blank lines are passed over.

    Args:
        path: a file that `mentum identify --format records` wrote.

    Raises:
        DataError: if there is no such file, or a line is damaged or is no record, with the number of the line.
    """
    file = Path(path)
    try:
        require_regular(file)
        with file.open("rb") as stream:
            lines = enumerate(stream, start=1)
            return [_record(line, f"{file}, line {number}") for number, line in lines if line.strip()]
    except OSError as error:
        raise DataError(
            f"{file}: cannot be read ({error.strerror}), expected a file by `mentum identify --format records`; "
            "give one."
        ) from error


def _record(line: bytes, where: str) -> Identification:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:  # neither JSON nor UTF-8, or nested without end
        raise DataError(f"{where}: found a damaged line, expected a record in JSON; {_AGAIN}.") from error
    if isinstance(found, dict) and "identificationID" in found:
        raise DataError(
            f"{where}: found a row of a table (--format table), expected a record (--format records); {_AGAIN}."
        )
    try:
        return Identification.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        fault = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        raise DataError(f"{where}: found no record of an identification ({fault}); {_AGAIN}.") from error
