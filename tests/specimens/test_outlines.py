import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import PhantomSettings
from mentum.specimens.outlines.masks import convex_hull, joined, otsu, smooth
from mentum.specimens.outlines.silhouettes import contrast_with_border, find_silhouette, find_specimen
from support.posed_specimens import MARKS, SIZE, pose, square_of


def scene(height: int = 60, width: int = 90) -> np.ndarray:
    """A dark disc of radius 15 on pale ground."""
    image = np.full((height, width, 3), 210, dtype=np.uint8)
    y, x = np.mgrid[:height, :width]
    image[(x - 50) ** 2 + (y - 28) ** 2 < 15**2] = (120, 80, 50)
    return image


def disc(image: np.ndarray) -> np.ndarray:
    return image[..., 2] < 100


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_the_disc_is_found():
    found = find_silhouette(contrast_with_border(scene()))
    assert overlap(found, disc(scene())) > 0.9


def test_uneven_light_is_background():
    y, x = np.mgrid[-1:1:60j, -1:1:90j]
    vignette = 1 - 0.35 * (x**2 + y**2) / 2 + 0.1 * x
    image = (scene() * vignette[..., None]).clip(0, 255).astype(np.uint8)
    empty = (np.full_like(scene(), 210) * vignette[..., None]).astype(np.uint8)
    assert contrast_with_border(empty).max() < np.ptp(empty.astype(float)) * 0.45
    assert overlap(find_silhouette(contrast_with_border(image)), disc(scene())) > 0.85


def test_a_speck_at_the_border_is_not_the_specimen():
    image = scene()
    image[2:12, 2:16] = 0  # more conspicuous than the disc
    assert overlap(find_silhouette(contrast_with_border(image)), disc(scene())) > 0.9


def test_holes_notches_and_hairs_are_evened_out():
    image = scene()
    image[24:34, 40:47] = 210  # a pale place within
    image[27:29, 64:80] = (120, 80, 50)  # a hair
    assert overlap(find_silhouette(contrast_with_border(image)), disc(scene())) > 0.85


@pytest.mark.parametrize(
    "image", [np.full((60, 90, 3), 130, dtype=np.uint8), np.eye(60, dtype=np.uint8)[..., None].repeat(3, 2)]
)
def test_nothing_to_find(image):
    assert find_silhouette(contrast_with_border(image)) is None


def test_what_covers_everything_is_no_specimen():
    assert find_silhouette(np.pad(np.ones((58, 88)), 1)) is None


def test_the_mouth_is_within_the_specimen():
    frame = pose(np.random.default_rng(3))
    found = find_silhouette(contrast_with_border(square_of(frame)[11:101]))
    x, y = frame.to_square(np.array(MARKS["mouth"]))
    assert found[int(y) - 11, int(x)]
    assert found.sum() == pytest.approx(frame.scale**2, rel=0.15)
    assert SIZE == 112


def test_otsu_agrees_with_trying_every_threshold():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(2, 0.5, 300), rng.normal(6, 1.0, 100)])

    def between(threshold: float) -> float:
        low, high = values[values < threshold], values[values >= threshold]
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) and len(high) else 0.0

    best = max(between(threshold) for threshold in np.linspace(values.min(), values.max(), 2000))
    assert between(otsu(values)) == pytest.approx(best, rel=0.01)


def test_joined_stops_at_corners():
    within = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    seed = np.zeros_like(within)
    seed[0, 0] = True
    assert joined(seed, within).sum() == 3


def test_hull_of_two_cells_spans_what_lies_between():
    mask = np.zeros((9, 9), dtype=bool)
    mask[4, 1] = mask[4, 7] = True
    assert convex_hull(mask)[4].tolist() == [False, *[True] * 7, False]
    assert not convex_hull(mask)[[0, 1, 2, 6, 7, 8]].any()


def test_smoothing_keeps_a_constant_and_spreads_a_point():
    assert np.allclose(smooth(np.full((5, 7), 3.0), 1.5), 3)
    point = np.zeros((21, 21))
    point[10, 10] = 1
    blurred = smooth(point, 2.0)
    assert blurred.sum() == pytest.approx(1, abs=1e-3)  # what would lie beyond the border is shared out within
    assert blurred[10, 12] / blurred[10, 10] == pytest.approx(np.exp(-0.5), rel=1e-4)


def test_the_specimen_of_a_whole_image_in_its_own_pixels():
    image = scene().repeat(10, axis=0).repeat(10, axis=1)
    found = find_specimen(image)
    assert found.shape == (600, 900)
    assert found.dtype == bool
    assert overlap(found, disc(image)) > 0.9


@pytest.mark.parametrize("shape", [(60, 90), (1, 1), (8, 900), (900, 8), (3, 4)])
def test_an_image_without_a_specimen(shape: tuple[int, int]):
    assert find_specimen(np.full((*shape, 3), 130, dtype=np.uint8)) is None


def test_drawn_specimens_are_found(tmp_path: Path):
    """Micrographs whose outlines are known: the head capsule with little around it."""
    folder = draw_phantoms(tmp_path / "drawn", PhantomSettings(images=20, width=256))
    record = json.loads((folder / "characters.coco.json").read_text())
    (capsule,) = (each["id"] for each in record["categories"] if each["supercategory"] == "specimen")
    files = {each["id"]: folder / each["file_name"] for each in record["images"]}
    overlaps = []
    for each in record["annotations"]:
        if each["category_id"] == capsule:
            picture = Image.open(files[each["image_id"]]).convert("RGB")
            outlined = Image.new("1", picture.size)
            ImageDraw.Draw(outlined).polygon(each["segmentation"][0], fill=1)
            overlaps.append(overlap(find_specimen(np.asarray(picture)), np.asarray(outlined)))
    assert len(overlaps) == 20
    assert min(overlaps) > 0.6
    assert np.mean(overlaps) > 0.85
