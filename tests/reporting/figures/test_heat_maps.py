import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from mentum.identification.identifier import Identifier
from mentum.identification.inputs import Inputs
from mentum.maps import positive, shared_maximum
from mentum.records import ignore_progress
from mentum.reporting.figures.colouring import (
    contrast_colouring,
    contrast_levels,
    heat_colouring,
    heat_levels,
    photograph,
)
from mentum.reporting.figures.heat_maps import OverlayWriter, unique_stems, write_overlays
from support.awkward_images import write_truncated
from support.full_disk import full_disk
from support.models_by_hand import (
    CONTRADICTION,
    GENUS,
    NOTHING,
    ORTHOCLADIUS,
    PLUMOSUS,
    RANKS,
    SEPARATE,
    STRANGE,
    SUBFAMILY,
    level,
    make_model,
    write_level,
)
from support.pictured_evidence import GEOMETRY, SIDE, at_species, one_cell, run_evidence

SURE = (0.8, 0.15, 0.05)
TOP, LEFTS = 48, (10, 242, 474)


def write(folder, maps, **parts):
    """The pictures of images that are all labelled and identified as the first taxon."""
    evidence = run_evidence(at_species([0] * len(maps), [SURE] * len(maps), maps), **parts)
    return write_overlays(evidence, folder, ignore_progress)


def squares(file):
    """Photograph, map on the shared scale and map on the image's own, as integers."""
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    return [pixels[TOP : TOP + SIDE, left : left + SIDE] for left in LEFTS]


def reddest(square, bare):
    """Row and column of the cell of 7 x 7 in which a square is most unlike the photograph."""
    change = np.abs(square - bare).sum(axis=2).reshape(7, 32, 7, 32).sum(axis=(1, 3))
    return np.unravel_index(change.argmax(), change.shape)


def test_one_picture_per_image_and_rank_of_three_squares(tmp_path):
    files = write(tmp_path / "new", [one_cell(0, 0), one_cell(1, 1)])
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "new/species/images_0.png",
        "new/species/images_1.png",
    ]
    with Image.open(files[0]) as image:
        assert (image.format, image.mode, image.width) == ("PNG", "RGB", 708)
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)


def test_photograph_stands_first_as_it_is(tmp_path):
    (file,) = write(tmp_path, [one_cell(3, 3)])
    expected = np.asarray(photograph(run_evidence(at_species([0], [SURE], [one_cell(3, 3)])).pixels[0]))
    assert (squares(file)[0] == expected).all()


@pytest.mark.parametrize("cell", [(0, 6), (2, 1), (6, 3)])
def test_heat_lies_where_the_evidence_is(tmp_path, cell):
    (file,) = write(tmp_path, [one_cell(*cell)])
    bare, shared, own = squares(file)
    assert reddest(shared, bare) == reddest(own, bare) == cell


def test_peak_has_the_strongest_colour_on_the_photograph(tmp_path):
    (file,) = write(tmp_path, [one_cell(2, 5)])
    bare, _, own = squares(file)
    y, x = (4 * (4 + 8 * cell) + 2 for cell in (2, 5))  # the centre of a cell, enlarged four times
    strongest = np.frombuffer(heat_colouring().palette, dtype=np.uint8)[-3:].astype(float)
    assert own[y, x] == pytest.approx(0.75 * strongest + 0.25 * bare[y, x], abs=1.5)


def test_a_map_of_zeros_leaves_the_photograph_unchanged(tmp_path):
    first, _ = write(tmp_path, [np.zeros((7, 7)), one_cell(0, 0)])
    bare, shared, own = squares(first)
    assert (shared == bare).all()
    assert (own == bare).all()


def test_evidence_against_is_not_shown(tmp_path):
    signed, alone = write(tmp_path, [one_cell(1, 1) - one_cell(5, 5, 9), one_cell(1, 1)])
    for one, other in zip(squares(signed), squares(alone), strict=True):
        assert (one == other).all()


def test_shared_scale_is_that_of_all_images_and_own_scale_is_not(tmp_path):
    weak, strong = write(tmp_path, [one_cell(3, 3, 0.5), one_cell(3, 3, 4.0)])
    (_, weak_shared, weak_own), (_, strong_shared, strong_own) = squares(weak), squares(strong)
    assert (weak_own == strong_own).all()
    bare = squares(weak)[0]
    assert np.abs(weak_shared - bare).sum() < 0.5 * np.abs(strong_shared - bare).sum()


def test_shared_scale_is_not_set_by_one_outlier():
    relevance = np.stack([one_cell(3, 3)] * 200 + [one_cell(3, 3, 1000)])
    assert shared_maximum(relevance, GEOMETRY) == pytest.approx(1)


