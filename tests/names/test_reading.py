"""Tests of labels as people write them: read rightly, or refused with a sentence.

`labels.csv` was written by hand from the codes of nomenclature, Sigovini et al. 2016 and Darwin Core. `said` tells
whether the reading is an open name ("open"), assumes something ("note") or says nothing.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentum.errors import MentumError
from mentum.names import parser, read_name, taxon_from_name
from mentum.names.interpretation import Reading

ROWS = [
    line.rsplit("|", 3) for line in (Path(__file__).with_name("labels.csv")).read_text("utf-8").splitlines()[1:] if line
]
READ = [row for row in ROWS if row[1] != "-"]
REFUSED = [row[0] for row in ROWS if row[1] == "-"]


def spoken(reading: Reading) -> str:
    return "open" if reading.doubt else "note" if reading.assumptions else ""


def test_the_table_is_long_and_names_every_label_once() -> None:
    labels = [row[0] for row in ROWS]
    assert len(labels) == len(set(labels)) >= 300
    assert len(REFUSED) >= 100


@pytest.mark.parametrize(("label", "rank", "name", "said"), READ, ids=[row[0] for row in READ])
def test_a_label_is_read_rightly(label: str, rank: str, name: str, said: str) -> None:
    reading = read_name(label)
    assert reading.taxon is not None, reading.refusal
    assert (reading.taxon.rank.value, reading.taxon.name, spoken(reading)) == (rank, name, said)


@pytest.mark.parametrize("label", REFUSED)
def test_a_label_is_refused_with_a_sentence_that_says_what_to_do(label: str) -> None:
    reading = read_name(label)
    assert reading.taxon is None
    why, _, advice = reading.refusal.removeprefix(f"'{label}'").partition("; ")
    assert why
    assert advice.split()[0].rstrip(",") in {"write", "name", "label", "leave", "add", "join"}
    assert advice.endswith(".")


@pytest.mark.parametrize("row", READ, ids=[row[0] for row in READ])
def test_the_name_of_a_taxon_is_read_as_that_taxon(row: list[str]) -> None:
    taxon = taxon_from_name(row[0])
    assert taxon is not None
    again = read_name(taxon.name)
    assert (again.taxon, spoken(again)) == (taxon, "")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Aus bus", [("genus", "Aus"), ("species", "Aus bus")]),
        ("Aus_bus", [("genus", "Aus"), ("species", "Aus bus")]),
        ("Aus bus-dus", [("genus", "Aus"), ("species", "Aus bus-dus")]),
        ("Aus bus dus", [("genus", "Aus"), ("species", "Aus bus"), ("subspecies", "Aus bus dus")]),
        ("Aus sp", [("genus", "Aus")]),
        ("Aus spp.", [("genus", "Aus")]),
        ("Aus cf. bus", [("genus", "Aus")]),
        ("Aus sp. A", [("genus", "Aus"), ("species", "Aus sp. A")]),
        ("Aus sp3", [("genus", "Aus"), ("species", "Aus sp. 3")]),
        ("Aus gr. bus", [("genus", "Aus"), ("species", "Aus bus gr.")]),
        ("Aus bus/dus", [("genus", "Aus"), ("species", "Aus bus/dus")]),
        ("Aidae sp. 3", [("family", "Aidae"), ("species", "Aidae sp. 3")]),
        ("Genusab alba", [("genus", "Genusab"), ("species", "Genusab alba")]),
        ("Aoidea", [("superfamily", "Aoidea")]),
        ("aus bus", [("genus", "Aus"), ("species", "Aus bus")]),
        ("bus", None),
        ("", None),
        ("Class 1", None),
    ],
)
def test_paths(name: str, path: list[tuple[str, str]] | None) -> None:
    found = taxon_from_name(name)
    assert (found and [(rank.value, text) for rank, text in found.path]) == path


@pytest.mark.parametrize(
    ("label", "part"),
    [
        ("Chironomus riparius female", "'female' in 'Chironomus riparius female' is no part of a name, but a sex"),
        ("Debris", "'Debris' in 'Debris' stands for no taxon"),
        ("Red fox", "'Red' in 'Red fox' is a word of plain English"),
        ("Sweep net", "'Sweep' in 'Sweep net' does not end as scientific names do"),
        ("Chironomus riparius_1", "in 'Chironomus riparius 1' it cannot be told what the number means"),
        ("Zygoptera", "'Zygoptera' is a suborder"),
        ("cf. Salix alba", "the genus itself is in doubt"),
        ("Salix alba; Salix fragilis", "is more than one name"),
        ("Chironomus Riparius", "whether 'Riparius' is an author or an epithet"),
        ("C. riparius", "'C. riparius' shortens the genus"),
        ("sp. 3", "'sp. 3' names no genus"),
        ("Salix alba \N{MULTIPLICATION SIGN} fragilis", "names the parents of a hybrid"),
        ("salix", "begins with a small letter and may be a common name"),
        ("Potentilla-type", "'Potentilla type' may hold other genera too"),
    ],
)
def test_refusals_say_why(label: str, part: str) -> None:
    assert part in read_name(label).refusal


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    reading = read_name(text)
    assert (reading.taxon is None) == bool(reading.refusal)


SYLLABLES = ["ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "xo", "za", "cy"]


def test_five_thousand_labels_take_seconds() -> None:
    tails = ("", " Meigen, 1804", " gr.", " cf. alba")
    labels = [
        f"{one.title()}{two}{three}us {two}{three}{one}is{tails[number % 4]}"
        for number, (one, two, three) in enumerate(
            (one, two, three) for one in SYLLABLES for two in SYLLABLES for three in SYLLABLES
        )
    ]
    start = time.process_time()
    assert None not in [taxon_from_name(label) for label in labels]
    assert time.process_time() - start < 10


def test_the_parser_is_not_loaded_before_the_first_label() -> None:
    code = "import sys, mentum, mentum.specimens.manifest; sys.exit('nameparser' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_platform_without_the_parser_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nameparser", None)
    parser.gbif_parser.cache_clear()
    with pytest.raises(MentumError, match=r"GBIF's name parser is missing .*; install it with `pip install gbif-name"):
        parser.read_formal_name("Salix alba")
