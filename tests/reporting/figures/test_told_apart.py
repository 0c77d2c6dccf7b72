"""Tests of the figure of what tells taxa apart."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from mentum.explanation.exemplar import Exemplar
from mentum.explanation.results import Explanation, PairShare, TaxonPair
from mentum.maps import CellGeometry
from mentum.records import Interval
from mentum.reporting.figures.told_apart import draw_told_apart
from mentum.taxonomy import Rank

SVG = "{http://www.w3.org/2000/svg}"


def pair(n: int, n_confused: int) -> TaxonPair:
    within = Interval(low=0.3, high=0.9, method="Wilson")
    shares = [
        PairShare(character=name, used=used, interval=within, necessity=None)
        for name, used in (("mentum", 0.75), ("ventromental_plate", 0.0), ("none", 0.25))
    ]
    return TaxonPair(
        rank=Rank.SPECIES, taxon="Aus bus", other="Aus sp. 1", n_confused=n_confused, shares=tuple(shares), n=n,
        n_specimens=n, images=("a.jpg", "b.jpg"),
    )  # fmt: skip


def explanation(*pairs: TaxonPair) -> Explanation:
    return Explanation(
        run="run", subsets=("train",), annotation="c.json", alignment="receptive-field", rule="",
        geometry=CellGeometry(size=60, cells=2, stride=30, offset=15), characters=("mentum", "ventromental_plate"),
        shares=(), told_apart=pairs, agreement=(), occlusions=(), randomisation=(), warnings=(),
    )  # fmt: skip


def test_each_pair_has_two_photographs_and_its_shares(tmp_path: Path) -> None:
    asked: list[str] = []

    def photographed(name: str) -> Exemplar:
        asked.append(name)
        masks = np.zeros((2, 40, 40), dtype=np.float32)
        masks[0, 10:20, 10:20], masks[1] = 1, 0
        return Exemplar(np.full((40, 40, 3), 120, dtype=np.uint8), ("mentum", "background"), masks)

    files = draw_told_apart(explanation(pair(12, 3), pair(2, 0)), photographed, tmp_path)

    assert [file.name for file in files] == ["told_apart_species.png", "told_apart_species.svg"]
    assert asked == ["a.jpg", "b.jpg"] * 2
    root = ElementTree.parse(files[1])
    words = ["".join(each.itertext()).strip() for each in root.iter(f"{SVG}text")]
    assert words.count("75 %") == words.count("25 %") == words.count("ventromental plate") == 2
    assert words.count("3 images confused") == words.count("too few images to tell") == 1
    assert "12 images of 12 specimens of the first given the second's" in words
    assert len(list(root.iter(f"{SVG}image"))) == 4


def test_without_pairs_there_is_no_figure(tmp_path: Path) -> None:
    assert draw_told_apart(explanation(), lambda _: None, tmp_path) == []
