"""Tests of a model at work: calibration, batches, specimens, rates, arrays, and the same answers as in training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mentum
from mentum.errors import DataError, ImageError, ModelError
from mentum.identification.identifier import Explained, Identifier
from mentum.identification.inputs import Inputs
from mentum.identification.reading import BATCH_SIZE
from mentum.records import Identification, Status
from mentum.runs import Run
from mentum.taxonomy import Rank
from support.awkward_images import write_empty, write_text, write_truncated
from support.models_by_hand import (
    GENUS,
    NOTHING,
    ORTHOCLADIUS,
    PLUMOSUS,
    SEPARATE,
    STRANGE,
    SUBFAMILY,
    TREE,
    level,
    make_model,
    write_level,
)


@pytest.fixture
def identifier(tmp_path: Path) -> Identifier:
    return Identifier(make_model(tmp_path / "model"))


def answers(found: Iterable[Identification]) -> list[tuple[str, str | None]]:
    return [(each.status.value, each.scientific_name) for each in found]


# By hand


def test_every_status_with_its_reason(identifier: Identifier, tmp_path: Path) -> None:
    files = [
        write_level(tmp_path / "1.png", PLUMOSUS),
        write_level(tmp_path / "2.png", SUBFAMILY),
        write_level(tmp_path / "3.png", NOTHING),
        write_level(tmp_path / "4.png", ORTHOCLADIUS, STRANGE),
        write_truncated(tmp_path / "5.png"),
    ]

    found = identifier.identify(files)

    assert answers(found) == [
        ("identified", "Chironomus plumosus"), ("higher rank", "Chironominae"), ("undetermined", None),
        ("unknown", None), ("failed", None),
    ]  # fmt: skip
    for each, words in zip(
        found,
        ("species defended", "subfamily defended", "no rank can be defended", "stranger than 99.0%", "no image could"),
        strict=True,
    ):
        assert each.reason.startswith(words)
    assert "5.png: found a broken file (" in (found[4].failure or "")


def test_probabilities_are_calibrated(tmp_path: Path) -> None:
    (found,) = Identifier(make_model(tmp_path / "model", temperature=2.0)).identify(level(PLUMOSUS))
    roots = [math.sqrt(probability) for probability in TREE[PLUMOSUS]]
    assert found.ranks[0].probability == pytest.approx(roots[0] / sum(roots), abs=1e-6)
    assert found.status is Status.UNDETERMINED


def test_specimens_are_the_mean_of_calibrated_logarithms(tmp_path: Path) -> None:
    identifier = Identifier(make_model(tmp_path / "model", temperature=2.0))
    write_level(tmp_path / "1.png", PLUMOSUS)
    write_level(tmp_path / "2.png", NOTHING)
    table = tmp_path / "t.csv"
    table.write_text("file_name,catalogNumber\n1.png,K 1\n2.png,K 1\n")

    (found,) = identifier.identify(table, by="specimen")

    # The root of each probability calibrates; the root of the product of both images is the mean of logarithms.
    quarters = [(one * other) ** 0.25 for one, other in zip(TREE[PLUMOSUS], TREE[NOTHING], strict=True)]
    expected = sorted((value / sum(quarters) for value in quarters), reverse=True)
    assert [each.probability for each in found.candidates] == pytest.approx(expected, abs=1e-6)
    assert (found.specimen, found.file_names) == ("K 1", ("1.png", "2.png"))


def test_one_unreadable_image_of_a_specimen_leaves_the_other(identifier: Identifier, tmp_path: Path) -> None:
    write_level(tmp_path / "1.png", PLUMOSUS)
    write_text(tmp_path / "2.png")
    table = tmp_path / "t.csv"
    table.write_text("file_name,catalogNumber\n2.png,0\n1.png,0\n1.png,\n2.png,\n")

    first, *others = identifier.identify(table, by="specimen")

    assert (first.status, first.scientific_name) == (Status.IDENTIFIED, "Chironomus plumosus")
    assert "2.png: found a file that begins with" in (first.failure or "")
    assert [(each.specimen, each.status) for each in others] == [(None, Status.IDENTIFIED), (None, Status.FAILED)]


def test_specimens_larger_than_a_batch_stay_whole(identifier: Identifier, tmp_path: Path) -> None:
    write_level(tmp_path / "1.png", PLUMOSUS)
    rows = ["1.png,A"] * (BATCH_SIZE - 1) + ["1.png,B"] * (BATCH_SIZE + 3)
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["file_name,catalogNumber", *rows]))
    found = identifier.identify(str(table), by="specimen")
    assert [(each.specimen, len(each.file_names)) for each in found] == [("A", BATCH_SIZE - 1), ("B", BATCH_SIZE + 3)]


def test_arrays_by_specimen_are_one_specimen_each(identifier: Identifier) -> None:
    found = identifier.identify([level(PLUMOSUS), level(ORTHOCLADIUS)], by="specimen")
    assert answers(found) == [("identified", "Chironomus plumosus"), ("identified", "Orthocladius")]


def test_paths_folders_globs_tables_and_arrays(identifier: Identifier, tmp_path: Path) -> None:
    one = write_level(tmp_path / "photos" / "1.png", PLUMOSUS)
    write_level(tmp_path / "photos" / "2.png", GENUS)
    (tmp_path / "t.csv").write_text("file_name\nphotos/2.png\n")
    plumosus, genus = ("identified", "Chironomus plumosus"), ("higher rank", "Chironomus")

    assert answers(identifier.identify(one)) == [plumosus]
    assert answers(identifier.identify(str(one))) == [plumosus]
    assert answers(identifier.identify(tmp_path / "photos")) == [plumosus, genus]
    assert answers(identifier.identify([tmp_path / "photos" / "*2.png", tmp_path / "t.csv"])) == [genus, genus]
    assert answers(identifier.identify(level(GENUS))) == [genus]
    assert answers(identifier.identify([one, level(GENUS), one])) == [plumosus, genus, plumosus]
    assert identifier.identify([]) == []


@pytest.mark.parametrize("given", [("photos",), ("photos/*",), ("photos/1.png", "photos")])
def test_files_that_are_no_images_are_counted_in_a_warning(
    identifier: Identifier, tmp_path: Path, given: tuple[str, ...]
) -> None:
    write_level(tmp_path / "photos" / "1.png", PLUMOSUS)
    (tmp_path / "photos" / "notes.txt").write_text("caught in May")
    (tmp_path / "photos" / "film.mp4").write_bytes(b"film")
    with pytest.warns(UserWarning, match=r"left out: .*no image \(1\)") as told:
        assert len(identifier.identify([tmp_path / each for each in given])) == len(given)
    assert "format that is not read (1)" in str(told[0].message)


def test_an_image_given_twice_is_identified_twice(identifier: Identifier, tmp_path: Path) -> None:
    file = write_level(tmp_path / "1.png", PLUMOSUS)
    one, two = identifier.identify([file, file])
    assert one == two


def test_what_is_not_there_is_refused(identifier: Identifier, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.png: not found; give images"):
        identifier.identify(tmp_path / "gone.png")


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 3)), np.zeros((4, 4), dtype=np.uint8), np.zeros((1, 4, 4, 3), dtype=np.uint8)]
)
def test_wrong_arrays_are_faults_of_the_caller(identifier: Identifier, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"image 1: an array of .*; expected uint8 \(height, width, 3\)"):
        identifier.identify(array)


def test_identification_is_a_stream(identifier: Identifier) -> None:
    taken = 0

    def endless() -> Iterable[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield level(PLUMOSUS)

    stream = identifier.stream(endless())
    assert [next(stream).status for _ in range(3)] == [Status.IDENTIFIED] * 3
    assert taken <= 4 * BATCH_SIZE
    stream.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error_rate", "found"),
    [
        (None, [("identified", "Chironomus plumosus"), ("higher rank", "Chironominae"), ("undetermined", None)]),
        (0.4, [("identified", "Chironomus plumosus")] * 2 + [("higher rank", "Chironominae")]),
        (0.01, [("undetermined", None)] * 3),
    ],
)
def test_another_error_rate_sets_other_thresholds(
    tmp_path: Path, error_rate: float | None, found: list[tuple[str, str | None]]
) -> None:
    identifier = Identifier(make_model(tmp_path / "model"), error_rate)
    assert answers(identifier.identify([level(PLUMOSUS), level(SUBFAMILY), level(NOTHING)])) == found


def test_another_rate_of_false_rejection(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    strange = level(PLUMOSUS, 40)  # stranger than 80 of 100 known specimens
    assert answers(Identifier(model).identify(strange)) == [("identified", "Chironomus plumosus")]
    assert answers(Identifier(model, false_rejection=0.25).identify(strange)) == [("unknown", None)]


@pytest.mark.parametrize("rate", [0, 1, -0.1, 5])
def test_rates_are_shares(tmp_path: Path, rate: float) -> None:
    model = make_model(tmp_path / "model")
    with pytest.raises(ValueError, match=rf"error_rate of {rate}; expected a share between 0 and 1, such as 0.05"):
        Identifier(model, rate)
    with pytest.raises(ValueError, match=rf"false_rejection of {rate}; expected a share"):
        Identifier(model, None, rate)


def test_maps_come_with_their_images(identifier: Identifier, tmp_path: Path) -> None:
    files = [write_level(tmp_path / "1.png", PLUMOSUS), write_empty(tmp_path / "2.png"),
             write_level(tmp_path / "3.png", ORTHOCLADIUS)]  # fmt: skip
    seen: list[Explained] = []

    found = list(identifier.stream(Inputs(tuple(map(str, files))), draw=seen.append))

    assert [each.identification for each in seen] == [found[0], found[2]]
    for explained, red in zip(seen, (PLUMOSUS, ORTHOCLADIUS), strict=True):
        assert explained.pixels[0, 0].tolist() == [red, 0, 0]
        assert {rank: each.y_prob.shape for rank, each in explained.evidence.items()} == {
            Rank.SPECIES: (1, 4), Rank.GENUS: (1, 3), Rank.SUBFAMILY: (1, 2),
        }  # fmt: skip
        assert explained.evidence[Rank.SPECIES].y_prob[0].tolist() == pytest.approx(list(TREE[red]))
        assert explained.evidence[Rank.GENUS].relevance.shape == (1, 3, 4, 4)


# Arrays, as other libraries give them


def test_probabilities_of_every_taxon_at_a_rank(identifier: Identifier, tmp_path: Path) -> None:
    images = [write_level(tmp_path / "1.png", PLUMOSUS), level(ORTHOCLADIUS)]

    species = identifier.predict_proba(images, "species")
    genus = identifier.predict_proba(images, Rank.GENUS)

    np.testing.assert_allclose(species, [TREE[PLUMOSUS], TREE[ORTHOCLADIUS]], rtol=1e-6)
    np.testing.assert_allclose(genus[0], [0.99, 0.005, 0.005], rtol=1e-5)
    assert [taxon.name for taxon in identifier.taxonomy.taxa(Rank("genus"))] == [
        "Chironomus", "Polypedilum", "Orthocladius",
    ]  # fmt: skip
    assert identifier.predict_proba(level(PLUMOSUS), "subfamily").shape == (1, 2)


@pytest.mark.parametrize("networks", [None, SEPARATE])
def test_probabilities_are_those_of_the_identifications(
    tmp_path: Path, networks: dict[str, dict[int, tuple[float, ...]]] | None
) -> None:
    identifier = Identifier(make_model(tmp_path / "model", networks, temperature=2.0))
    images = [level(PLUMOSUS)] * (BATCH_SIZE + 3)
    found = identifier.identify(images)
    for place, rank in enumerate(identifier.record.ranks):
        y_prob = identifier.predict_proba(images, rank)
        names = [taxon.name for taxon in identifier.taxonomy.taxa(rank)]
        assert y_prob.shape == (len(images), len(names))
        np.testing.assert_allclose(y_prob.sum(1), 1)
        assert [names[column] for column in y_prob.argmax(1)] == [each.ranks[place].scientific_name for each in found]
        assert y_prob.max(1).round(6).tolist() == [each.ranks[place].probability for each in found]


@pytest.mark.parametrize("rank", ["family", Rank.FAMILY, "Species", "drawer"])
def test_a_rank_that_the_model_does_not_answer_at(identifier: Identifier, rank: str) -> None:
    message = rf"^{rank}: not a rank of this model, expected one of species, genus, subfamily\.$"
    with pytest.raises(ValueError, match=message):
        identifier.predict_proba(level(PLUMOSUS), rank)
    assert identifier.model.session.batches == []  # type: ignore[attr-defined]


def test_features_are_a_row_per_image(identifier: Identifier, tmp_path: Path) -> None:
    write_level(tmp_path / "photos" / "1.png", PLUMOSUS, 40)
    write_level(tmp_path / "photos" / "2.png", PLUMOSUS, 50)
    found = identifier.features([tmp_path / "photos", *[level(GENUS, 70)] * BATCH_SIZE])
    assert (found.shape, found.dtype) == ((BATCH_SIZE + 2, 1), np.float32)
    assert found[:3, 0].tolist() == [4, 5, 7]


def asked(identifier: Identifier) -> dict[str, Callable[[Any], object]]:
    return {
        "predict_proba": lambda images: identifier.predict_proba(images, "genus"),
        "features": identifier.features,
        "show": identifier.show,
    }


@pytest.mark.parametrize("name", ["predict_proba", "features", "show"])
def test_what_cannot_be_read_is_refused(identifier: Identifier, tmp_path: Path, name: str) -> None:
    ask = asked(identifier)[name]
    write_level(tmp_path / "photos" / "1.png", PLUMOSUS)
    broken = write_truncated(tmp_path / "photos" / "2.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match=r"2.png: found a broken file \("):
        ask(broken if name == "show" else tmp_path / "photos")
    with pytest.raises(DataError, match=r"gone.png: not found; give images"):
        ask(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"empty: found no image in the folder"):
        ask(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"image 1: an array of"):
        ask(np.zeros((4, 4)))


def test_no_image_at_all_is_a_fault_of_the_caller(identifier: Identifier) -> None:
    for name in ("predict_proba", "features"):
        with pytest.raises(ValueError, match=r"no image is given, expected one or more"):
            asked(identifier)[name]([])


def test_one_image_is_shown_at_a_time(identifier: Identifier, tmp_path: Path) -> None:
    for name in "12":
        write_level(tmp_path / "photos" / f"{name}.png", PLUMOSUS)
    with pytest.raises(ValueError, match=r"photos: found several images, expected one; show them one by one"):
        identifier.show(tmp_path / "photos")


# With a released model


def test_images_of_the_training_are_identified_as_its_predictions_say(released: Path, trained_run: Path) -> None:
    run = Run.open(trained_run)
    *_, stage = run.predictions()
    data = Path(run.record().data.source)

    found = mentum.load(released).identify([data / name for name in stage.file_names])

    temperature = mentum.load(released).record.networks[0].temperature
    scaled = stage.probabilities[Rank.SPECIES].astype(np.float64) ** (1 / temperature)
    species = scaled / scaled.sum(1, keepdims=True)
    names = [taxon.name for taxon in run.taxonomy().taxa(Rank.SPECIES)]
    assert [each.ranks[0].scientific_name for each in found] == [names[column] for column in species.argmax(1)]
    np.testing.assert_allclose([each.ranks[0].probability for each in found], species.max(1), atol=1e-4)
    genus = run.taxonomy().sum_up(species.astype(np.float32), Rank.GENUS)
    np.testing.assert_allclose([each.ranks[1].probability for each in found], genus.max(1), atol=1e-4)


def test_separate_networks_answer_at_their_ranks(separate_model: Path, separate_run: Path) -> None:
    run = Run.open(separate_run)
    *_, stage = run.predictions()
    data = Path(run.record().data.source)
    identifier = mentum.load(separate_model)

    found = identifier.identify([data / name for name in stage.file_names[:4]])

    for place, network in enumerate(identifier.record.networks):
        scaled = stage.probabilities[Rank(network.name)][:4].astype(np.float64) ** (1 / network.temperature)
        assert [each.ranks[place].rank.value for each in found] == [network.name] * 4
        np.testing.assert_allclose(
            [each.ranks[place].probability for each in found], (scaled / scaled.sum(1, keepdims=True)).max(1), atol=1e-4
        )


def test_a_batch_does_not_change_the_answer(released: Path, trained_data: Path) -> None:
    identifier = mentum.load(released)
    files = sorted((trained_data / "images").iterdir())
    together = identifier.identify(files)
    (alone,) = identifier.identify(files[17])
    assert alone.identification_id == together[17].identification_id
    for one, other in zip(alone.ranks, together[17].ranks, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=2e-6)


def test_a_model_may_be_given_by_its_folder(released: Path, trained_data: Path) -> None:
    image = sorted((trained_data / "images").iterdir())[0]
    whole, path, text = (Identifier(each) for each in (mentum.load(released).model, released, str(released)))
    assert whole.identify(image)[0].ranks == path.identify(str(image))[0].ranks == text.identify(image)[0].ranks


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"found no model.json, expected a model folder"):
        mentum.load(tmp_path)
