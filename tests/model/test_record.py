"""Tests of `model.json`: JSON both ways, and how a model is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from mentum.model.record import ModelRecord
from mentum.taxonomy import Rank
from support.models_by_hand import make_model


@pytest.fixture
def record(tmp_path: Path) -> ModelRecord:
    return make_model(tmp_path / "model").record


def test_a_record_comes_back_from_its_file(record: ModelRecord, tmp_path: Path) -> None:
    assert ModelRecord.read(tmp_path / "model" / "model.json") == record


def test_leaves_keep_the_order_of_the_probabilities(record: ModelRecord) -> None:
    assert [leaf.name for leaf in record.taxonomy.leaves] == [
        "Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius",
    ]  # fmt: skip
    assert record.taxonomy.leaves[3].rank is Rank.GENUS
    assert record.taxonomy.ranks == record.ranks


def test_a_model_is_named_by_its_doi_or_by_its_seal(record: ModelRecord) -> None:
    assert record.title == "midges 2.0"
    assert record.identifier == f"hash://sha256/{record.seal}"
    published = record.model_copy(update={"doi": "10.5281/zenodo.1"})
    assert published.identifier == "https://doi.org/10.5281/zenodo.1"


@pytest.mark.parametrize("changes", [{"temperature": 0}, {"temperature": -1}])
def test_a_temperature_is_positive(record: ModelRecord, changes: dict[str, object]) -> None:
    network = record.networks[0]
    with pytest.raises(ValidationError, match=r"greater than 0"):
        type(network).model_validate(network.model_dump() | changes)
