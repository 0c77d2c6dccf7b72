"""Tests of taxa left out of training: what is learned without them, and how their specimens are judged.

Nothing is trained. Each taxon has its own place among the features, and known specimens lie close to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mentum.calibration.novelty import Density
from mentum.errors import RunError
from mentum.evaluation.results import UnknownTaxa, UnknownTaxon
from mentum.evaluation.unknown_taxa import area_under_roc, leave_taxa_out
from mentum.model.session import Outputs
from mentum.runs import Run
from mentum.specimens.folds import Fold
from mentum.taxonomy import Rank, Taxon, Taxonomy
from support import runs_by_hand
from support.runs_by_hand import Shot, make_run

PLUMOSUS, RIPARIUS, LAETUM, ORTHOCLADIUS = LABELS = (
    "Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius",
)  # fmt: skip
LEAST = 0.98
"""Of what a known specimen is identified with; the rest is shared by the other taxa."""


@dataclass(frozen=True)
class Look:
    """How a specimen appears to networks that never saw its taxon.

    Attributes:
        like: the taxon whose features it has, and as which it is identified.
        sure: with this probability.
        far: whether its features lie far from all known ones.
    """

    like: str
    sure: float = 0.99
    far: bool = False


@dataclass
class Trainings:
    """Stands in for training, and notes what was asked for.

    Attributes:
        looks: specimen, or else taxon left out → how it appears.
        stops_at: the training that is interrupted, by its name.
    """

    run: Run
    looks: Mapping[str, Look] = field(default_factory=dict)
    stops_at: str | None = None
    asked: list[tuple[str, NDArray[np.str_], Taxonomy]] = field(default_factory=list)
    said: list[Outputs] = field(default_factory=list)

    def __call__(self, fold: Fold) -> Outputs:
        name, taxonomy = fold.name, fold.taxonomy
        self.asked.append((name, fold.subsets, taxonomy))
        if self.stops_at and name.endswith(self.stops_at):
            raise KeyboardInterrupt
        names = [leaf.name for leaf in taxonomy.leaves]
        labels, specimens = self.run.labels(), self.run.table()["specimen"].to_list()
        rng = np.random.default_rng(0)
        features, y_prob = [], []
        for row, (label, specimen) in enumerate(zip(labels, specimens, strict=True)):
            look = self._look(label, specimen, row, taxonomy)
            place = np.zeros(5) if look.far else 10.0 * np.eye(5)[[*LABELS, "Chironomus"].index(look.like)]
            features.append(place + 100.0 * np.eye(5)[4] * look.far + rng.normal(0, 0.5, 5))
            rest = (1 - look.sure) / (len(names) - 1)
            y_prob.append([look.sure if each == look.like else rest for each in names])
        self.said.append(Outputs({"tree": np.array(y_prob, dtype=np.float32)}, np.array(features, np.float32), {}))
        return self.said[-1]

    def _look(self, label: Taxon, specimen: str, row: int, taxonomy: Taxonomy) -> Look:
        within = [leaf.name for leaf in taxonomy.leaves if leaf.is_within(label)]
        if within:
            return Look(within[0], LEAST + 0.0001 * (row % 97))
        return self.looks.get(specimen, self.looks.get(label.name, Look(taxonomy.leaves[0].name)))

    def of(self, taxon: str) -> tuple[NDArray[np.str_], Taxonomy, Outputs]:
        """What was asked for, and said, without this taxon."""
        for (_, subsets, taxonomy), outputs in zip(self.asked, self.said, strict=True):
            if taxon not in [leaf.name for leaf in taxonomy.leaves]:
                return subsets, taxonomy, outputs
        raise AssertionError(taxon)


def shots(per_taxon: Mapping[str, tuple[int, int]], images: int = 1) -> list[Shot]:
    """Specimens for training and for validation of each taxon, such as "Orthocladius-t0" and "Orthocladius-v2"."""
    return [
        Shot(label, f"{label}-{subset[0]}{number}", subset, LABELS[0])
        for label, counts in per_taxon.items()
        for subset, n_specimens in zip(("train", "validation"), counts, strict=True)
        for number in range(n_specimens)
        for _ in range(images)
    ]


FEW = dict.fromkeys(LABELS, (4, 2)) | {"Chironomus": (2, 1)}
ENOUGH = dict.fromkeys(LABELS, (6, 8))
"""Without any one taxon 24 known validation specimens."""


def judged(folder: Path, looks: Mapping[str, Look], per_taxon: Mapping[str, tuple[int, int]] = ENOUGH) -> UnknownTaxa:
    run = make_run(folder / "run", shots=shots(per_taxon))
    return leave_taxa_out(run, Trainings(run, looks), 2)


def without(found: UnknownTaxa, taxon: str) -> UnknownTaxon:
    (only,) = [each for each in found.taxa if each.scientific_name == taxon]
    return only


# What is learned


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Trainings, UnknownTaxa]:
    """Six specimens of each taxon and three named to the genus Chironomus, with two images each."""
    run = make_run(tmp_path_factory.mktemp("runs") / "few", shots=shots(FEW, images=2))
    trainings = Trainings(run)
    return run, trainings, leave_taxa_out(run, trainings, 1)


@pytest.mark.parametrize("taxon", LABELS)
def test_no_image_of_the_taxon_is_learned_and_it_is_no_leaf(
    few: tuple[Run, Trainings, UnknownTaxa], taxon: str
) -> None:
    run, trainings, _ = few
    subsets, taxonomy, _ = trainings.of(taxon)
    table = run.table()
    names = [taxon, "Chironomus"] if taxon.startswith("Chironomus") else [taxon]
    may_be = table["scientificName"].is_in(names).to_numpy()
    assert set(subsets[may_be]) == {"left out"}
    assert subsets[~may_be].tolist() == table["subset"].to_numpy()[~may_be].tolist()
    assert [leaf.name for leaf in taxonomy.leaves] == [label for label in LABELS if label != taxon]


def test_every_taxon_is_left_out_once(few: tuple[Run, Trainings, UnknownTaxa]) -> None:
    run, trainings, found = few
    assert len(trainings.asked) == len({name for name, _, _ in trainings.asked}) == 4
    assert all(name.startswith("novelty/") for name, _, _ in trainings.asked)
    assert [each.scientific_name for each in found.taxa] == list(LABELS)
    assert [each.taxon_rank for each in found.taxa] == [Rank.SPECIES] * 3 + [Rank.GENUS]
    assert (found.stage, found.missed) == (1, ())
    assert UnknownTaxa.read(run.novelty_file) == found


def test_images_that_may_be_the_taxon_left_out_teach_nothing(few: tuple[Run, Trainings, UnknownTaxa]) -> None:
    run, trainings, found = few
    subsets, _, _ = trainings.of(RIPARIUS)
    is_genus = (run.table()["scientificName"] == "Chironomus").to_numpy()
    assert set(subsets[is_genus]) == {"left out"}
    subsets, _, _ = trainings.of(LAETUM)
    assert set(subsets[is_genus]) == {"train", "validation"}
    for each in found.taxa:
        assert (each.n_images, each.n_specimens, each.n_known) == (12, 6, 6)


def test_a_genus_goes_with_its_only_species(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images named "Polypedilum" must not make it a leaf once its species is left out."""
    genus = {Rank.SUBFAMILY: "Chironominae", Rank.GENUS: "Polypedilum"}
    monkeypatch.setitem(runs_by_hand.LINEAGES, "Polypedilum", genus)
    run = make_run(tmp_path / "run", shots=shots(FEW | {"Polypedilum": (2, 1)}))
    found = leave_taxa_out(run, trainings := Trainings(run), 1)
    _, taxonomy, _ = trainings.of(LAETUM)
    assert [leaf.name for leaf in taxonomy.leaves] == [PLUMOSUS, RIPARIUS, ORTHOCLADIUS]
    assert without(found, LAETUM).n_specimens == 6
    assert without(found, LAETUM).named.keys() == {Rank.SUBFAMILY}


