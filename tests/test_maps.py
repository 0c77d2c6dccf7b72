"""Tests of relevance maps without a network: geometry, drawing, and maps at ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentum.maps import CellGeometry, Evidence, against_rivals, contrast, evidence_at_ranks, positive
from mentum.taxonomy import Rank, Taxon, Taxonomy

RESNET = CellGeometry(size=224, cells=7, stride=32, offset=0)


def geometries():
    return st.builds(
        CellGeometry,
        size=st.integers(8, 64),
        cells=st.integers(1, 9),
        stride=st.floats(1, 16),
        offset=st.floats(-8, 24),
    )


@pytest.mark.parametrize("cell", [(0, 0), (3, 4), (6, 2)])
def test_a_single_cell_is_drawn_on_its_centre(cell):
    relevance = np.zeros((7, 7), dtype=np.float32)
    relevance[cell] = 2.0
    drawn = RESNET.draw(relevance)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == (32 * cell[0], 32 * cell[1])
    assert drawn.max() == 2.0


def test_half_pixel_drawing_is_that_of_other_libraries():
    torch = pytest.importorskip("torch")
    relevance = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(relevance)[None, None], (224, 224), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(RESNET.half_pixel.draw(relevance), theirs[0, 0].numpy(), atol=1e-5)


def test_alignment_is_chosen_by_name():
    assert RESNET.aligned("receptive-field") == RESNET
    assert RESNET.aligned("half-pixel").offset == 15.5


@given(geometries())
def test_every_pixel_mixes_cells_to_the_whole(geometry):
    np.testing.assert_allclose(geometry.weights().sum(axis=1), 1, atol=1e-5)


@given(geometries(), st.integers(0, 2**32 - 1))
def test_a_sum_within_a_mask_needs_no_drawing(geometry, seed):
    rng = np.random.default_rng(seed)
    relevance = rng.normal(size=(geometry.cells, geometry.cells)).astype(np.float32)
    mask = (rng.random((geometry.size, geometry.size)) > 0.6).astype(np.float32)
    drawn = (geometry.draw(relevance) * mask).sum()
    assert (relevance * geometry.project(mask)).sum() == pytest.approx(drawn, rel=1e-3, abs=1e-2)


def test_positive_evidence_is_the_part_above_zero():
    assert positive(np.array([-1.0, 0.0, 2.0], dtype=np.float32)).tolist() == [0.0, 0.0, 2.0]


def one_image(probabilities, maps):
    """Maps of one cell each."""
    return Evidence(np.array([probabilities], dtype=np.float64), np.array(maps, dtype=np.float64).reshape(1, -1, 1, 1))


def test_a_taxon_is_set_against_its_rivals_by_their_probabilities():
    found = against_rivals(one_image([0.6, 0.3, 0.1], [5.0, 2.0, -2.0]), np.arange(3))
    np.testing.assert_allclose(found.relevance.ravel()[0], 5 - (0.6 - 0.2) / 0.4)
    np.testing.assert_allclose(found.y_prob, [[0.6, 0.3, 0.1]])


def test_a_genus_is_set_against_other_genera_only():
    found = against_rivals(one_image([0.6, 0.3, 0.1], [5.0, 2.0, -2.0]), np.array([0, 0, 1]))
    np.testing.assert_allclose(
        found.relevance.ravel(), [(0.6 * 5 + 0.3 * 2) / 0.9 + 2, -((0.6 * 5 + 0.3 * 2) / 0.9 + 2)]
    )
    np.testing.assert_allclose(found.y_prob, [[0.9, 0.1]])


def test_a_map_common_to_all_taxa_cancels():
    plain = against_rivals(one_image([0.6, 0.3, 0.1], [5.0, 2.0, -2.0]), np.arange(3))
    lifted = against_rivals(one_image([0.6, 0.3, 0.1], [9.0, 6.0, 2.0]), np.arange(3))
    np.testing.assert_allclose(lifted.relevance, plain.relevance)


def test_certainty_makes_no_map_vanish():
    sure = one_image([1.0, 0.0, 0.0], [5.0, 2.0, -2.0])
    sure = Evidence(sure.y_prob.astype(np.float32), sure.relevance.astype(np.float32))
    found = against_rivals(sure, np.arange(3))
    np.testing.assert_allclose(found.relevance.ravel()[0], 5.0)  # rivals without any probability count alike
    assert np.isfinite(found.relevance).all()


def test_ranks_follow_from_the_leaves():
    tree = Taxonomy(
        tuple(
            Taxon(((Rank.GENUS, genus), (Rank.SPECIES, f"{genus} {epithet}")))
            for genus, epithet in (("Aus", "alba"), ("Aus", "nigra"), ("Bus", "alba"))
        )
    )
    found = evidence_at_ranks(one_image([0.6, 0.3, 0.1], [5.0, 2.0, -2.0]), tree)
    assert {rank: each.y_prob.shape for rank, each in found.items()} == {Rank.SPECIES: (1, 3), Rank.GENUS: (1, 2)}


def test_a_contrast_is_the_difference_of_the_taxas_own_maps():
    found = against_rivals(one_image([0.6, 0.3, 0.1], [5.0, 2.0, -2.0]), np.arange(3))
    maps, p = found.relevance[0], found.y_prob[0]
    np.testing.assert_allclose(contrast(maps[:1], maps[1:2], p[:1], p[1:2]).ravel(), 5.0 - 2.0, rtol=1e-6)
    np.testing.assert_allclose(contrast(maps[2:], maps[1:2], p[2:], p[1:2]).ravel(), -2.0 - 2.0, rtol=1e-6)


def plain_rivals(outputs, columns):
    """What `against_rivals` says, group by group, in double precision."""
    y_prob, maps = outputs.y_prob.astype(np.float64), outputs.relevance.astype(np.float64)
    weighted, groups = maps * y_prob[..., None, None], range(columns.max() + 1)
    said = []
    for group in groups:
        inside = columns == group
        mean_inside, mean_outside = (
            weighted[:, chosen].sum(axis=1) / y_prob[:, chosen].sum(axis=1)[:, None, None]
            for chosen in (inside, ~inside)
        )
        said.append(mean_inside - mean_outside)
    return np.stack(said, axis=1)


@pytest.mark.parametrize("n_groups", [2, 40, 300])
@pytest.mark.parametrize("sure", [False, True])
def test_maps_of_many_taxa_are_those_of_the_definition(n_groups, sure):
    rng = np.random.default_rng(n_groups)
    columns = rng.permutation(np.append(np.arange(n_groups), rng.integers(0, n_groups, 300)))
    y_prob = rng.dirichlet(np.ones(len(columns)), 2)
    if sure:  # all but one part in ten million of the probability lies in one taxon
        y_prob = 1e-7 * y_prob
        y_prob[:, 7] = 1 - 1e-7
    relevance = rng.normal(size=(2, len(columns), 2, 2))
    outputs = Evidence(y_prob.astype(np.float32), relevance.astype(np.float32))
    found = against_rivals(outputs, columns)
    assert found.y_prob.shape == (2, n_groups)
    np.testing.assert_allclose(found.relevance, plain_rivals(outputs, columns), rtol=1e-3, atol=1e-3)
