import numpy as np
import pytest
from PIL import Image

from mentum.reporting.figures.galleries import (
    contrast_posters,
    draw_contrasts,
    draw_galleries,
    gallery_posters,
    names_for_files,
)
from mentum.reporting.figures.lettering import Lettering
from mentum.reporting.figures.poster import Bar, Poster, Tile
from mentum.taxonomy import Rank, name_spans
from support.full_disk import full_disk
from support.pictured_evidence import SIDE, at_species, one_cell, run_evidence

CAPTIONED = 12


def galleries(evidence, used=None):
    """Galleries as records."""
    return [poster for _, poster in gallery_posters(evidence, used)]


def contrasts(evidence):
    """Contrasts as records."""
    return [poster for _, poster in contrast_posters(evidence)]


def text(spans):
    return "".join(piece for piece, _ in spans)


def captions(poster):
    """Heading → captions of its tiles, for rows that have any."""
    return {
        text(heading): [[text(spans) for spans, _ in tile.lines] for tile in tiles] for heading, tiles in poster.rows
    }


def certain(probability, column=0):
    """Probabilities of three taxa of which one has this."""
    y_prob = np.full(3, (1 - probability) / 2)
    y_prob[column] = probability
    return y_prob


def evidence_of(y_true, y_prob, maps=None, **more):
    maps = [one_cell(3, 3)] * len(y_true) if maps is None else maps
    return run_evidence(at_species(y_true, y_prob, maps, **more))


def test_one_gallery_per_taxon_that_images_are_labelled_as(tmp_path):
    evidence = evidence_of([0, 2, -1], [certain(0.9), certain(0.8), certain(0.7, 1)])
    files = draw_galleries(evidence, None, tmp_path / "new")
    assert [file.name for file in files] == ["gallery_species_Aus_bus.png", "gallery_species_Dus_sp._1.png"]
    assert all(file.is_file() for file in files)
    with Image.open(files[0]) as image:
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)


def test_rows_hold_the_most_and_least_certain_and_the_incorrect():
    y_prob = [certain(value) for value in (0.91, 0.99, 0.92, 0.98, 0.93, 0.97, 0.94)] + [
        certain(0.6, 1),
        certain(0.7, 2),
    ]
    (poster,) = galleries(evidence_of([0] * 9, y_prob))
    rows = captions(poster)
    assert [lines[0] for lines in rows["Correct, most certain"]] == [
        f"probability {value}" for value in (0.99, 0.98, 0.97, 0.94, 0.93)
    ]
    assert [lines[0] for lines in rows["Correct, least certain"]] == ["probability 0.91", "probability 0.92"]
    assert [lines[:2] for lines in rows["Incorrect"]] == [
        ["identified as Dus sp. 1", "probability 0.70"],
        ["identified as Aus cus", "probability 0.60"],
    ]
    assert text(poster.subtitle) == "species rank, 9 images with this label: 7 identified correctly, 2 incorrectly"


def test_no_image_is_shown_twice():
    (poster,) = galleries(evidence_of([0] * 3, [certain(0.9)] * 3))
    rows = captions(poster)
    assert len(rows["Correct, most certain"]) == 3
    assert not rows["Correct, least certain"]


def test_empty_rows_take_no_room(tmp_path):
    (few,) = draw_galleries(evidence_of([0], [certain(0.9)]), None, tmp_path / "few")
    (many,) = draw_galleries(evidence_of([0] * 6, [certain(0.9)] * 6), None, tmp_path / "many")
    with Image.open(few) as one, Image.open(many) as other:
        assert SIDE < other.height - one.height < 2 * SIDE


def test_characters_are_named_where_they_are_known():
    used = {Rank.SPECIES: np.array(["ventromental_plate", "none"])}
    (poster,) = galleries(evidence_of([0, 0], [certain(0.9), certain(0.8)]), used)
    ((first, second), *_) = captions(poster).values()
    assert first == ["probability 0.90", "character used: ventromental plate", "0.jpg"]
    assert second[1] == "character used: none"


def test_names_are_italic_but_for_qualifiers():
    (poster,) = galleries(evidence_of([2], [certain(0.9, 2)]))
    assert poster.title == [("Dus", True), (" sp. 1", False)]


def test_heat_is_scaled_to_the_image_s_own_maximum():
    maps = [one_cell(1, 1, 0.1), one_cell(1, 1, 10)]
    (poster,) = galleries(evidence_of([0, 0], [certain(0.9)] * 2, maps))
    first, second = poster.rows[0][1]
    assert first.picture.tobytes() == second.picture.tobytes()


def test_homonyms_have_two_files():
    assert names_for_files(["Cus", "Cus", "Cus"]) == ["Cus", "Cus_2", "Cus_3"]


