"""Which rows of a table can be used: named, found on the disk, given once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from mentum.records import Fault, error, warning
from mentum.specimens.columns import OTHER, ROW, ImageRows
from mentum.specimens.file_names import FileNames
from mentum.tables.delimited import number_list
from mentum.texts import told_apart, visible

_SHOWN = 3


@dataclass
class RowCheck:
    """Goes through the rows of a table.

    Attributes:
        given: the rows; what is wrong, and what is assumed, is added there.
        root: folder that file names are relative to.
        unknown: of each row, what says why its label has no taxon; None where it has one.
        first: file name → the row that names it first.
        repeated: rows that repeat another in every column.
        refused: what is wrong with a label, and the images that bear it.
    """

    given: ImageRows
    root: Path
    unknown: Sequence[Callable[[str], str] | None]
    first: dict[str, int] = field(default_factory=dict)
    repeated: list[int] = field(default_factory=list)
    refused: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @property
    def _frame(self) -> pl.DataFrame:
        return self.given.frame

    def usable(self) -> tuple[list[int], list[str]]:
        """The rows that can be used, and their files as the disk spells them."""
        files, numbers = FileNames(self.root), self._numbers()
        keep, found = [], []
        for row, (name, label) in enumerate(self._frame.select("file_name", "scientificName").iter_rows()):
            where = visible(name) if name else f"row {numbers[row]}"
            known, fault = self._file(row, name, files, where, numbers)
            if fault is not None:
                self.given.faults.append(fault)
            elif known is not None and not self._refuses(row, where, label):
                keep.append(row)
                found.append(known)
        self.given.faults += [_of_label(*what, images) for what, images in self.refused.items()]
        self._say(keep, found, numbers)
        return keep, found

    def _numbers(self) -> list[int]:
        return self._frame[ROW].to_list() if ROW in self._frame.columns else list(range(1, len(self._frame) + 1))

    def _file(
        self, row: int, name: str | None, files: FileNames, where: str, numbers: list[int]
    ) -> tuple[str | None, Fault | None]:
        """The file of a row; neither a file nor a fault where the row only repeats another."""
        if name is None:
            return None, error("no-file-name", where, "the file name is empty; name the image or remove the row.")
        first = self.first.setdefault(name, row)
        if first != row:
            differing = self._differing(first, row)
            if not differing:
                self.repeated.append(row)
                return None, None
            both = f"rows {numbers[first]} and {numbers[row]}"
            message = f"listed in {both}, which differ in {differing}; keep one of them."
            return None, error("listed-twice", where, message)
        found = files.find(name)
        return found, None if found else error("missing-image", where, files.explain(name))

    def _differing(self, one: int, other: int) -> str:
        """What two rows say differently, in words."""
        rows = [self._frame.row(row, named=True) for row in (one, other)]
        columns = [column for column in self._frame.columns if column != ROW and rows[0][column] != rows[1][column]]
        said = (told_apart(*(str(row[column] or "") for row in rows)) for column in columns)
        listed = [
            f"{column.removeprefix(OTHER)} ('{here}' and '{there}')"
            for column, (here, there) in zip(columns, said, strict=True)
        ]
        more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        return ", ".join(listed[:_SHOWN]) + more

    def _refuses(self, row: int, where: str, label: str | None) -> bool:
        """Whether a row's label is none; rows with the same fault are gathered."""
        explain = self.unknown[row]
        if label is None:
            what = "no-label", "scientificName is empty; name the taxon, at whatever rank is certain."
        elif explain is not None:
            what = "unknown-taxon", visible(explain(label))
        else:
            return False
        self.refused.setdefault(what, []).append(where)
        return True

    def _say(self, keep: list[int], found: list[str], numbers: list[int]) -> None:
        if self.repeated:
            listed = number_list("row", [numbers[row] for row in self.repeated])
            message = f"{len(self.repeated)} of {len(self._frame)} rows repeat another one in every column ({listed}); "
            self.given.faults.append(warning("repeated-row", "file_name", message + "they count once."))
        names = self._frame["file_name"]
        otherwise = [row for row, name in zip(keep, found, strict=True) if names[row] != name]
        if otherwise:
            listed = number_list("row", [numbers[row] for row in otherwise])
            self.given.assumed.append(
                f"accents in file names are composed otherwise than on the disk and are taken as equal ({listed})"
            )


def _of_label(code: str, message: str, images: Sequence[str]) -> Fault:
    """One fault for all images that have it."""
    more = len(images) - 1
    others = f" The same in {more} more {'image' if more == 1 else 'images'}." if more else ""
    return error(code, images[0], message + others)
