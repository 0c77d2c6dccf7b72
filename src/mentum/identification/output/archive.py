"""A Darwin Core Archive of identifications, as GBIF takes it.

One occurrence per specimen (`occurrence.txt`), every identification that names a taxon (`identification.txt`), every
image (`multimedia.txt`). Source: Darwin Core text guide, https://dwc.tdwg.org/text; GBIF's EML profile 1.1.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from mentum.errors import DataError
from mentum.files import scratch
from mentum.identification.output.darwin_core import (
    INCERTAE_SEDIS,
    OCCURRENCE_TERMS,
    TERMS,
    Agent,
    darwin_core,
    is_named,
    occurrence_terms,
)
from mentum.identification.output.dataset import BASES_OF_RECORD, Dataset, occurrence_id, require_licence
from mentum.identification.output.eml import Tables, describe_dataset, describe_tables, write_xml
from mentum.identification.output.media import addresses, image_format
from mentum.identification.output.writing import apart, digest, growing, one_line
from mentum.records import Identification, Status

_MEDIA_TERMS = ("type", "format", "identifier", "description", "license", "rightsHolder")


def write_archive(identifications: Iterable[Identification], agent: Agent, about: Dataset, out: Path) -> None:
    """Write identifications as a Darwin Core Archive; the file appears whole or not at all.

    Several identifications of one specimen (`occurrenceID`, else its catalogue number) make one occurrence, which takes
    the first one that defends a name. An occurrence without any is "incertae sedis" and has no row among the
    identifications; what was said of each image stands in its description. Rows pass through one at a time; 16 bytes
    per occurrence are kept.

    Raises:
        DataError: if there is nothing to write, no licence is stated, a basis of record is none of GBIF's, or the disk
            refuses.
    """
    require_licence(about, out)
    with growing(out) as beside, scratch(out) as folder:
        latest = _write_tables(apart(identifications), agent, about, folder)
        if latest is None:
            raise DataError(f"{out}: found no identification to write, expected at least one; identify images first.")
        write_xml(describe_tables(_TABLES), folder / "meta.xml")
        write_xml(describe_dataset(agent, about, latest), folder / "eml.xml")
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("meta.xml", "eml.xml", *_TABLES):
                archive.write(folder / name, name)


_CORE_COLUMNS = ("id", *OCCURRENCE_TERMS, *TERMS)
_TABLES: Tables = {
    "occurrence.txt": ("http://rs.tdwg.org/dwc/terms/Occurrence", _CORE_COLUMNS),
    "identification.txt": ("http://rs.tdwg.org/dwc/terms/Identification", ("coreid", *TERMS)),
    "multimedia.txt": ("http://rs.gbif.org/terms/1.0/Multimedia", ("coreid", *_MEDIA_TERMS)),
}


def _write_tables(
    identifications: Iterable[Identification], agent: Agent, about: Dataset, folder: Path
) -> datetime | None:
    """Write all tables; the result is when the last identification was made."""
    latest: datetime | None = None
    with ExitStack() as stack:
        core, names, media = (stack.enter_context(_table(folder / name, _TABLES[name][1])) for name in _TABLES)
        # Whether an occurrence stays without a name is known at the end only: such rows wait in a file.
        waiting = stack.enter_context((folder / "waiting").open("w+", encoding="utf-8", newline=""))
        written: set[bytes] = set()
        for each in identifications:
            if each.status is Status.NOT_A_TAXON:  # debris is no occurrence of anything
                continue
            key = occurrence_id(each, about)
            terms = darwin_core(each, agent)
            if not is_named(each):
                _write_row(waiting, _core_row(each, key, terms, about))
            elif digest(key) not in written:
                written.add(digest(key))
                _write_row(core, _core_row(each, key, terms, about))
            if is_named(each):
                _write_row(names, (key, *(terms[term] for term in TERMS)))
            _write_media(each, (key, about.media_url), terms, media)
            moment = each.date_identified.astimezone(UTC)
            latest = moment if latest is None else max(latest, moment)
        waiting.seek(0)
        for line in waiting:
            mark = digest(line.partition("\t")[0])
            if mark not in written:
                written.add(mark)
                core.write(line)
    return latest


def _table(file: Path, columns: Iterable[str]) -> TextIO:
    stream = file.open("w", encoding="utf-8", newline="")
    _write_row(stream, columns)
    return stream


def _write_row(stream: TextIO, cells: Iterable[str]) -> None:
    stream.write("\t".join(map(one_line, cells)) + "\n")


def _core_row(identification: Identification, key: str, terms: Mapping[str, str], about: Dataset) -> list[str]:
    row = {**occurrence_terms(identification), **terms}
    row["occurrenceID"] = key
    row["basisOfRecord"] = _basis_of_record(identification, about)
    row["scientificName"] = row["scientificName"] or INCERTAE_SEDIS
    return [key, *(row[column] for column in _CORE_COLUMNS[1:])]


def _basis_of_record(identification: Identification, about: Dataset) -> str:
    """As in the user's table, where capitals, blanks and underscores do not matter."""
    given = identification.occurrence.get("basisOfRecord", "").strip()
    if not given:
        return about.basis_of_record
    known = {basis.lower(): basis for basis in BASES_OF_RECORD}
    basis = known.get(re.sub(r"[\s_-]", "", given).lower())
    if basis is None:
        raise DataError(
            f"{', '.join(identification.file_names)}: found basisOfRecord {given!r}, expected one of "
            f"{', '.join(BASES_OF_RECORD)}; correct the specimen table."
        )
    return basis


def _write_media(
    identification: Identification, where: tuple[str, str], terms: Mapping[str, str], media: TextIO
) -> None:
    """A row for each image; `where` is the key to the core, and what comes before the names of images."""
    key, prefix = where
    description = ". ".join(filter(None, (terms["scientificName"], terms["identificationRemarks"])))
    rights = [identification.occurrence.get(term, "") for term in ("license", "rightsHolder")]
    for file_name, address in addresses(identification, prefix):
        _write_row(media, (key, "StillImage", image_format(file_name), address, description, *rights))