def test_an_open_label_is_no_taxon_to_leave_out_and_goes_with_its_species(tmp_path: Path) -> None:
    """Specimens of Chironomus that are named no further may be of the species left out; elsewhere they are known."""
    run = make_run(tmp_path / "run", shots=shots(FEW), open_leaves=True)
    found = leave_taxa_out(run, trainings := Trainings(run), 1)
    assert [each.scientific_name for each in found.taxa] == list(LABELS)
    assert found.missed == ("Chironomus: named to genus only, its specimens may be of the taxa within it",)
    for taxon in LABELS:
        _, taxonomy, _ = trainings.of(taxon)
        expected = {*LABELS, "Chironomus"} - {taxon} - ({"Chironomus"} if "Chironomus" in taxon else set())
        assert {leaf.name for leaf in taxonomy.leaves} == expected


def test_taxa_whose_names_hold_no_latin_letters_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("摇蚊甲", "摇蚊乙", "摇蚊 丙", "Aus sp. 1", "Aus sp 1")
    for name in names:
        monkeypatch.setitem(runs_by_hand.LINEAGES, name, {Rank.SPECIES: name})
    run = make_run(tmp_path / "run", shots=shots(dict.fromkeys(names, (3, 2))))
    monkeypatch.setattr(f"{__name__}.LABELS", names)
    found = leave_taxa_out(run, trainings := Trainings(run), 1)
    assert sorted(each.scientific_name for each in found.taxa) == sorted(names)
    folders = [name for name, _, _ in trainings.asked]
    assert len({folder.lower() for folder in folders}) == 5
    assert all(re.fullmatch(r"novelty/[A-Za-z0-9_-]+", folder) for folder in folders)


