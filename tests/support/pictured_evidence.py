"""Evidence by hand for tests of pictures: grey squares of 56 px, 7 x 7 cells, three species in two genera."""

from __future__ import annotations

import numpy as np

from mentum.explanation.evidence import RankEvidence, RunEvidence
from mentum.maps import CellGeometry
from mentum.taxonomy import Rank, Taxon

GEOMETRY = CellGeometry(size=56, cells=7, stride=8, offset=4)
SIDE = 224
"""Of a drawn square: small photographs are enlarged."""


def species(name: str) -> Taxon:
    return Taxon(((Rank.GENUS, name.split(" ", maxsplit=1)[0]), (Rank.SPECIES, name)))


TAXA = (species("Aus bus"), species("Aus cus"), species("Dus sp. 1"))


def one_cell(row: int, column: int, value: float = 1.0) -> np.ndarray:
    """A map with one cell that is not 0."""
    relevance = np.zeros((7, 7), dtype=np.float32)
    relevance[row, column] = value
    return relevance


def at_species(y_true, y_prob, relevance, runner_up_relevance=None, label_relevance=None) -> RankEvidence:
    """Evidence at species rank from labels, probabilities (N, 3) and maps (N, 7, 7)."""
    y_prob, relevance = np.asarray(y_prob, dtype=np.float32), np.asarray(relevance, dtype=np.float32)
    order = np.argsort(-y_prob, axis=1, kind="stable")
    return RankEvidence(
        rank=Rank.SPECIES,
        taxa=TAXA,
        y_true=np.asarray(y_true, dtype=np.int64),
        y_pred=order[:, 0],
        runner_up=order[:, 1],
        y_prob=y_prob,
        relevance=relevance,
        label_relevance=np.asarray(relevance if label_relevance is None else label_relevance, dtype=np.float32),
        runner_up_relevance=np.asarray(
            np.zeros_like(relevance) if runner_up_relevance is None else runner_up_relevance, dtype=np.float32
        ),
    )


def run_evidence(*at_ranks: RankEvidence, file_names: list[str] | None = None) -> RunEvidence:
    """The evidence with photographs that are a soft grey slope."""
    n = len(at_ranks[0].y_true)
    slope = np.linspace(90, 160, 56).round().astype(np.uint8)
    square = np.broadcast_to(slope[:, None, None], (56, 56, 3))
    return RunEvidence(
        file_names=file_names or [f"images/{row}.jpg" for row in range(n)],
        specimens=np.array([str(row) for row in range(n)]),
        subsets=np.array(["train"] * n),
        pixels=np.stack([square] * n),
        sizes=np.full((n, 2), 56),
        geometry=GEOMETRY,
        ranks={at_rank.rank: at_rank for at_rank in at_ranks},
    )
