"""Tests of networks at work by ONNX Runtime: outputs, maps from the same pass, batches joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mentum.errors import ModelError
from mentum.maps import Evidence
from mentum.model.folder import Model
from mentum.model.session import Session, join
from mentum.taxonomy import Rank
from support.models_by_hand import CONTRADICTION, PLUMOSUS, SEPARATE, TREE, SessionByHand, level, make_model

SQUARES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


def test_probabilities_and_features_of_each_image(released: Path) -> None:
    outputs = Model.open(released).session(SQUARES)
    assert outputs.y_prob["tree"].shape == (5, 4)
    assert outputs.y_prob["tree"].dtype == np.float32
    np.testing.assert_allclose(outputs.y_prob["tree"].sum(1), 1, atol=1e-6)
    assert outputs.features.shape == (5, 16)
    assert outputs.relevance == {}


def test_maps_change_no_answer(released: Path) -> None:
    session = Model.open(released).session
    with_maps, without = session(SQUARES, relevance=True), session(SQUARES)
    assert with_maps.relevance["tree"].shape == (5, 4, 4, 4)
    np.testing.assert_array_equal(with_maps.y_prob["tree"], without.y_prob["tree"])


def test_maps_sum_up_to_the_log_odds_but_for_a_constant(released: Path) -> None:
    outputs = Model.open(released).session(SQUARES, relevance=True)
    logits = np.log(outputs.y_prob["tree"])
    biases = (logits - logits.mean(1, keepdims=True)) - outputs.relevance["tree"].sum((2, 3))
    np.testing.assert_allclose(biases, np.broadcast_to(biases[:1], biases.shape), atol=1e-4)


def test_several_networks_answer_together(separate_model: Path) -> None:
    model = Model.open(separate_model)
    assert list(model.session.files) == ["species", "subfamily"]
    outputs = model.session(SQUARES, relevance=True)
    assert {name: values.shape for name, values in outputs.y_prob.items()} == {"species": (5, 4), "subfamily": (5, 2)}
    evidence = outputs.evidence(model.record.taxonomy)
    assert list(evidence) == [Rank.SPECIES, Rank.SUBFAMILY]
    assert evidence[Rank.SUBFAMILY].relevance.shape == (5, 2, 4, 4)


def test_the_session_of_a_model_is_opened_once(released: Path) -> None:
    model = Model.open(released)
    assert model.session is model.session


def test_a_limited_number_of_threads_gives_the_same(released: Path) -> None:
    one = Session({"tree": released / "model.onnx"}, threads=1)(SQUARES)
    np.testing.assert_allclose(one.features, Model.open(released).session(SQUARES).features, atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x08"])
def test_a_file_that_is_no_network(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model.onnx: not readable as a network \(.*\); copy the model folder again"):
        Session({"tree": tmp_path / "model.onnx"})


# By hand


def test_evidence_of_a_tree_at_every_rank(tmp_path: Path) -> None:
    taxonomy = make_model(tmp_path / "model").record.taxonomy
    pixels = level(PLUMOSUS)[None]
    evidence = SessionByHand({"tree": TREE})(pixels, relevance=True).evidence(taxonomy)
    assert list(evidence) == [Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY]
    np.testing.assert_allclose(evidence[Rank.GENUS].y_prob, [[0.99, 0.005, 0.005]], atol=1e-6)
    # The genus is seen where its species are: 0.98 of its probability lies in the first cell's species.
    assert evidence[Rank.GENUS].relevance[0, 0, 0, 0] == pytest.approx(0.98 * 0.98 / 0.99, abs=1e-5)


def test_evidence_of_separate_networks_is_their_own(tmp_path: Path) -> None:
    taxonomy = make_model(tmp_path / "model", SEPARATE).record.taxonomy
    outputs = SessionByHand(SEPARATE)(level(CONTRADICTION)[None], relevance=True)
    evidence = outputs.evidence(taxonomy)
    assert {rank: int(each.y_prob.argmax()) for rank, each in evidence.items()} == {
        Rank.SPECIES: 0, Rank.GENUS: 1, Rank.SUBFAMILY: 0,
    }  # fmt: skip
    assert isinstance(evidence[Rank.GENUS], Evidence)


def test_batches_are_joined_and_taken_apart() -> None:
    session = SessionByHand(SEPARATE)
    pixels = np.stack([level(PLUMOSUS), level(CONTRADICTION), level(PLUMOSUS, 20)])
    whole = session(pixels, relevance=True)
    joined = join([session(pixels[:1], relevance=True), session(pixels[1:], relevance=True)])
    for name in SEPARATE:
        np.testing.assert_array_equal(joined.y_prob[name], whole.y_prob[name])
        np.testing.assert_array_equal(joined.relevance[name], whole.relevance[name])
    np.testing.assert_array_equal(joined.features, whole.features)
    last = whole[np.array([2])]
    np.testing.assert_array_equal(last.features, [[2.0]])
    np.testing.assert_array_equal(last.relevance["genus"], whole.relevance["genus"][2:])
