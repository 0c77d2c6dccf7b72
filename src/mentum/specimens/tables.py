"""Read CSV and Parquet files as people write them."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from mentum.errors import DataError


def read_table(file: Path) -> pl.DataFrame:
    """Read a CSV (comma, semicolon or tab) or Parquet file with all columns as text; blanks become null.

    Raises:
        DataError: if the file cannot be read as a table.
    """
    try:
        raw = pl.read_parquet(file) if file.suffix == ".parquet" else _read_csv(file)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file}: not readable as a table ({str(error).splitlines()[0]}); give CSV or Parquet."
        ) from error
    nested = [name for name, kind in raw.schema.items() if kind.is_nested() or kind == pl.Binary]
    if nested:
        raise DataError(
            f"{file}: column {nested[0]} holds lists or bytes, expected one value in each cell; leave it out."
        )
    text = raw.cast(pl.String).with_columns(pl.all().str.strip_chars())
    return text.with_columns(pl.when(pl.all() != "").then(pl.all()))


def _read_csv(file: Path) -> pl.DataFrame:
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252")
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    return pl.read_csv(io.StringIO(text), separator=separator, infer_schema=False)
