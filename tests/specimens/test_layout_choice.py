"""Tests of what folders mean by their names."""

from __future__ import annotations

import pytest

from mentum.errors import SettingsError
from mentum.names import taxon_from_name
from mentum.specimens.layout_choice import choose_layout
from mentum.specimens.layouts import Layout, SeveralReadingsError
from mentum.taxonomy import Rank


def rank_of(name: str) -> Rank | None:
    taxon = taxon_from_name(name)
    return taxon.rank if taxon else None


def choose(folders: str, images: int = 3) -> str:
    return str(choose_layout([tuple(each.split("/")) for each in folders.split(", ") for _ in range(images)], rank_of))


READINGS = {
    "Salix alba, Quercus robur": "taxon",
    "Salix alba/S1, Quercus robur/S2, Quercus robur/S3": "taxon/specimen",
    "Orthocladius/S1, Chironomus riparius/S2, Tanytarsus sp./S4": "taxon/specimen",
    "Salix/alba, Salix/caprea, Quercus/robur": "genus/species",
    "Salix/Salix alba, Salix/Salix caprea, Quercus/Quercus robur": "genus/species",
    "Salix/S. alba, Salix/S. caprea, Quercus/Q. robur": "genus/species",
    "Salix/sp. 1, Salix/alba, Quercus/cf. robur": "genus/species",
    "Salix/alba/S1, Salix/caprea/S2, Quercus/robur/S3": "genus/species/specimen",
    "Salicaceae/Salix/alba, Fagaceae/Quercus/robur": "family/genus/species",
    "Salicaceae/Salix/Salix alba, Fagaceae/Quercus/Quercus robur": "family/genus/species",
    "Salicaceae/Salix alba, Fagaceae/Quercus robur": "family/taxon",
    "Chironomidae/Orthocladius, Chironomidae/Chironomus, Culicidae/Culex": "family/taxon",
    "Drina/Salix alba, Drina/Quercus robur, Neretva/Salix alba, Neretva/Quercus robur": "locality/taxon",
    "2019-05/Salix alba, 2020-06/Quercus robur": "locality/taxon",
    "Site 1/Orthocladius, Site 2/Chironomus": "locality/taxon",
    "Drina/Salix/alba, Drina/Quercus/robur, Neretva/Salix/alba, Neretva/Quercus/robur": "locality/genus/species",
    "Site 1/Salix alba/S1, Site 2/Quercus robur/S2": "locality/taxon/specimen",
    "Salix alba/Drina/S1, Salix alba/Neretva/S2, Quercus robur/Drina/S3": "taxon/locality/specimen",
    "images/Salix alba, images/Quercus robur": "*/taxon",
    "Salix alba/images, Quercus robur/images": "taxon/*",
    "Salix alba/Salix alba vitellina, Salix alba/Salix alba alba": "species/taxon",
}


@pytest.mark.parametrize("folders", READINGS)
def test_folders_are_read_by_their_names(folders: str) -> None:
    assert choose(folders) == READINGS[folders]


@pytest.mark.parametrize(
    ("folders", "readings"),
    [
        ("Drina/Salix alba, Neretva/Quercus robur", ["locality/taxon", "order/taxon"]),
        ("Salix/Drina, Quercus/Drina, Salix/Neretva", ["taxon/specimen", "locality/taxon", "genus/species"]),
        ("Salix/alpha, Quercus/alpha, Salix/beta, Quercus/beta", ["genus/species", "taxon/specimen"]),
        ("Salix/alba, Betula nana", ["taxon/specimen", "genus/species"]),
        ("Salicaceae/Salix/alba, Fagaceae/Quercus robur", ["family/taxon/specimen", "family/genus/species"]),
        ("Site one/Salix alba, Site two/Quercus robur", ["taxon/specimen", "locality/taxon"]),
        ("Salix alba/S1, Quercus robur/S1", ["taxon/specimen", "taxon/*"]),
        ("Salix/ALBA, Populus/Tremula", ["taxon/specimen", "locality/taxon", "genus/species"]),
    ],
)
def test_every_reading_that_is_possible_is_named(folders: str, readings: list[str]) -> None:
    with pytest.raises(SeveralReadingsError) as found:
        choose(folders)
    assert [str(layout) for layout in found.value.readings] == readings
    choices = " or ".join(f"--layout {reading}" for reading in readings)
    assert str(found.value).endswith(f"say which, with {choices}.")


def test_views_and_stages_are_no_epithets() -> None:
    assert choose("Orthocladius/larva, Orthocladius/pupa, Chironomus/larva") == "taxon/specimen"


@pytest.mark.parametrize(
    "text", ["taxon", "genus/species", "family/*/taxon", "locality/locality/taxon/specimen", "taxon/*"]
)
def test_layouts_that_a_user_may_give(text: str) -> None:
    assert str(Layout.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "specimen", "species/genus", "taxon/taxon", "specimen/taxon", "locality", "clade/taxon"]
)
def test_what_is_no_layout(text: str) -> None:
    with pytest.raises(SettingsError, match=r"layout .*: found '.*', expected 'auto' or what each level of folders is"):
        Layout.parse(text)