def test_shared_maximum_is_that_of_the_drawn_positive_maps():
    relevance = np.random.default_rng(1).normal(size=(20, 7, 7)).astype(np.float32)
    drawn = [GEOMETRY.draw(positive(map_)).max() for map_ in relevance]
    assert shared_maximum(relevance, GEOMETRY) == pytest.approx(np.percentile(drawn, 99))


@pytest.mark.parametrize(
    ("file_names", "stems"),
    [
        (["a/1.jpg", "b/1.jpg"], ["a_1", "b_1"]),
        (["a/b_1.jpg", "a_b/1.jpg"], ["a_b_1", "a_b_1_2"]),
        (["1.jpg", "1.png", "1_2.jpg"], ["1", "1_2", "1_2_2"]),
        (["A.jpg", "a.jpg"], ["A", "a_2"]),
        (["/home/x.jpg", "../x.jpg"], ["_home_x", ".._x"]),
    ],
)
def test_every_picture_has_its_own_name_on_every_file_system(file_names, stems):
    assert unique_stems(file_names) == stems


def test_equal_stems_in_two_folders_give_two_pictures(tmp_path):
    files = write(tmp_path, [one_cell(0, 0), one_cell(6, 6)], file_names=["a/x.jpg", "b/x.jpg"])
    assert len({file.read_bytes() for file in files}) == 2


def test_arrays_are_used_again_without_traces_of_the_image_before(tmp_path):
    maps, y_prob = [one_cell(0, 0, 3), one_cell(6, 6)], [SURE, (0.05, 0.15, 0.8)]
    names = ["images/a_rather_long_name_of_a_file.jpg", "b.jpg"]
    both = run_evidence(at_species([1, -1], y_prob, maps), file_names=names)
    _, second = write_overlays(both, tmp_path / "both", ignore_progress)
    turned = run_evidence(at_species([-1, 1], y_prob[::-1], maps[::-1]), file_names=names[::-1])
    first, _ = write_overlays(turned, tmp_path / "turned", ignore_progress)
    assert second.read_bytes() == first.read_bytes()


@pytest.mark.parametrize(("y_true", "is_red"), [(0, False), (1, True), (-1, False)])
def test_another_label_is_written_in_red(tmp_path, y_true, is_red):
    evidence = run_evidence(at_species([y_true], [SURE], [one_cell(0, 0)]))
    (file,) = write_overlays(evidence, tmp_path, ignore_progress)
    with Image.open(file) as image:
        head = np.asarray(image)[:TOP].astype(int)
    assert (head[..., 0] - head[..., 1] > 80).any() == is_red


def test_a_failure_leaves_no_half_picture(tmp_path):
    with full_disk(takes=1000), pytest.raises(OSError, match="File too large"):
        write(tmp_path, [one_cell(0, 0)])
    assert not list(tmp_path.rglob("*.png"))


def test_progress_counts_images_and_ends_with_all(tmp_path):
    told = []
    evidence = run_evidence(at_species([0] * 20, [SURE] * 20, [one_cell(0, 0)] * 20))
    write_overlays(evidence, tmp_path, told.append)
    assert [(step.done, step.total, step.unit) for step in told] == [(16, 20, "images"), (20, 20, "images")]


def test_no_image_gives_no_picture(tmp_path):
    evidence = run_evidence(at_species([0], [SURE], [one_cell(0, 0)]))
    evidence.file_names.clear()
    assert write_overlays(evidence, tmp_path, ignore_progress) == []


def test_same_evidence_gives_the_same_bytes(tmp_path):
    maps = [one_cell(2, 2)]
    assert write(tmp_path / "1", maps)[0].read_bytes() == write(tmp_path / "2", maps)[0].read_bytes()


def test_levels_without_any_evidence_are_all_zero():
    assert (heat_levels(np.ones((2, 2), dtype=np.float32), largest=0) == 0).all()
    assert (contrast_levels(np.zeros((2, 2), dtype=np.float32), largest=0) == 128).all()


def test_a_difference_of_zero_leaves_the_photograph_unchanged_and_signs_have_two_colours():
    bare = Image.new("RGB", (3, 3), (120, 120, 120))
    difference = np.array([[-1, 0, 1]] * 3, dtype=np.float32)
    against, none, in_favour = np.asarray(contrast_colouring().lay(contrast_levels(difference, 1), bare)).astype(int)[0]
    assert none.tolist() == [120, 120, 120]
    assert against[2] > against[0]
    assert in_favour[0] > in_favour[2]


def test_importing_heat_maps_does_not_load_matplotlib():
    code = "import sys; from mentum.reporting.figures import galleries, heat_maps; print('matplotlib' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


# As images are identified


