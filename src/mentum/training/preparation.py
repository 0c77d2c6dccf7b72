"""From a user's data to what training needs: a faultless table, pixels, subsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mentum.errors import DataError
from mentum.files import hash_together
from mentum.records import Fault, ProgressCallback, Severity
from mentum.runs import DataRecord, hash_table
from mentum.settings import Settings
from mentum.specimens.bit_depth import FULL
from mentum.specimens.checks import depth_fault, duplicate_faults, table_faults
from mentum.specimens.crossings import alike_faults, split_faults
from mentum.specimens.manifest import SpecimenTable, read_specimens
from mentum.specimens.pixels import PixelCache, hash_images, open_cache
from mentum.specimens.splits import split_specimens
from mentum.taxonomy import Rank, Taxonomy

_SHOWN_FAULTS = 30


@dataclass(frozen=True)
class Prepared:
    """Data that a training can learn from.

    Attributes:
        subsets: (N,) str: "train", "validation" or "test".
        warnings: what the user should know, in words.
        taxonomy: the tree that is learned.
    """

    table: SpecimenTable
    pixels: PixelCache
    subsets: NDArray[np.str_]
    warnings: tuple[str, ...]
    taxonomy: Taxonomy

    def rows(self, subset: str) -> NDArray[np.int64]:
        """Image numbers of a subset."""
        return np.flatnonzero(self.subsets == subset)

    def record(self) -> DataRecord:
        """The data, for the run's record."""
        counts = {
            subset: self._count(subset) for subset in dict.fromkeys(("train", "validation", *self.subsets.tolist()))
        }
        return DataRecord(
            source=str(self.table.source),
            table_hash=hash_table(self.frame()),
            content_hash=self.pixels.content_hash,
            counts=counts,
            specimens_named=self.table.specimens_named,
            warnings=self.warnings,
            layout=self.table.layout,
        )

    def _count(self, subset: str) -> tuple[int, int]:
        rows = self.rows(subset)
        return len(rows), len(set(self.table.specimens[rows].tolist()))

    def frame(self) -> pl.DataFrame:
        """The specimen table with subset and a column per rank."""
        return _frame(self.table, self.subsets)


def _frame(table: SpecimenTable, subsets: NDArray[np.str_]) -> pl.DataFrame:
    lineages = [label.lineage for label in table.labels]
    ranks = {str(rank): pl.Series([each.get(rank) for each in lineages], dtype=pl.String) for rank in Rank}
    return table.frame.drop("split").with_columns(pl.Series("subset", subsets.tolist())).with_columns(**ranks)


def prepare(data: Path, settings: Settings, cache: Path, report: ProgressCallback) -> Prepared:
    """Read, check and split a data set, and open its pixel cache.

    Raises:
        DataError: listing all faults.
    """
    table = read_specimens(data, settings.specimens.layout, settings.specimens.not_taxa)
    faults = [*table.faults, *table_faults(table)]
    refuse(table, faults)  # before the slow part
    pixels = open_cache(table.paths, settings.pixels, cache, report)
    hashes = list(pixels.content_hashes)
    faults += [*_assumed_depth(table, settings, pixels), *_crops(table, pixels), *duplicate_faults(table, hashes)]
    refuse(table, faults)
    if settings.split.policy == "column":
        faults = [*split_faults(table, hashes), *alike_faults(table, pixels.pixels), *faults]
    subsets = split_specimens(table, settings.split, settings.seed)
    taxonomy = table.learned(subsets == "train")
    _require_training_images(table, taxonomy)
    warnings = tuple(f"{fault.where}: {fault.message}" for fault in faults)
    return Prepared(table, pixels, subsets, warnings, taxonomy)


def hash_data(data: Path, settings: Settings) -> tuple[str, str]:
    """The hashes of the table and of the images that a training on a data set would record, without its pixels.

    Raises:
        DataError: listing all faults.
    """
    table = read_specimens(data, settings.specimens.layout, settings.specimens.not_taxa)
    refuse(table, [*table.faults, *table_faults(table)])
    subsets = split_specimens(table, settings.split, settings.seed)
    return hash_table(_frame(table, subsets)), hash_together(hash_images(table.paths))


def _assumed_depth(table: SpecimenTable, settings: Settings, pixels: PixelCache) -> list[Fault]:
    found = pixels.settings.depth
    return [] if found in {settings.pixels.depth, FULL, "auto"} else [depth_fault(str(table.source), int(found))]


def _crops(table: SpecimenTable, pixels: PixelCache) -> list[Fault]:
    return [pixels.crops.fault(str(table.source), table.file_names)] if pixels.crops else []


def refuse(table: SpecimenTable, faults: Sequence[Fault]) -> None:
    """Stop at errors, with all of them.

    Raises:
        DataError: if any fault is an error.
    """
    errors = [fault for fault in faults if fault.severity is Severity.ERROR]
    if errors:
        listed = "\n".join(f"  {fault.where}: {fault.message}" for fault in errors[:_SHOWN_FAULTS])
        more = f"\n  and {len(errors) - _SHOWN_FAULTS} more; see `mentum check`" if len(errors) > _SHOWN_FAULTS else ""
        plural = "s" if len(errors) > 1 else ""
        raise DataError(f"{table.source}: {len(errors)} fault{plural} to fix before training:\n{listed}{more}")


def _require_training_images(table: SpecimenTable, learned: Taxonomy) -> None:
    """Of every taxon; what a label leaves open may have none, as the taxa within it are learned."""
    absent = [leaf.name for leaf in table.taxonomy.leaves if not learned.knows(leaf)]
    if absent:
        raise DataError(
            f"{table.source}: the split leaves no training image of {', '.join(absent[:10])}; give each taxon at "
            "least one specimen for training, or remove it."
        )
