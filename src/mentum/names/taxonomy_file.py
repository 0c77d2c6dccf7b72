"""Read `taxonomy.csv`: taxa with their ranks and lineages, as the user gives them."""

from __future__ import annotations

from pathlib import Path

from mentum.records import Fault, error
from mentum.tables.table_file import read_table
from mentum.taxonomy import TAXON_RANKS, Taxon, taxon_from_row
from mentum.texts import visible

_COLUMNS = {name.lower(): name for name in ("scientificName", "taxonRank", *TAXON_RANKS)}


def read_taxonomy(file: Path, faults: list[Fault]) -> tuple[Taxon, ...]:
    """Read `taxonomy.csv`: scientificName, taxonRank and a column per higher rank.

    Args:
        file: may be absent, then there are no taxa.
        faults: what is wrong is added here.
    """
    if not file.is_file():
        return ()
    frame = read_table(file)
    frame = frame.rename({column: _COLUMNS.get(column.lower(), column) for column in frame.columns})
    needed = [name for name in ("scientificName", "taxonRank") if name not in frame.columns]
    if needed:
        message = f"found the columns {', '.join(frame.columns)}; expected also {', '.join(needed)}; add them."
        faults.append(error("taxonomy-column", str(file), message))
        return ()
    rows = enumerate(frame.iter_rows(named=True), start=1)
    return tuple(taxon for number, row in rows if (taxon := _read_row(f"{file} row {number}", row, faults)))


def _read_row(where: str, row: dict[str, str | None], faults: list[Fault]) -> Taxon | None:
    if not row["scientificName"]:
        message = "scientificName is empty; name the taxon or remove the row."
    else:
        try:
            return taxon_from_row(row)
        except ValueError:
            found, known = visible(row["taxonRank"] or ""), ", ".join(TAXON_RANKS)
            message = f"found the rank '{found}'; expected one of {known}; correct it or remove the row."
    faults.append(error("taxonomy-row", where, message))
    return None