@pytest.fixture
def identifier(tmp_path):
    return Identifier(make_model(tmp_path / "model"))


def overlays(identifier, folder, *images):
    """Identify and draw; the identifications and the writer's files, in order of their names."""
    record = identifier.record
    taxa = {rank: identifier.taxonomy.taxa(rank) for rank in record.ranks}
    writer = OverlayWriter(folder, taxa, record.geometry, record.map_scale)
    return list(identifier.stream(images, draw=writer)), sorted(folder.iterdir())


def test_one_picture_per_image_under_its_name_and_identifier(identifier, tmp_path):
    photos = [write_level(tmp_path / part / "larva.png", red) for part, red in (("a", PLUMOSUS), ("b", ORTHOCLADIUS))]
    given = [*Inputs((str(photos[0]),)), *Inputs((str(photos[1]),))]
    found, files = overlays(identifier, tmp_path / "new" / "maps", *given)
    assert {file.name for file in files} == {f"larva-{each.identification_id[-12:]}.png" for each in found}
    with Image.open(files[0]) as image:
        assert (image.format, image.mode, image.width) == ("PNG", "RGB", 708)


def test_an_image_that_cannot_be_read_has_no_picture(identifier, tmp_path):
    broken = write_truncated(tmp_path / "broken.png")
    found, files = overlays(identifier, tmp_path / "maps", *Inputs((str(broken),)), level(PLUMOSUS))
    assert [each.status.value for each in found] == ["failed", "identified"]
    assert [file.name for file in files] == [f"array 2-{found[1].identification_id[-12:]}.png"]


def test_every_status_is_drawn(identifier, tmp_path):
    images = [
        level(red, green) for red in (PLUMOSUS, GENUS, SUBFAMILY, NOTHING, ORTHOCLADIUS) for green in (0, STRANGE)
    ]
    found, files = overlays(identifier, tmp_path / "maps", *images)
    assert {each.status.value for each in found} == {"identified", "higher rank", "undetermined", "unknown"}
    assert len(files) == len(images)


@pytest.mark.parametrize(("red", "cell"), [(PLUMOSUS, (0, 0)), (ORTHOCLADIUS, (0, 3))])
def test_the_heat_is_that_of_the_taxon_that_was_identified(identifier, tmp_path, red, cell):
    """All evidence for a taxon by hand lies in the cell of its column."""
    _, (file,) = overlays(identifier, tmp_path / "maps", level(red))
    bare, _, own = squares(file)
    change = np.abs(own - bare).sum(axis=2).reshape(4, 56, 4, 56).sum(axis=(1, 3))
    assert np.unravel_index(change.argmax(), change.shape) == cell


def test_a_genus_is_explained_by_its_own_map_and_not_by_that_of_a_species(identifier, tmp_path):
    _, (file,) = overlays(identifier, tmp_path / "maps", level(GENUS))
    bare, _, own = squares(file)
    change = np.abs(own - bare).sum(axis=2).reshape(4, 56, 4, 56).sum(axis=(1, 3))
    first, second = change[0, 0], change[0, 1]  # both species of Chironomus
    assert min(first, second) > 5 * change[0, 3]


def test_the_shared_scale_is_that_of_the_model(tmp_path):
    pictures = {}
    for scale in (1.0, 100.0):
        model = make_model(tmp_path / f"model {scale}", map_scale=dict.fromkeys(RANKS, scale))
        _, (file,) = overlays(Identifier(model), tmp_path / f"maps {scale}", level(PLUMOSUS))
        pictures[scale] = squares(file)
    (bare, shared, own), (_, faint, same) = pictures.values()
    assert (own == same).all()
    assert np.abs(faint - bare).sum() < 0.5 * np.abs(shared - bare).sum()


def test_the_same_image_again_replaces_its_picture_with_the_same_bytes(identifier, tmp_path):
    _, (file,) = overlays(identifier, tmp_path / "maps", level(GENUS))
    before = file.read_bytes()
    _, files = overlays(identifier, tmp_path / "maps", level(PLUMOSUS), level(GENUS))
    assert len(files) == 3  # the name of an array tells its place
    assert before in {each.read_bytes() for each in files}


def test_separate_networks_have_their_own_maps(tmp_path):
    model = make_model(tmp_path / "model", SEPARATE)
    (found,), files = overlays(Identifier(model), tmp_path / "maps", level(CONTRADICTION))
    assert (found.scientific_name, len(files)) == ("Polypedilum", 1)
    bare, _, own = squares(files[0])
    change = np.abs(own - bare).sum(axis=2).reshape(4, 56, 4, 56).sum(axis=(1, 3))
    assert np.unravel_index(change.argmax(), change.shape) == (0, 1)