def contrasted():
    """Two images of Aus bus with Aus cus as the runner-up, one taken for it; one of Aus cus taken for Dus sp. 1."""
    return evidence_of(
        [0, 0, 0, 1],
        [(0.7, 0.2, 0.1), (0.6, 0.1, 0.3), (0.3, 0.6, 0.1), (0.2, 0.3, 0.5)],
        maps=[one_cell(1, 1, 2), one_cell(1, 1, 2), one_cell(5, 5, 2), one_cell(5, 5, 2)],
        runner_up_relevance=[one_cell(5, 5)] * 4,
        label_relevance=[one_cell(1, 1, 2), one_cell(1, 1, 2), one_cell(1, 1), one_cell(1, 1)],
    )


def test_confused_pairs_are_contrasted(tmp_path):
    files = draw_contrasts(contrasted(), tmp_path / "new")
    assert [file.name for file in files] == [
        "contrast_species_Aus_bus_not_Aus_cus.png",
        "contrast_species_Aus_cus_not_Dus_sp._1.png",
    ]
    first = contrasts(contrasted())[0]
    assert text(first.title) == "Why Aus bus and not Aus cus"
    assert text(first.subtitle) == "species rank; 1 image of Aus bus identified as Aus cus"
    assert captions(first) == {
        "Identified as Aus bus, with Aus cus as the runner-up": [["Aus bus 0.70", "Aus cus 0.20", "0.jpg"]],
        "Labelled Aus bus but identified as Aus cus": [["Aus cus 0.60", "Aus bus 0.30", "2.jpg"]],
    }


def test_most_frequent_confusion_comes_first_and_most_limits_the_pairs(tmp_path):
    y_prob = [certain(0.8, 2), certain(0.8, 1), certain(0.8, 1)]
    (file,) = draw_contrasts(evidence_of([0, 0, 0], y_prob), tmp_path, most=1)
    assert file.name == "contrast_species_Aus_bus_not_Aus_cus.png"


def test_without_confusion_the_strongest_runner_up_is_contrasted(tmp_path):
    y_prob = [(0.6, 0.1, 0.3), (0.1, 0.5, 0.4), (0.3, 0.1, 0.6)]
    files = draw_contrasts(evidence_of([0, 1, 2], y_prob), tmp_path, most=2)
    assert [file.name for file in files] == [
        "contrast_species_Aus_cus_not_Dus_sp._1.png",
        "contrast_species_Aus_bus_not_Dus_sp._1.png",
    ]


def test_red_speaks_for_the_label_and_blue_for_the_other_taxon_in_both_rows():
    for _, (tile,) in contrasts(contrasted())[0].rows:
        pixels = np.asarray(tile.picture).astype(int)
        (red, _, blue), (red_other, _, blue_other) = (
            pixels[4 * (4 + 8 * cell) + 2, 4 * (4 + 8 * cell) + 2] for cell in (1, 5)
        )
        assert red > blue
        assert blue_other > red_other


def test_contrasts_share_a_scale_that_is_symmetric_about_zero():
    bar = contrasts(contrasted())[0].bar
    assert (text(bar.low), text(bar.high)) == ("−0.8", "0.8")  # noqa: RUF001


def test_same_evidence_gives_the_same_bytes(tmp_path):
    first, second = (
        draw_galleries(contrasted(), None, tmp_path / name) + draw_contrasts(contrasted(), tmp_path / name)
        for name in ("1", "2")
    )
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_a_failure_leaves_no_half_picture(tmp_path):
    with full_disk(takes=1000), pytest.raises(OSError, match="File too large"):
        draw_galleries(contrasted(), None, tmp_path)
    assert not list(tmp_path.glob("*.png"))


def test_no_caption_is_wider_than_its_tile():
    lettering = Lettering.load(CAPTIONED)
    spans = [("identified as ", False), *name_spans("Polypedilum (Tripodura) scalaenum cf. nubeculosum", Rank.SPECIES)]
    lines = lettering.wrap(spans, SIDE)
    assert all(lettering.width(line) <= SIDE for line in lines)
    assert " ".join(text(line) for line in lines) == text(spans)


def test_file_names_lose_their_middle_not_their_end():
    lettering = Lettering.load(CAPTIONED)
    shortened = lettering.shorten("a_very_long_name_of_a_photograph_of_a_midge_000123.jpg", SIDE)
    assert lettering.width([(shortened, False)]) <= SIDE
    assert shortened.startswith("a_very")
    assert shortened.endswith("_000123.jpg")
    assert lettering.shorten("short.jpg", SIDE) == "short.jpg"


def test_poster_is_as_wide_as_its_widest_row_or_four_tiles():
    tile = Tile(Image.new("RGB", (50, 50)), [([("a", False)], (0, 0, 0))])
    bar = Bar([("0", False)], Image.new("RGB", (20, 5)), [("1", False)])
    widths = [Poster(name_spans("Aus", Rank.GENUS), [], [([], [tile] * n)], [], bar).draw().width for n in (1, 4, 5)]
    assert widths[0] == widths[1] == widths[2] - 62
