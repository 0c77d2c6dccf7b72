"""The descriptions of a Darwin Core Archive in XML: which file holds which terms, and what the data set is.

Source: Darwin Core text guide, https://dwc.tdwg.org/text; GBIF's EML profile 1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as Xml

from mentum.identification.output.darwin_core import INCERTAE_SEDIS, Agent, term_address
from mentum.identification.output.dataset import LICENCES, Dataset
from mentum.identification.output.writing import one_line

Tables = Mapping[str, tuple[str, tuple[str, ...]]]
"""File → its row type and its columns; the key to the core stands in each first column."""


def write_xml(root: Xml.Element, file: Path) -> None:
    """Write a description in UTF-8."""
    Xml.ElementTree(root).write(file, encoding="UTF-8", xml_declaration=True)


def describe_tables(tables: Tables) -> Xml.Element:
    """Which file holds which terms in which columns; the core comes first."""
    root = Xml.Element("archive", {"xmlns": "http://rs.tdwg.org/dwc/text/", "metadata": "eml.xml"})
    for name, (row_type, columns) in tables.items():
        key = columns[0]
        part = Xml.SubElement(root, "core" if key == "id" else "extension", {
            "encoding": "UTF-8", "fieldsTerminatedBy": r"\t", "linesTerminatedBy": r"\n", "fieldsEnclosedBy": "",
            "ignoreHeaderLines": "1", "rowType": row_type,
        })  # fmt: skip
        Xml.SubElement(Xml.SubElement(part, "files"), "location").text = name
        Xml.SubElement(part, key, {"index": "0"})
        for index, column in enumerate(columns[1:], start=1):
            Xml.SubElement(part, "field", {"index": str(index), "term": term_address(column)})
    Xml.indent(root)
    return root


def describe_dataset(agent: Agent, about: Dataset, latest: datetime) -> Xml.Element:
    """The data set in the Ecological Metadata Language; the schema fixes the order of the elements."""
    root = Xml.Element("eml:eml", {
        "xmlns:eml": "eml://ecoinformatics.org/eml-2.1.1",
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "xsi:schemaLocation": (
            "eml://ecoinformatics.org/eml-2.1.1 http://rs.gbif.org/schema/eml-gbif-profile/1.1/eml.xsd"
        ),
        "packageId": f"{about.identifier}/v1.0", "system": "http://gbif.org", "scope": "system",
        "xml:lang": about.language,
    })  # fmt: skip
    dataset = Xml.SubElement(root, "dataset")
    _add(dataset, "alternateIdentifier", about.identifier)
    _add(dataset, "title", about.title)
    _add(dataset, "creator/organizationName", about.creator)
    _add(dataset, "metadataProvider/organizationName", about.creator)
    _add(dataset, "pubDate", latest.date().isoformat())
    _add(dataset, "language", about.language)
    _add(dataset, "abstract/para", about.description)
    rights = _add(dataset, "intellectualRights/para", "")
    _add(dataset, "contact/organizationName", about.creator)
    _add(dataset, "methods/methodStep/description/para", _method(agent))
    _add(root, "additionalMetadata/metadata/gbif/dateStamp", latest.isoformat(timespec="seconds"))
    Xml.indent(root)
    _fill_rights(rights, about)  # a sentence, so no blanks may come between its parts
    return root


def _add(parent: Xml.Element, path: str, text: str) -> Xml.Element:
    for tag in path.split("/"):
        parent = Xml.SubElement(parent, tag)
    parent.text = one_line(text)
    return parent


def _fill_rights(para: Xml.Element, about: Dataset) -> None:
    """In the wording by which GBIF knows a licence."""
    assert about.licence is not None, "an archive without a licence is refused"
    para.text = "This work is licensed under a "
    link = Xml.SubElement(para, "ulink", {"url": about.licence})
    Xml.SubElement(link, "citetitle").text = LICENCES[about.licence]
    link.tail = "."


def _method(agent: Agent) -> str:
    named = f"{agent.name} ({agent.identifier})"
    sources = f" ({agent.references})" if agent.references else ""
    return (
        f"Photographs of the specimens were identified by the model {named}{sources}, without a person looking at the "
        "result. A name is given down to the lowest rank that the model's calibrated probability can defend; that "
        "probability and the reason for stopping stand in identificationRemarks. Specimens for which no name could be "
        f"defended, or which are unlike the taxa that the model was trained on, are entered as {INCERTAE_SEDIS}."
    )
