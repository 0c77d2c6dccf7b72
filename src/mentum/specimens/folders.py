"""Read folders of images as a specimen table: what each level of folders means, and which files are left out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mentum.errors import DataError
from mentum.records import Fault, error, warning
from mentum.specimens.columns import ImageRows
from mentum.specimens.image_files import LeftOut, Reason, some_of, walk_images
from mentum.specimens.layout_choice import ReadsAs, choose_layout
from mentum.specimens.layouts import AUTO, Folders, Layout, SeveralReadingsError
from mentum.taxonomy import Rank, clean_name
from mentum.texts import composed, is_utf8

SUBSETS: Mapping[str, str] = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Spelling of a subset → its name here."""

_TAXONOMY = "taxonomy.csv"

_TODO: Mapping[Reason, str] = {
    Reason.OTHER_FORMAT: "export them as JPEG, PNG or TIFF",
    Reason.BROKEN_LINK: "put the files there that they lead to",
    Reason.LOOP: "remove them",
    Reason.REACHED: "each image counts once; remove the link if it means something else",
    Reason.IRREGULAR: "remove them",
    Reason.UNREADABLE: "check their permissions",
    Reason.NOT_UTF8: "rename them",
}
"""What may be lost without the user's knowing, and what to do; the rest is counted only."""


class _Row(NamedTuple):
    file_name: str
    label: str
    specimen: str | None
    split: str | None
    locality: str | None
    higher: tuple[tuple[Rank, str], ...]


def read_folders(root: Path, layout: str, reads_as: ReadsAs) -> ImageRows:
    """Read folders of images, optionally below train, validation and test.

    Args:
        root: the outermost folder.
        layout: what each level means, such as "genus/species"; "auto" = what the names tell.
        reads_as: the rank of the taxon that a name reads as.

    Raises:
        DataError: if no image lies in a folder, or the folders can be read in two ways.
        SettingsError: if the layout is none.
    """
    left_out = LeftOut()
    files = _find(root, left_out)
    placed = [parts for parts in files if len(_split(parts)[1]) > 0]
    if not placed:
        raise _nothing(root, files, left_out)
    chosen = _layout(root, layout, placed, reads_as)
    rows = [_row(parts, chosen) for parts in files]
    faults = [_unplaced(parts) for parts, row in zip(files, rows, strict=True) if row is None]
    left_out.add(Reason.NO_TAXON, "", sum(row is None for row in rows))
    kept = [row for row in rows if row is not None]
    if not kept:
        raise DataError(f"{root}: no image lies as deep as the layout {chosen} says; give another --layout.")
    faults += [*_faults(root, left_out), *_contradictions(root, chosen, left_out)]
    faults += _of_other_genera(files, chosen)
    example = max((_split(parts)[1] for parts in placed), key=len)
    return ImageRows(
        frame=_frame(kept, with_locality="locality" in chosen.roles),
        faults=faults,
        layout=chosen.describe(example),
        higher={row.label: row.higher for row in kept if row.higher},
        left_out=left_out.in_words(),
    )


def images_in_no_row(root: Path, listed: Sequence[str], tables: Sequence[str]) -> dict[str, int]:
    """Files below the folder of tables that are not used, counted by reason.

    Args:
        root: the folder.
        listed: images in the rows of its tables.
        tables: these, relative to the folder.
    """
    left_out = LeftOut()
    known = {_same(root / name) for name in listed}
    for name in walk_images(str(root), left_out, used={_TAXONOMY, *tables}):
        if _same(Path(name)) not in known:
            left_out.add(Reason.NO_ROW, name)
    return left_out.in_words()


def _same(path: Path) -> str:
    """A path in one spelling: systems differ in how they write letters with accents."""
    return composed(os.path.normpath(path))


def _find(root: Path, left_out: LeftOut) -> list[Folders]:
    """Images below a folder, in parts, sorted; names that no table can hold are left out."""
    found = []
    for name in walk_images(str(root), left_out, top_last=True, used={_TAXONOMY}):
        parts = Path(name).relative_to(root).parts
        if all(map(is_utf8, parts)):
            found.append(parts)
        else:
            left_out.add(Reason.NOT_UTF8, name)
    return sorted(found)


def _split(parts: Folders) -> tuple[str | None, Folders]:
    """The subset that the outermost folder names, and the folders below it."""
    subset = SUBSETS.get(parts[0].lower()) if len(parts) > 2 else None
    return subset, parts[1:-1] if subset else parts[:-1]


def _nothing(root: Path, files: Sequence[Folders], left_out: LeftOut) -> DataError:
    found = f"images directly in it ({len(files)})" if files else "no image"
    more = f" (left out: {left_out})" if left_out.counts else ""
    return DataError(
        f"{root}: found {found}{more}; expected a folder per taxon with images inside, or specimens.csv with the "
        "columns file_name, scientificName and catalogNumber; give one of these."
    )


