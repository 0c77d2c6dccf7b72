"""The tables of a folder of images: one beside them, or one in the folder of each subset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from mentum.errors import DataError
from mentum.specimens.columns import ImageRows, find_columns, has_images, read_image_rows
from mentum.specimens.rank_columns import find_ranks
from mentum.tables.table_file import TABLE_SUFFIXES, open_table

_SUFFIXES = tuple(suffix for suffix in TABLE_SUFFIXES if suffix != ".txt")


def tables_in(folder: Path, subsets: Iterable[str], assumed: list[str]) -> dict[str, Path]:
    """The tables that say what the images of a folder are: place below the folder → table; none where there is none.

    A table called `specimens` is one; `metadata`, as Hugging Face's image folders call it, where it labels images.

    Args:
        folder: with images.
        subsets: how folders of subsets are called.
        assumed: tables that are not read are said here.
    """
    if beside := _table_in(folder, assumed):
        return {"": beside}
    places = sorted(each.name for each in folder.iterdir() if each.is_dir() and each.name.lower() in set(subsets))
    tables = {place: _table_in(folder / place, assumed) for place in places}
    return {place: table for place, table in tables.items() if table is not None}


def _table_in(folder: Path, assumed: list[str]) -> Path | None:
    specimens = [folder / f"specimens{suffix}" for suffix in _SUFFIXES]
    metadata = [folder / f"metadata{suffix}" for suffix in _SUFFIXES]
    found = [file for file in specimens if file.is_file()] + [
        file for file in metadata if _labels_images(file, assumed)
    ]
    assumed += [f"{file.name} is not read beside {found[0].name}" for file in found[1:]]
    return found[0] if found else None


def _labels_images(file: Path, assumed: list[str]) -> bool:
    if not file.is_file():
        return False
    try:
        frame = open_table(file, has_images).frame
    except DataError as reason:
        assumed.append(str(reason))
        return False
    columns = find_columns(frame)
    labels = "file_name" in columns and ("scientificName" in columns or bool(find_ranks(frame)))
    if not labels:
        assumed.append(f"{file.name} is not read, as it has no column with the images and none with their names")
    return labels


def read_tables(tables: Mapping[str, Path]) -> ImageRows:
    """Read the tables of a folder together; where one names no subset, its folder is the subset.

    Raises:
        DataError: if one is no table, lacks a column, or has no rows.
    """
    if list(tables) == [""]:
        return read_image_rows(tables[""])
    parts = [_placed(read_image_rows(table), place) for place, table in tables.items()]
    listed = ", ".join(f"{place}/{table.name}" for place, table in tables.items())
    said = f"{listed} are read together; the folder is the subset" if len(tables) > 1 else f"{listed} is read"
    return ImageRows(
        frame=pl.concat([part.frame for part in parts], how="diagonal"),
        lineages=tuple(taxon for part in parts for taxon in part.lineages),
        faults=[fault for part in parts for fault in part.faults],
        assumed=[said, *(each for part in parts for each in part.assumed)],
    )


def _placed(rows: ImageRows, place: str) -> ImageRows:
    frame = rows.frame.with_columns(file_name=pl.lit(f"{place}/") + pl.col("file_name"))
    if "split" not in frame.columns:
        frame = frame.with_columns(split=pl.lit(place))
    return replace(rows, frame=frame, assumed=[f"{place}: {each}" for each in rows.assumed])
