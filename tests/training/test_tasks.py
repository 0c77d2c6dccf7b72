"""Tests of what each model learns."""

from __future__ import annotations

import numpy as np
import pytest

from mentum.errors import DataError
from mentum.settings import HeadSettings
from mentum.taxonomy import Rank, Taxon, Taxonomy
from mentum.training.tasks import by_rank, make_tasks, task_ranks
from support.drawn_data import tiny_settings
from support.trees import closed

PLUMOSUS = Taxon(((Rank.SUBFAMILY, "Chironominae"), (Rank.GENUS, "Chironomus"), (Rank.SPECIES, "Chironomus plumosus")))
RIPARIUS = Taxon(((Rank.SUBFAMILY, "Chironominae"), (Rank.GENUS, "Chironomus"), (Rank.SPECIES, "Chironomus riparius")))
LAETUM = Taxon(((Rank.SUBFAMILY, "Chironominae"), (Rank.GENUS, "Polypedilum"), (Rank.SPECIES, "Polypedilum laetum")))
ORTHOCLADIUS = Taxon(((Rank.SUBFAMILY, "Orthocladiinae"), (Rank.GENUS, "Orthocladius")))
CHIRONOMUS, CHIRONOMINAE = PLUMOSUS.at(Rank.GENUS), PLUMOSUS.at(Rank.SUBFAMILY)
LABELS = [RIPARIUS, ORTHOCLADIUS, CHIRONOMUS, LAETUM, PLUMOSUS, CHIRONOMINAE]
TREE = closed(LABELS)
OPEN = Taxonomy.from_taxa(LABELS)


def head(kind: str, *ranks: str) -> HeadSettings:
    return tiny_settings(f"head.kind={kind}", f"head.ranks={list(ranks)}").head


def test_a_tree_learns_leaves_from_labels_at_any_rank() -> None:
    (task,) = make_tasks(TREE, LABELS, head("tree"))

    assert (task.model, task.taxa) == ("tree", (PLUMOSUS, RIPARIUS, LAETUM, ORTHOCLADIUS))
    assert task.allowed.astype(int).tolist() == [
        [0, 1, 0, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [1, 1, 1, 0],
    ]  # fmt: skip


def test_a_label_above_others_teaches_its_own_leaf_and_none_of_theirs() -> None:
    (task,) = make_tasks(OPEN, LABELS, head("tree"))

    assert task.taxa == (CHIRONOMINAE, CHIRONOMUS, PLUMOSUS, RIPARIUS, LAETUM, ORTHOCLADIUS)
    assert [task.taxa[row.argmax()] for row in task.allowed] == LABELS
    assert task.allowed.sum(1).tolist() == [1] * 6


def test_separate_models_learn_an_open_label_in_a_column_of_its_own_below_its_rank() -> None:
    species, genus, subfamily = make_tasks(OPEN, LABELS, head("separate"))

    assert [species.taxa[row.argmax()] for row in species.allowed] == LABELS
    assert genus.taxa == (CHIRONOMINAE, CHIRONOMUS, LAETUM.at(Rank.GENUS), ORTHOCLADIUS)
    assert genus.allowed.argmax(1).tolist() == [1, 3, 1, 2, 1, 0]
    assert subfamily.allowed.argmax(1).tolist() == [0, 1, 0, 0, 0, 0]
    assert all((task.allowed.sum(1) == 1).all() for task in (species, genus, subfamily))


def test_separate_models_leave_out_what_a_label_does_not_tell() -> None:
    species, genus, subfamily = make_tasks(TREE, LABELS, head("separate"))

    assert [task.model for task in (species, genus, subfamily)] == ["species", "genus", "subfamily"]
    assert species.allowed.sum(1).tolist() == [1, 1, 0, 1, 1, 0]
    assert genus.taxa == (CHIRONOMUS, LAETUM.at(Rank.GENUS), ORTHOCLADIUS)
    assert genus.allowed.argmax(1)[:5].tolist() == [0, 2, 0, 1, 0]
    assert genus.allowed.sum(1).tolist() == [1, 1, 1, 1, 1, 0]
    assert subfamily.allowed.sum(1).tolist() == [1] * 6


def test_ranks_are_those_asked_for_lowest_first() -> None:
    assert task_ranks(TREE, head("separate", "subfamily", "species")) == (Rank.SPECIES, Rank.SUBFAMILY)
    assert task_ranks(TREE, head("separate")) == (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)
    assert task_ranks(TREE, head("tree", "genus")) == (Rank.GENUS,)


def test_a_rank_that_the_data_does_not_have() -> None:
    message = r"head.ranks: found tribe, family; the data has two taxa or more, .* at species, genus, subfamily; give"
    with pytest.raises(DataError, match=message):
        make_tasks(TREE, LABELS, head("separate", "tribe", "genus", "family"))


def test_a_tree_answers_for_every_rank() -> None:
    (task,) = make_tasks(TREE, LABELS, head("tree"))
    y_prob = np.array([[0.1, 0.2, 0.3, 0.4]], dtype=np.float32)
    found = by_rank(task, TREE, y_prob)
    assert list(found) == [Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY]
    np.testing.assert_allclose(found[Rank.GENUS], [[0.3, 0.3, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(found[Rank.SUBFAMILY], [[0.6, 0.4]], rtol=1e-6)


def test_a_separate_model_answers_for_its_own_rank() -> None:
    _, genus, _ = make_tasks(TREE, LABELS, head("separate"))
    y_prob = np.array([[0.5, 0.3, 0.2]], dtype=np.float32)
    assert by_rank(genus, TREE, y_prob) == {Rank.GENUS: y_prob}
