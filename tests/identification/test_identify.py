"""Tests of identification: a row per image, failures among them, and the same answers as in training."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from awkward_images import corners, write_empty, write_plain, write_text, write_truncated
from drawn_data import tiny_settings, write_drawn
from mentum.errors import DataError
from mentum.identification.identify import BATCH_SIZE, find_images, identify, write_identifications
from mentum.records import Identification, Progress, RankIdentification
from mentum.runs import Run
from mentum.settings import PixelSettings
from mentum.taxonomy import Rank, Taxon, Taxonomy
from mentum.training.predict import Predictor
from mentum.training.train import train

SQUARE = PixelSettings(size=32, padding=0)
AUS, CUS = (
    Taxon(((Rank.FAMILY, family), (Rank.GENUS, genus))) for family, genus in (("Fidae", "Aus"), ("Gidae", "Cus"))
)
TREE = Taxonomy((AUS, CUS))


class Brightness:
    """A network that takes bright images for *Cus*; it notes the size of each batch."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, squares: np.ndarray) -> dict[Rank, np.ndarray]:
        self.batches.append(len(squares))
        bright = (squares.mean((1, 2, 3)) / 255).astype(np.float32)
        y_prob = np.stack([1 - bright, bright], axis=1)
        return {Rank.GENUS: y_prob, Rank.FAMILY: TREE.sum_up(y_prob, Rank.FAMILY)}


def write_flat(path: Path, level: int) -> Path:
    image = corners((40, 40))
    image.paste((level,) * 3, (0, 0, 40, 40))
    image.save(path)
    return path


# Which images


def test_files_stay_in_order_and_folders_are_searched(tmp_path: Path) -> None:
    last = write_plain(tmp_path / "z.png")
    inside = [write_plain(tmp_path / "folder" / name) for name in ("b.JPG", "a.png", "deep/c.tif")]
    (tmp_path / "folder" / "notes.txt").write_text("no image")
    write_text(tmp_path / "folder" / "._a.png")
    (tmp_path / "folder" / "odd.png").mkdir()

    found = find_images([last, tmp_path / "folder"])

    assert found == [last, inside[1], inside[0], inside[2]]


def test_a_file_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    file = write_text(tmp_path / "slide.czi")
    assert find_images([file]) == [file]


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.jpg: not found; give images or folders of images"):
        find_images([write_plain(tmp_path / "a.png"), tmp_path / "gone.jpg"])


def test_a_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no image in the folder, expected files such as .jpg, .png or .tif"):
        find_images([tmp_path])


# Identification


def test_each_image_gets_its_most_probable_taxon_at_each_rank(tmp_path: Path) -> None:
    dark, bright = write_flat(tmp_path / "dark.png", 51), write_flat(tmp_path / "bright.png", 204)

    first, second = identify([bright, dark], Brightness(), TREE, SQUARE)

    assert first.file_name == str(bright)
    assert [(rank.rank, rank.scientific_name, rank.probability) for rank in first.ranks] == [
        (Rank.GENUS, "Cus", 0.8), (Rank.FAMILY, "Gidae", 0.8),
    ]  # fmt: skip
    assert second.ranks[0].scientific_name == "Aus"


def test_failures_keep_their_places_and_the_others_go_on(tmp_path: Path) -> None:
    paths = [write_flat(tmp_path / f"{number}.png", 10 * number) for number in range(BATCH_SIZE + 4)]
    write_truncated(paths[1])
    write_empty(paths[BATCH_SIZE])
    predict, seen = Brightness(), list[Progress]()

    found = list(identify(paths, predict, TREE, SQUARE, seen.append))

    assert [each.file_name for each in found] == [str(path) for path in paths]
    assert {place for place, each in enumerate(found) if each.failure} == {1, BATCH_SIZE}
    assert all(bool(each.failure) != bool(each.ranks) for each in found)
    assert "1.png: found a broken file (" in (found[1].failure or "")
    assert predict.batches == [BATCH_SIZE - 1, 3]
    assert [(step.done, step.total) for step in seen] == [(BATCH_SIZE, BATCH_SIZE + 4), (BATCH_SIZE + 4,) * 2]


