"""Tests of results that show themselves: names in italics, everything escaped, the probability of the answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from mentum.records import Candidate, Identification, RankIdentification, Status
from mentum.taxonomy import Rank


def identified(name: str | None, rank: Rank | None, **changes: object) -> Identification:
    at = () if name is None or rank is None else (RankIdentification(rank=rank, scientific_name=name, probability=0.9),)
    given: dict[str, object] = {
        "identification_id": "urn:uuid:1",
        "file_names": ("1.png",),
        "status": Status.IDENTIFIED,
        "scientific_name": name,
        "taxon_rank": rank,
        "ranks": at,
        "reason": "as sure as asked for",
        "date_identified": datetime(2026, 5, 4, 9, 0, tzinfo=UTC),
    }
    return Identification.model_validate(given | changes)


def cells(found: Identification) -> dict[str, str]:
    """Heading → cell of a small table."""
    return dict(re.findall(r"<tr><th[^>]*>(.*?)</th><td[^>]*>(.*?)</td></tr>", found._repr_html_()))


@pytest.mark.parametrize(
    ("name", "rank", "shown"),
    [
        ("Chironomus plumosus", Rank.SPECIES, "<i>Chironomus plumosus</i>"),
        ("Orthocladius sp. 1", Rank.SPECIES, "<i>Orthocladius</i> sp. 1"),
        ("Chironominae", Rank.SUBFAMILY, "Chironominae"),
    ],
)
def test_a_notebook_shows_names_as_zoologists_write_them(name: str, rank: Rank, shown: str) -> None:
    assert cells(identified(name, rank)) == {
        "Name": shown,
        "Rank": rank.value,
        "Probability": "0.90",
        "Status": "identified",
        "Reason": "as sure as asked for",
        "Images": "1.png",
    }


def test_a_notebook_shows_what_could_not_be_identified() -> None:
    found = identified(
        None, None, status=Status.FAILED, failure="5.png: broken", specimen="K 1", file_names=tuple("abcde"), reason=""
    )
    assert cells(found) == {
        "Name": "none defended", "Status": "failed", "Failure": "5.png: broken", "Specimen": "K 1",
        "Images": "a, b, c and 2 more",
    }  # fmt: skip


def test_nothing_in_an_identification_is_taken_for_html() -> None:
    hostile = "<script>alert('&')</script>"
    found = identified(hostile, Rank.SPECIES, reason=hostile, failure=hostile, specimen=hostile, file_names=(hostile,))
    html = found._repr_html_()
    assert html.count("&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;") == 5
    assert set(re.findall(r"<(\w+)", html)) <= {"table", "tr", "th", "td", "i"}


def test_the_probability_of_the_answer_is_that_of_its_own_rank() -> None:
    """Orthocladius stands for itself among the species."""
    at = {Rank.SPECIES: 0.7, Rank.GENUS: 0.8}
    ranks = tuple(
        RankIdentification(rank=rank, scientific_name="Orthocladius", probability=share) for rank, share in at.items()
    )
    found = identified("Orthocladius", Rank.GENUS, ranks=ranks)
    assert found.probability == 0.8
    candidate = Candidate(scientific_name="Orthocladius", taxon_rank=Rank.GENUS, probability=0.6)
    assert found.model_copy(update={"ranks": (), "candidates": (candidate,)}).probability == 0.6
    assert found.model_copy(update={"ranks": ()}).probability is None
    assert found.model_copy(update={"status": Status.UNKNOWN}).probability is None
