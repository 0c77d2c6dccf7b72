import numpy as np
import pytest

from mentum.explanation.proposals.clusters import REACH
from mentum.explanation.proposals.pictures import example_pictures, mean_image
from mentum.explanation.proposals.propose import propose_characters
from support.posed_specimens import MARKS, planted


@pytest.fixture(scope="module")
def data():
    return planted(n=24)


def at(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    """Colour at a place of the frame."""
    cells = len(picture)
    return picture[int((REACH - y) * cells / (2 * REACH)), int((x + REACH) * cells / (2 * REACH))].astype(int)


def test_the_mean_shows_what_all_specimens_share(data):
    mean = mean_image(data.evidence, data.frames, cells=200)
    assert mean.shape == (200, 200, 3)
    assert mean.dtype == np.uint8
    assert np.abs(at(mean, *MARKS["mouth"]) - (70, 40, 30)).max() < 30
    assert np.abs(at(mean, 0, -0.3) - (150, 100, 60)).max() < 25
    for side in (1, -1):
        assert at(mean, side * MARKS["eyes"][0], MARKS["eyes"][1]).sum() < at(mean, 0, 0.1).sum() - 40


def test_padding_does_not_darken_the_mean(data):
    mean = mean_image(data.evidence, data.frames, cells=200)
    assert np.abs(at(mean, 0.75, 0) - (190, 215, 225)).max() < 12
    assert mean.min(axis=(0, 1))[2] > 25  # no corner is black


def test_wrong_number_of_frames(data):
    with pytest.raises(ValueError, match="zip"):
        mean_image(data.evidence, data.frames[:-1])


def test_examples_have_the_peak_in_their_middle(data):
    proposals = propose_characters(data.evidence)
    pictures = example_pictures(data.evidence, proposals, cells=40)
    assert pictures.keys() == {character.number for character in proposals.characters}
    mouth = next(character for character in proposals.characters if abs(character.x) < 0.05 and character.y > 0.3)
    for picture in pictures[mouth.number]:
        assert picture.shape == (40, 40, 3)
        assert picture[18:22, 18:22].mean() < 80