def test_all_images_unreadable(tmp_path: Path) -> None:
    paths = [write_text(tmp_path / "a.jpg"), tmp_path / "gone.png"]
    predict = Brightness()
    found = list(identify(paths, predict, TREE, SQUARE))
    assert all(each.failure for each in found)
    assert predict.batches == []


def test_an_image_listed_twice_is_identified_twice(tmp_path: Path) -> None:
    image = write_flat(tmp_path / "a.png", 200)
    one, two = identify([image, image], Brightness(), TREE, SQUARE)
    assert one == two


# Output

NAMED = Identification(
    file_name="odd, name.png",
    ranks=(
        RankIdentification(rank=Rank.GENUS, scientific_name="Aus", probability=0.9),
        RankIdentification(rank=Rank.FAMILY, scientific_name="Fidae", probability=1.0),
    ),
)
FAILED = Identification(file_name="bad.png", failure="bad.png: found a file of 0 bytes; expected an image.")
RANKS = (Rank.GENUS, Rank.FAMILY)


def test_csv_has_a_row_per_image_the_highest_rank_first(tmp_path: Path) -> None:
    out = tmp_path / "names.csv"

    assert write_identifications([NAMED, FAILED], RANKS, out) == 1

    header, named, failed = csv.reader(out.read_text(encoding="utf-8").splitlines())
    assert header == ["file_name", "family", "family_probability", "genus", "genus_probability", "failure"]
    assert named == ["odd, name.png", "Fidae", "1.000000", "Aus", "0.900000", ""]
    assert failed == ["bad.png", "", "", "", "", FAILED.failure]


def test_json_has_a_line_per_image(tmp_path: Path) -> None:
    out = tmp_path / "names.json"
    assert write_identifications([NAMED, FAILED], RANKS, out, as_json=True) == 1
    lines = out.read_text(encoding="utf-8").splitlines()
    assert [Identification.model_validate_json(line) for line in lines] == [NAMED, FAILED]
    assert json.loads(lines[0])["ranks"][0] == {"rank": "genus", "scientific_name": "Aus", "probability": 0.9}


def test_output_goes_to_stdout_where_no_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert write_identifications([NAMED], RANKS, None) == 0
    assert capsys.readouterr().out.splitlines()[1] == '"odd, name.png",Fidae,1.000000,Aus,0.900000,'


def test_an_interrupted_output_leaves_the_earlier_file(tmp_path: Path) -> None:
    out = tmp_path / "names.csv"
    write_identifications([NAMED], RANKS, out)
    before = out.read_text()

    def interrupted() -> Iterator[Identification]:
        yield FAILED
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_identifications(interrupted(), RANKS, out)
    assert out.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["names.csv"]


# With a trained run


@pytest.fixture(scope="module", params=["tree", "separate", "stage 1 only"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("identify")
    data = write_drawn(folder / "data", per_taxon=(3, 3, 3, 3))
    overrides = {"separate": "head.kind=separate", "stage 1 only": "stage2.epochs=0"}.get(request.param, "seed=0")
    return train(data, folder / "run", tiny_settings(overrides), cache=folder / "cache")


def test_images_of_the_training_are_identified_as_its_predictions_say(run: Run) -> None:
    data = Path(run.record().data.source)
    *_, stage = run.predictions()
    paths = [data / name for name in stage.file_names]

    predictor = Predictor.open(run)
    found = list(identify(paths, predictor, predictor.taxonomy, run.record().settings.pixels))

    for rank, y_prob in stage.probabilities.items():
        names = [taxon.name for taxon in predictor.taxonomy.taxa(rank)]
        said = [next(each for each in image.ranks if each.rank is rank) for image in found]
        assert [each.scientific_name for each in said] == [names[column] for column in y_prob.argmax(1)]
        np.testing.assert_allclose([each.probability for each in said], y_prob.max(1), atol=1e-4)


def test_a_batch_does_not_change_the_answer(run: Run) -> None:
    predictor = Predictor.open(run)
    squares = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    together, alone = predictor(squares), predictor(squares[2:3])
    for rank, y_prob in together.items():
        np.testing.assert_allclose(y_prob[2:3], alone[rank], atol=1e-5)