# How they are taken


def test_specimens_far_from_all_known_ones_are_caught(tmp_path: Path) -> None:
    found = judged(tmp_path, {label: Look(LABELS[label == PLUMOSUS], 0.5, far=True) for label in LABELS})
    for each in found.taxa:
        assert (each.auroc, each.auroc_distance, each.auroc_energy, each.caught) == (1.0, 1.0, 1.0, 1.0)
        assert each.wrongly_identified == 0.0
        assert (each.n_known, each.n_specimens, each.n_images) == (24, 14, 14)
    assert (found.mean_auroc, found.mean_caught, found.false_rejection) == (1.0, 1.0, 0.05)


def test_specimens_like_a_known_taxon_are_not_caught_but_named_wrongly(tmp_path: Path) -> None:
    found = judged(tmp_path, {label: Look(LABELS[label == PLUMOSUS], 0.995) for label in LABELS})
    for each in found.taxa:
        assert each.auroc_energy == 0.0  # surer than any known one
        assert (each.caught, each.wrongly_identified) == (0.0, 1.0)
    assert found.mean_caught == 0.0


def test_shares_are_of_specimens(tmp_path: Path) -> None:
    """Of ten specimens of C. riparius three lie far off, two are like nothing much, one is sure to be another genus."""
    riparius = [f"{RIPARIUS}-t{number}" for number in range(6)] + [f"{RIPARIUS}-v{number}" for number in range(4)]
    looks = {specimen: Look(PLUMOSUS, 0.99, far=True) for specimen in riparius[:3]}
    looks |= {specimen: Look(PLUMOSUS, 0.4) for specimen in riparius[3:5]}
    looks |= {riparius[5]: Look(LAETUM, 0.99)}
    found = without(judged(tmp_path, looks, ENOUGH | {RIPARIUS: (6, 4)}), RIPARIUS)
    assert found.n_specimens == 10
    assert found.named == {Rank.GENUS: 0.9, Rank.SUBFAMILY: 1.0}
    assert found.caught == 0.5  # the doubtful ones by their energy
    assert found.wrongly_identified == 0.5


def test_one_of_the_known_specimens_is_the_strangest(tmp_path: Path) -> None:
    """Of 24 known specimens each is judged by 23 others, of which 95 % are fewer than all."""
    found = judged(tmp_path, {})
    assert [each.rejected for each in found.taxa] == [pytest.approx(1 / 24)] * 4
    assert found.rejected == pytest.approx(1 / 24)


@pytest.mark.parametrize(("n_known", "caught", "rejected"), [(18, None, None), (19, 1.0, None), (20, 1.0, 1 / 20)])
def test_twenty_known_specimens_are_needed(
    tmp_path: Path, n_known: int, caught: float | None, rejected: float | None
) -> None:
    """Nineteen to call anything unknown, and one more where each is judged by the others."""
    per_taxon = {PLUMOSUS: (6, n_known - 8), RIPARIUS: (6, 8), ORTHOCLADIUS: (6, 2)}
    found = judged(tmp_path, {ORTHOCLADIUS: Look(PLUMOSUS, 0.5, far=True)}, per_taxon)
    each = without(found, ORTHOCLADIUS)
    assert (each.n_known, each.auroc, each.caught, each.rejected) == (n_known, 1.0, caught, pytest.approx(rejected))


