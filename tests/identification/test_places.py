from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import mentum
from mentum.errors import BusyError, DataError
from mentum.identification.places import Places
from mentum.locks import sole_writer

GIVEN = ("photos", "table.csv", "photos/*.png")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, photographs, a table, and an earlier output, in the current folder."""
    for folder in ("model", "photos", "results"):
        (tmp_path / folder).mkdir()
    for file in ("table.csv", "model/model.json", "results/earlier.csv"):
        (tmp_path / file).write_text("x")
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "1.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "results" / "photo", format="PNG")
    (tmp_path / "linked").symlink_to(tmp_path / "results")
    (tmp_path / "same.csv").hardlink_to(tmp_path / "table.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def require(out: str | None = None, archive: str | None = None, heatmaps: str | None = None) -> None:
    places = Places(*(None if each is None else Path(each) for each in (out, archive, heatmaps)))
    places.require_apart(Path("model"), GIVEN)


@pytest.mark.parametrize(
    "archive", ["a.csv", "./a.csv", "results/../a.csv", "A.CSV", "a.csv.part", "a.csv.writing", "a.csv/x.zip"]
)
def test_an_archive_that_would_replace_the_output_is_refused(archive: str, here: Path) -> None:
    with pytest.raises(DataError, match=r"--archive and --out are the same place; give each a place of its own\.$"):
        require("a.csv", archive)


@pytest.mark.parametrize(("out", "archive"), [("linked/a", "results/a"), ("table.csv", "same.csv")])
def test_links_lead_to_one_place(out: str, archive: str, here: Path) -> None:
    with pytest.raises(DataError, match="--archive and --out are the same place"):
        require(out, archive)


@pytest.mark.parametrize("heatmaps", ["maps", "maps/deeper", "MAPS"])
def test_heat_maps_in_a_folder_that_appears_whole_are_refused(heatmaps: str, here: Path) -> None:
    with pytest.raises(DataError, match="--heatmaps and --out are the same place"):
        require("maps", None, heatmaps)


@pytest.mark.parametrize("out", ["table.csv", "same.csv", "./photos/../table.csv", str(Path("photos/1.png"))])
def test_what_is_read_is_not_replaced(out: str, here: Path) -> None:
    complaint = "is what is to be identified as well; give another place|found an image, expected a new name"
    for place in ((out, None), ("b.csv", out)):
        with pytest.raises(DataError, match=complaint):
            require(*place)


@pytest.mark.parametrize("place", ["model/a.csv", "model/deep/a.csv", "./model/../model/a.csv"])
def test_the_model_stays_as_it_is(place: str, here: Path) -> None:
    for places in ((place, None, None), ("a.csv", place, None), ("a.csv", None, place)):
        with pytest.raises(DataError, match="lies in the folder of the model; give a place outside model"):
            require(*places)


@pytest.mark.parametrize("heatmaps", ["photos/maps", "photos/a/b", "results/../photos/maps"])
def test_heat_maps_among_the_images_are_refused(heatmaps: str, here: Path) -> None:
    with pytest.raises(DataError, match="lies among the images, where heat maps would be taken for images; give a f"):
        require("a.csv", None, heatmaps)


@pytest.mark.parametrize(
    ("out", "complaint"),
    [
        ("nowhere/a.csv", r"^nowhere: no such folder, expected one to write a\.csv into; make it first\."),
        ("results", r"^results: found a folder that holds files, expected a new name; give another one\."),
        ("results/photo", r"^results/photo: found an image, expected a new name, or an earlier output; give another"),
        (".", r"found no name, expected that of a file or a folder to make; give one\."),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(out: str, complaint: str, here: Path) -> None:
    with pytest.raises(DataError, match=complaint):
        require(out)


def test_places_that_are_fine(here: Path) -> None:
    require("results/earlier.csv", "results/a.zip", "results/maps")
    (here / "maps").mkdir()
    require("maps/a.csv", None, "maps")
    require("photos/a.csv")
    require()


def test_an_archive_or_heat_maps_that_another_process_writes_are_refused(here: Path) -> None:
    for place in (Places(Path("a.csv"), Path("a.zip")), Places(None, Path("a.zip"))):
        with sole_writer(Path("a.zip")), pytest.raises(BusyError, match=r"a\.zip: is being written"), place.taken():
            pass
    assert not (here / "a.csv").exists()
    assert [file.name for file in here.iterdir() if file.name.endswith(".lock")] == []


def test_the_command_refuses_before_it_opens_the_model(here: Path) -> None:
    with pytest.raises(DataError, match="--archive and --out are the same place"):
        mentum.identify("model", "photos", "a.csv", archive="a.csv", title="T", creator="C")
