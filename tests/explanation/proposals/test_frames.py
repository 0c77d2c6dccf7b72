import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mentum.explanation.proposals.frames import Frame, find_frame, summit_offset
from mentum.specimens.pixels import SquarePlacement
from support.posed_specimens import HEIGHT, SIZE, WIDTH, pose, square_of

PLACEMENT = SquarePlacement(WIDTH, HEIGHT, SIZE)

frames = st.builds(
    Frame,
    x=st.floats(-300, 300),
    y=st.floats(-300, 300),
    angle=st.floats(-90, 90),
    scale=st.floats(1, 300),
    axis=st.just("long"),
)


@given(frames, st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1))
def test_to_the_square_and_back(frame, points):
    there = frame.to_square(np.array(points))
    assert np.allclose(frame.from_square(there), points, atol=1e-6)


@given(frames, st.integers(50, 4000), st.integers(50, 4000))
def test_to_the_pixels_of_the_image_and_back(frame, width, height):
    points = np.array([(0.0, 0.0), (1.0, 0.5), (-0.3, 0.2)])
    placement = SquarePlacement(width, height, 224)
    in_image = placement.restore(frame.to_square(points))
    assert np.allclose(frame.from_square(placement.place(in_image)), points, atol=1e-5)


def test_by_hand():
    upright = Frame(x=50, y=40, angle=0, scale=10, axis="upright")
    assert upright.to_square(np.array([(1, 2), (0, 0)])).tolist() == [[60, 20], [50, 40]]
    leaning_right = upright.model_copy(update={"angle": 90})
    assert np.allclose(leaning_right.to_square(np.array([(0.0, 1.0), (1.0, 0.0)])), [(60, 40), (50, 50)])


def test_a_window_shows_the_place_with_the_axis_upright():
    frame = Frame(x=50, y=40, angle=90, scale=10, axis="long")
    picture = np.zeros((100, 100), dtype=np.uint8)
    picture[35:45, 60:80] = 255  # from 1 to 3 along the axis, which points to the right
    window = np.asarray(frame.window(Image.fromarray(picture), (0, 2), 2, 40))
    # The window spans y from 4 (top) to 0; what is bright, y 3 to 1 and x -0.5 to 0.5.
    bright = np.argwhere(window > 127)
    assert bright.min(axis=0).tolist() == [10, 15]
    assert bright.max(axis=0).tolist() == [29, 24]


@pytest.mark.parametrize("seed", range(12))
def test_a_symmetrical_specimen_is_found_in_any_pose(seed):
    true = pose(np.random.default_rng(seed))
    found = find_frame(square_of(true), PLACEMENT)
    assert found.axis == "mirror"
    assert (found.x, found.y) == pytest.approx((true.x, true.y), abs=1.0)
    assert found.angle == pytest.approx(true.angle, abs=4)
    assert found.scale == pytest.approx(true.scale, rel=0.07)


def test_a_specimen_without_symmetry_is_turned_by_its_long_axis():
    bent = [(20, 20), (60, 20), (60, 60), (95, 60), (95, 100), (45, 100), (45, 40), (20, 40)]
    square = Image.new("RGB", (SIZE, SIZE), (190, 215, 225))
    ImageDraw.Draw(square).polygon(bent, fill=(150, 100, 60))
    y, x = np.nonzero(np.asarray(square)[..., 2] < 100)
    extents, axes = np.linalg.eigh(np.cov(x, y))
    found = find_frame(np.asarray(square), SquarePlacement(SIZE, SIZE, SIZE))
    assert found.axis == "long"
    assert np.tan(np.radians(found.angle)) == pytest.approx(-axes[0, 1] / axes[1, 1], abs=0.05)
    assert extents[1] > 2 * extents[0]


def test_a_round_specimen_keeps_the_upright():
    square = np.tile(np.array([190, 215, 225], dtype=np.uint8), (SIZE, SIZE, 1))
    y, x = np.mgrid[:SIZE, :SIZE]
    square[(x - 50) ** 2 + (y - 60) ** 2 < 25**2] = (150, 100, 60)
    found = find_frame(square, SquarePlacement(SIZE, SIZE, SIZE))
    assert (found.axis, found.angle) == ("upright", 0)
    assert (found.x, found.y, found.scale) == pytest.approx((50.5, 60.5, np.sqrt(np.pi) * 25), abs=1.5)


def test_shading_and_a_thread_do_not_mislead():
    true = Frame(x=60, y=52, angle=-20, scale=36, axis="mirror")
    shade = np.linspace(0.6, 1.05, SIZE)[None, :, None] * np.linspace(1, 0.8, SIZE)[:, None, None]
    square = np.clip(square_of(true) * shade, 0, 255).astype(np.uint8)
    square[:, 97:99] = (60, 60, 60)
    found = find_frame(square, PLACEMENT)
    assert (found.x, found.y) == pytest.approx((60, 52), abs=2)
    assert found.angle == pytest.approx(-20, abs=5)


def test_without_a_specimen_the_frame_is_that_of_the_whole_image():
    blank = np.full((SIZE, SIZE, 3), 200, dtype=np.uint8)
    assert find_frame(blank, PLACEMENT) == Frame(
        x=SIZE / 2, y=PLACEMENT.top + PLACEMENT.inner[1] / 2, angle=0, scale=np.sqrt(112 * 90), axis="image"
    )


def test_a_strip_has_the_frame_of_the_whole_image():
    found = find_frame(np.zeros((SIZE, SIZE, 3), dtype=np.uint8), SquarePlacement(4000, 60, SIZE))
    assert found.axis == "image"
    assert found.scale == pytest.approx(np.sqrt(112 * 2))


def test_an_outline_rules_over_colours():
    outline = np.zeros((SIZE, SIZE), dtype=np.float32)
    outline[30:90, 20:40] = 1
    found = find_frame(square_of(pose(np.random.default_rng(0))), PLACEMENT, outline)
    assert (found.x, found.y) == pytest.approx((30, 60), abs=1)
    assert found.scale == pytest.approx(np.sqrt(60 * 20), rel=0.04)
    empty = find_frame(square_of(pose(np.random.default_rng(0))), PLACEMENT, 0 * outline)
    assert empty == find_frame(square_of(pose(np.random.default_rng(0))), PLACEMENT)


@pytest.mark.parametrize("values", [(0, 1, 0), (0.2, 1, 0.2)])
def test_an_even_summit_lies_in_the_middle(values):
    assert summit_offset(values) == 0


def test_summit_of_a_sampled_parabola():
    assert summit_offset([-((x - 0.3) ** 2) for x in (-1, 0, 1)]) == pytest.approx(0.3)
    assert summit_offset([1, 1, 1]) == summit_offset([1, 2]) == 0


def test_an_outline_of_a_single_cell_has_a_frame():
    outline = np.zeros((SIZE, SIZE), dtype=np.float32)
    outline[50:53, 60:63] = 1
    found = find_frame(square_of(pose(np.random.default_rng(0))), PLACEMENT, outline)
    assert (found.x, found.y) == pytest.approx((61.5, 51.5), abs=1.5)