def test_images_of_a_specimen_are_taken_together(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", shots=shots(ENOUGH, images=3))
    found = leave_taxa_out(run, Trainings(run, {f"{LAETUM}-t0": Look(RIPARIUS, 0.99, far=True)}), 2)
    each = without(found, LAETUM)
    assert (each.n_images, each.n_specimens, each.n_known) == (42, 14, 24)
    assert each.caught == pytest.approx(1 / 14)


def test_auroc_of_each_measure_is_that_of_the_specimens(few: tuple[Run, Trainings, UnknownTaxa]) -> None:
    """Worked out image by image, and against scikit-learn."""
    run, trainings, found = few
    labels, table = run.labels(), run.table()
    specimens = table["specimen"].to_numpy()
    for each in found.taxa:
        subsets, taxonomy, outputs = trainings.of(each.scientific_name)
        leaves = list(taxonomy.leaves)
        learned = [row for row, label in enumerate(labels) if subsets[row] == "train" and label in leaves]
        density = Density.fit(outputs.features[learned], np.array([leaves.index(labels[row]) for row in learned]))
        compared = [
            row for row, label in enumerate(labels)
            if label.name == each.scientific_name or (subsets[row] == "validation" and label in leaves)
        ]  # fmt: skip
        logits = np.log(outputs.y_prob["tree"][compared].astype(np.float64))
        energy = -np.log(np.exp(logits - logits.mean(axis=1, keepdims=True)).sum(axis=1))
        distance = density.distance(outputs.features[compared])
        names = sorted(set(specimens[compared]))
        is_unknown = [name.startswith(each.scientific_name) for name in names]
        z = []
        for values, auroc in ((distance, each.auroc_distance), (energy, each.auroc_energy)):
            means = [values[specimens[compared] == name].mean() for name in names]
            assert auroc == pytest.approx(roc_auc_score(is_unknown, means))
            known = values[[subsets[row] != "left out" for row in compared]]
            z.append((values - known.mean()) / known.std())
        means = [(z[0] + z[1])[specimens[compared] == name].mean() for name in names]
        assert each.auroc == pytest.approx(roc_auc_score(is_unknown, means))


def test_means_over_the_taxa(few: tuple[Run, Trainings, UnknownTaxa]) -> None:
    _, _, found = few
    assert found.mean_auroc == pytest.approx(np.mean([each.auroc for each in found.taxa]))
    assert (found.mean_caught, found.rejected) == (None, None)  # six known specimens are too few


def test_a_name_counts_at_ranks_shared_with_a_relative(tmp_path: Path) -> None:
    """Polypedilum is the only one of its genus, Orthocladius of its subfamily too."""
    found = judged(tmp_path, {LAETUM: Look(RIPARIUS), ORTHOCLADIUS: Look(LAETUM), PLUMOSUS: Look(ORTHOCLADIUS)}, FEW)
    assert {each.scientific_name: each.named for each in found.taxa} == {
        PLUMOSUS: {Rank.GENUS: 0.0, Rank.SUBFAMILY: 0.0},
        RIPARIUS: {Rank.GENUS: 1.0, Rank.SUBFAMILY: 1.0},
        LAETUM: {Rank.SUBFAMILY: 1.0},
        ORTHOCLADIUS: {},
    }


@given(
    known=st.lists(st.integers(0, 6), min_size=1, max_size=12),
    unknown=st.lists(st.integers(0, 6), min_size=1, max_size=12),
)
def test_area_under_roc_is_that_of_scikit_learn(known: list[int], unknown: list[int]) -> None:
    expected = roc_auc_score([0] * len(known) + [1] * len(unknown), known + unknown)
    assert area_under_roc(np.array(known, float), np.array(unknown, float)) == pytest.approx(expected)


# What cannot be done


def test_of_two_taxa_none_can_be_left_out(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", shots=shots({PLUMOSUS: (3, 2), LAETUM: (3, 2)}))
    message = rf"{re.escape(str(run.path))}: no taxon can be left out \({PLUMOSUS}: without it only one taxon is left; "
    with pytest.raises(RunError, match=message + ".*expected three taxa or more"):
        leave_taxa_out(run, trainings := Trainings(run), 2)
    assert trainings.asked == []
    assert not run.novelty_file.exists()


def test_a_taxon_with_nothing_to_compare_it_with_is_missed(tmp_path: Path) -> None:
    """All validation specimens are of one taxon."""
    run = make_run(tmp_path / "run", shots=shots({PLUMOSUS: (3, 2), RIPARIUS: (3, 0), LAETUM: (3, 0)}))
    found = leave_taxa_out(run, trainings := Trainings(run), 2)
    assert [each.scientific_name for each in found.taxa] == [RIPARIUS, LAETUM]
    assert found.missed == (f"{PLUMOSUS}: no validation specimen of another taxon is there to compare it with",)
    assert len(trainings.asked) == 2


# Interruptions


def test_a_taxon_that_is_done_is_not_left_out_again(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", shots=shots(FEW))
    with pytest.raises(KeyboardInterrupt):
        leave_taxa_out(run, first := Trainings(run, stops_at="Polypedilum_laetum"), 2)
    assert not run.novelty_file.exists()

    found = leave_taxa_out(run, second := Trainings(run), 2)

    assert len(first.asked) == 3
    assert second.asked[0][0] == first.asked[2][0]
    assert len(second.asked) == 2
    assert found == judged(tmp_path / "at once", {}, FEW)


def test_stages_are_kept_apart(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", shots=shots(ENOUGH))
    far = {label: Look(LABELS[label == PLUMOSUS], 0.5, far=True) for label in LABELS}
    first = leave_taxa_out(run, Trainings(run), 1)
    second = leave_taxa_out(run, trainings := Trainings(run, far), 2)
    assert len(trainings.asked) == 4
    assert (first.stage, second.stage) == (1, 2)
    assert first.mean_auroc < second.mean_auroc == 1.0
    assert UnknownTaxa.read(run.novelty_file) == second
    assert leave_taxa_out(run, again := Trainings(run, far), 1) == first
    assert again.asked == []
