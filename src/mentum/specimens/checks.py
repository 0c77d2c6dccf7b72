"""Check a data set whole before training: every row, every image, every taxon; all faults at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

from mentum.records import (
    CheckReport,
    Fault,
    Progress,
    ProgressCallback,
    SpecimenSize,
    TaxonCount,
    error,
    ignore_progress,
    warning,
)
from mentum.specimens.bit_depth import FULL, SampleDepth, common_depth, in_numbers
from mentum.specimens.crops import measure_specimens
from mentum.specimens.crossings import split_faults
from mentum.specimens.folders import images_in_no_row
from mentum.specimens.images import ImageFacts, inspect
from mentum.specimens.layouts import AUTO
from mentum.specimens.manifest import SpecimenTable, read_specimens
from mentum.taxonomy import Rank, Taxon, Taxonomy, order_of

LOOKED_AT = 100
"""Pictures in which the size of specimens is measured, at most."""
FEW_SPECIMENS = 5
"""A taxon with fewer specimens gets a warning: one fifth of five is one, the least that can be checked on."""


def check_specimens(
    source: Path, progress: ProgressCallback = ignore_progress, layout: str = AUTO, not_taxa: Sequence[str] = ()
) -> CheckReport:
    """Check a data set: its table, every image, its specimens and taxa.

    Args:
        source: what `read_specimens` takes.
        progress: told after each image.
        layout: what each level of folders means.
        not_taxa: labels of classes that are no taxa.

    Raises:
        DataError: if there is nothing to read, or the table lacks a required column.
    """
    table = read_specimens(source, layout, not_taxa)
    found = _inspect_all(table, progress)
    facts = [each for each in found if isinstance(each, ImageFacts)]
    hashes = [each.content_hash if isinstance(each, ImageFacts) else "" for each in found]
    of_images = [*_image_faults(found), *duplicate_faults(table, hashes), *_depth_faults(table, found)]
    faults = [*split_faults(table, hashes), *table.faults, *table_faults(table), *of_images]
    return CheckReport(
        data=str(source),
        n_images=len(table.paths),
        n_specimens=len(set(table.specimens)),
        taxa_per_rank={rank: len(table.taxonomy.answers(rank)) for rank in table.taxonomy.ranks},
        taxa=_taxon_counts(table),
        sizes=_most_frequent(f"{each.width} x {each.height}" for each in facts),
        modes=_most_frequent(each.mode for each in facts),
        imbalance=_imbalance(table),
        faults=tuple(faults),
        assumed=table.assumed,
        layout=table.layout,
        left_out=_left_out(table),
        specimen_size=_specimen_size(table, found),
    )


def _specimen_size(table: SpecimenTable, found: Sequence[ImageFacts | Fault]) -> SpecimenSize | None:
    """How large specimens are, by some pictures that can be read."""
    readable = [(path, each) for path, each in zip(table.paths, found, strict=True) if isinstance(each, ImageFacts)]
    depth = common_depth(each.depth for _, each in readable) or FULL
    return measure_specimens([path for path, _ in readable[:: -(-len(readable) // LOOKED_AT) or 1]], depth)


def _left_out(table: SpecimenTable) -> dict[str, int]:
    """Reason → files that are not used; beside a table that was given on its own, anything may lie."""
    if not table.tables:
        return dict(table.left_out)
    return images_in_no_row(table.root, table.listed, table.tables)


def table_faults(table: SpecimenTable) -> list[Fault]:
    """What the labels and specimens of a table leave wrong: no image is opened."""
    torn = _torn_specimens(table) if table.specimens_named else []
    return [*torn, *_too_few(table), *_open_labels(table), *_skipped_ranks(table.taxonomy)]


def duplicate_faults(table: SpecimenTable, hashes: Sequence[str]) -> list[Fault]:
    """Images with the same bytes: an error where their taxa differ.

    Args:
        table: the data set.
        hashes: `content_hash` of each row's image, "" where it cannot be read.
    """
    rows_of: dict[str, list[int]] = {}
    for row, digest in enumerate(hashes):
        rows_of.setdefault(digest, []).append(row)
    return [_duplicate(table, rows) for digest, rows in rows_of.items() if digest and len(rows) > 1]


def _inspect_all(table: SpecimenTable, progress: ProgressCallback) -> list[ImageFacts | Fault]:
    found = []
    total = len(table.paths)
    with ThreadPoolExecutor() as pool:
        for done, each in enumerate(pool.map(inspect, table.paths, table.file_names), start=1):
            found.append(each)
            progress(Progress(task="checking images", done=done, total=total, unit="images"))
    return found


def _image_faults(found: Sequence[ImageFacts | Fault]) -> list[Fault]:
    return [fault for each in found for fault in (each.faults if isinstance(each, ImageFacts) else (each,))]


def _depth_faults(table: SpecimenTable, found: Sequence[ImageFacts | Fault]) -> list[Fault]:
    """At which depth the images with more than 8 bits in a sample are read, and which of them that leaves dark."""
    deep = {
        name: facts.depth
        for name, facts in zip(table.file_names, found, strict=True)
        if isinstance(facts, ImageFacts) and facts.depth is not None
    }
    stated = Counter(depth.needed for depth in deep.values() if depth.stated)
    faults = [
        warning(
            "16-bit-image", str(table.source), f"images that state to use {in_numbers(bits)}, and are read so: {n}."
        )
        for bits, n in stated.items()
    ]
    common = common_depth(deep.values())
    if common is not None:
        dark = [name for name, depth in deep.items() if depth.is_dark(common)]
        faults += [depth_fault(str(table.source), common), *(_dark(name, deep[name], common) for name in dark)]
    return faults


def depth_fault(where: str, depth: int) -> Fault:
    """At which depth 16-bit images are read, and why."""
    why = "the fewest that hold all of their values, in training and in identification"
    return warning(
        "16-bit-image",
        where,
        f"its 16-bit images are taken for {in_numbers(depth)}, {why}; if the camera uses others, set pixels.depth.",
    )


def _dark(name: str, depth: SampleDepth, common: int) -> Fault:
    message = (
        f"its values need no more than {in_numbers(depth.needed)}, so it is nearly black beside images that use "
        f"{in_numbers(common)}; scale it likewise, or save it in 8 bit."
    )
    return warning("dark-image", name, message)


def _torn_specimens(table: SpecimenTable) -> list[Fault]:
    labels_of: dict[str, set[Taxon]] = {}
    for specimen, label in zip(table.specimens.tolist(), table.labels, strict=True):
        labels_of.setdefault(specimen, set()).add(label)
    return [
        error(
            "specimen-two-taxa",
            specimen,
            f"one specimen labelled {_named(labels)}; expected one taxon; correct the labels or the catalogNumber.",
        )
        for specimen, labels in labels_of.items()
        if not _agree(labels)
    ]


def _agree(labels: Iterable[Taxon]) -> bool:
    """Whether labels may mean the same taxon: of any two, one is the other or lies within it."""
    return all(one.is_within(other) or other.is_within(one) for one, other in combinations(set(labels), 2))


def _named(taxa: Iterable[Taxon]) -> str:
    return " and ".join(taxon.name for taxon in sorted(taxa, key=order_of))


def _specimens_of(table: SpecimenTable) -> dict[Taxon, set[str]]:
    """Specimens under each label."""
    specimens: dict[Taxon, set[str]] = {}
    for specimen, label in zip(table.specimens.tolist(), table.labels, strict=True):
        specimens.setdefault(label, set()).add(specimen)
    return specimens


def _too_few(table: SpecimenTable) -> list[Fault]:
    taxonomy = table.taxonomy
    closed = [leaf for leaf in taxonomy.leaves if leaf not in taxonomy.open_leaves]
    specimens = _specimens_of(table)
    counts = {leaf: len(specimens[leaf]) for leaf in closed}
    faults = [_few(leaf, count) for leaf, count in counts.items() if count < FEW_SPECIMENS]
    if not taxonomy.ranks:
        taxa = [leaf.name for leaf in closed if leaf.is_a_taxon]
        found = f"only {taxa[0]}" if taxa else "no taxon"
        message = f"found {found} in the rows that can be used; expected two taxa or more; add another taxon."
        faults.append(error("one-taxon", str(table.source), message))
    return faults


def _few(taxon: Taxon, count: int) -> Fault:
    if count == 1:
        message = "found one specimen, which cannot be both learned and checked; expected two or more; add specimens, "
        return error("too-few-specimens", taxon.name, message + "label it at a higher rank or leave it out.")
    message = f"found {count} specimens; expected {FEW_SPECIMENS} or more; its accuracy will be very uncertain."
    return warning("few-specimens", taxon.name, message)


def _open_labels(table: SpecimenTable) -> list[Fault]:
    """Images whose label leaves open which of the taxa within it they are."""
    images, taxonomy = Counter(table.lowest), table.taxonomy
    return [
        _open(label, images[label], [leaf for leaf in taxonomy.leaves if leaf != label and leaf.is_within(label)])
        for label in sorted(taxonomy.open_leaves, key=order_of)
    ]


def _open(label: Taxon, n: int, below: Sequence[Taxon]) -> Fault:
    images, them = ("1 image is", "it teaches and counts") if n == 1 else (f"{n} images are", "they teach and count")
    within = below[0].name if len(below) == 1 else f"any of the {len(below)} taxa named within it"
    message = f"{images} labelled to {label.rank} only; {them} at {label.rank} rank and above, never as {within}."
    return warning("open-label", label.name, message)


def _skipped_ranks(taxonomy: Taxonomy) -> list[Fault]:
    return [_skipped(rank, [leaf for leaf in taxonomy.leaves if _lacks(leaf, rank)]) for rank in taxonomy.skipped_ranks]


def _lacks(leaf: Taxon, rank: Rank) -> bool:
    return leaf.rank.depth > rank.depth and rank not in leaf.lineage


def _skipped(rank: Rank, leaves: Sequence[Taxon]) -> Fault:
    names = [leaf.name for leaf in leaves[:3]] + ([f"{len(leaves) - 3} more"] if len(leaves) > 3 else [])
    message = f"no {rank} is named for {', '.join(names)}; the {rank} is left out of every table, as not all taxa have "
    return warning("skipped-rank", rank, message + "one; name it in taxonomy.csv where there is one.")


def _duplicate(table: SpecimenTable, rows: Sequence[int]) -> Fault:
    first, *others = [table.file_names[row] for row in rows]
    labels = {table.labels[row] for row in rows}
    same = f"the same bytes as {', '.join(others)}"
    if _agree(labels):
        message = f"{same}; the copy counts twice and may stand on both sides of a split; keep one."
        return warning("duplicate-image", first, message)
    message = f"{same}, yet labelled {_named(labels)}; expected one taxon per image; keep the row that is right."
    return error("duplicate-across-taxa", first, message)


def _taxon_counts(table: SpecimenTable) -> tuple[TaxonCount, ...]:
    images = Counter(table.labels)
    specimens = _specimens_of(table)
    return tuple(
        TaxonCount(
            scientific_name=label.name, rank=label.rank, n_images=images[label], n_specimens=len(specimens[label])
        )
        for label in sorted(images, key=order_of)
    )


def _imbalance(table: SpecimenTable) -> float:
    images = Counter(table.labels)
    sizes = [images[leaf] for leaf in table.taxonomy.leaves]
    return max(sizes) / min(sizes) if sizes else 1.0


def _most_frequent(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