def _layout(root: Path, layout: str, placed: Sequence[Folders], reads_as: ReadsAs) -> Layout:
    if layout != AUTO:
        return Layout.parse(layout)
    try:
        return choose_layout([_split(parts)[1] for parts in placed], reads_as)
    except SeveralReadingsError as several:
        raise DataError(f"{root}: {several}") from several


def _row(parts: Folders, layout: Layout) -> _Row | None:
    """An image's row; None where no folder names its taxon."""
    subset, folders = _split(parts)
    named = list(zip(layout.roles, folders, strict=False))
    taxa = [(layout.roles[level], clean_name(folders[level])) for level in layout.taxon_levels if level < len(folders)]
    if not taxa:
        return None
    has_specimen = any(role == "specimen" for role, _ in named)
    localities = [name for role, name in named if role == "locality"]
    higher = tuple(
        (Rank(role), name) for role, name in taxa[:-1] if role != "taxon" and Rank(role).depth < Rank.GENUS.depth
    )
    return _Row(
        file_name="/".join(parts),
        label=_label(taxa),
        specimen="/".join(folders) if has_specimen else None,
        split=subset,
        locality=" / ".join(localities) or None,
        higher=higher,
    )


def _label(taxa: Sequence[tuple[str, str]]) -> str:
    """The name of the lowest taxon; an epithet takes the genus, or the species, above it.

    >>> _label([("genus", "Salix"), ("species", "alba")]), _label([("genus", "Salix"), ("species", "S. alba")])
    ('Salix alba', 'Salix alba')
    """
    name = taxa[-1][1]
    above = next((name for role, name in taxa[:-1] if role in {"genus", "species"}), None)
    if above is None or name.casefold().startswith(f"{above.casefold()} "):
        return name
    if (abbreviated := re.fullmatch(r"([A-Z][a-z]{0,2})\. (.+)", name)) and above.startswith(abbreviated[1]):
        return f"{above} {abbreviated[2]}"
    if name[:1].islower():
        return f"{above} {name}"
    return f"{above} {name.lower()}" if name.isalpha() else name


def _of_other_genera(files: Sequence[Folders], layout: Layout) -> list[Fault]:
    """Species whose folder bears the name of another genus than the folder around it."""
    if "genus" not in layout.roles:
        return []
    genus, faults = layout.roles.index("genus"), {}
    for parts in files:
        row, folders = _row(parts, layout), _split(parts)[1]
        if row is None or len(folders) <= genus + 1:
            continue
        if row.label.split()[0] != clean_name(folders[genus]).split()[0]:
            where = "/".join(parts[:-1])
            message = f"reads as '{row.label}' within the genus '{folders[genus]}'; put it into the genus of its name."
            faults[where] = error("other-genus", where, message)
    return list(faults.values())


def _unplaced(parts: Folders) -> Fault:
    message = "lies in no taxon's folder and is left out; move it into the folder of its taxon."
    return warning("unplaced-image", "/".join(parts), message)


def _faults(root: Path, left_out: LeftOut) -> list[Fault]:
    """A warning for each reason by which something may be lost."""
    faults = []
    for reason, todo in _TODO.items():
        if number := left_out.counts[reason]:
            shown = some_of([os.path.relpath(name, root) for name in left_out.examples[reason]], number)
            message = f"{reason.value}: {number} left out ({shown}); {todo}."
            faults.append(warning("left-out", str(root), message))
    return faults


def _contradictions(root: Path, layout: Layout, left_out: LeftOut) -> list[Fault]:
    """Images that links put under two taxa."""
    faults = []
    for name, earlier in left_out.reached:
        one, other = (_label_at(root, each, layout) for each in (name, earlier))
        if one != other and one is not None and other is not None:
            first, second = (Path(each).relative_to(root).as_posix() for each in (earlier, name))
            message = f"the same as {second}, by a link, yet labelled {other} and {one}; expected one taxon per image; "
            faults.append(error("duplicate-across-taxa", first, message + "keep the one that is right."))
    return faults


def _label_at(root: Path, name: str, layout: Layout) -> str | None:
    """The label of an image, or of images in a folder."""
    place = Path(name)
    parts = place.relative_to(root).parts
    found = _row((*parts, "any") if place.is_dir() else parts, layout)
    return found.label if found else None


def _frame(rows: Sequence[_Row], *, with_locality: bool) -> pl.DataFrame:
    columns = ["file_name", "scientificName", "specimen", "split", *(["locality"] if with_locality else [])]
    return pl.DataFrame(
        {name: [row[place] for row in rows] for place, name in enumerate(columns)},
        schema=dict.fromkeys(columns, pl.String),
    )
