import math
from dataclasses import replace

import numpy as np
import pytest

from mentum.calibration.cases import UNITS
from mentum.calibration.held_out import N_GROUPS, held_out
from mentum.calibration.temperatures import fit_temperatures
from mentum.calibration.verdicts import give_verdicts
from mentum.errors import RunError
from mentum.evaluation.intervals import wilson
from mentum.evaluation.probabilities import N_POINTS, evaluate_probabilities, judge
from mentum.evaluation.reliability import area_under
from mentum.evaluation.results import CalibrationReport
from mentum.taxonomy import Rank
from support.runs_by_hand import TEST_SHOTS, Shot, make_run

SPECIES, GENUS, SUBFAMILY = RANKS = (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)
LEAVES = ("Chironomus plumosus", "Chironomus riparius", "Polypedilum laetum", "Orthocladius")
TRAINED = tuple(Shot(label, f"T-{label}", "train", label) for label in LEAVES)


def sure(n, subset="validation", confidence=0.97, label=None, leaf=None, images=1):
    """So many specimens, identified as labelled unless told otherwise."""
    named = [label or LEAVES[k % 4] for k in range(n)]
    return tuple(
        Shot(name, f"{subset}-{confidence}-{leaf}-{k:03}", subset, leaf or name, confidence=confidence)
        for k, name in enumerate(named)
        for _ in range(images)
    )


def drawn(n, seed=0):
    """Specimens of one to three images, some labelled to the genus only, some identified wrongly, more or less sure."""
    random = np.random.default_rng(seed)
    shots = []
    for k in range(n):
        species, confidence = LEAVES[random.integers(4)], random.choice([0.5, 0.8, 0.98])
        label = "Chironomus" if species.startswith("Chironomus") and random.random() < 0.3 else species
        for _ in range(random.integers(1, 4)):
            leaf = species if random.random() < confidence else LEAVES[random.integers(4)]
            shots.append(Shot(label, f"V{k:03}", "validation", leaf, confidence=confidence + random.random() / 100))
    return tuple(shots)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run made by hand: seven validation images of five specimens."""
    return make_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def report(run):
    return evaluate_probabilities(run)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A run with 80 validation specimens."""
    return make_run(tmp_path_factory.mktemp("runs") / "large", shots=(*TRAINED, *drawn(80)))


@pytest.fixture(scope="module")
def large_report(large):
    return evaluate_probabilities(large, error_rate=0.2)


def defended(report, error_rate, unit="specimen"):
    (found,) = [each for each in report.defended if (each.error_rate, each.unit) == (error_rate, unit)]
    return found


# Probabilities


def test_figures_before_the_temperature_by_hand(report):
    """Right at 0.7: V1 and V2 with half, V4 and V5 with one image; wrong: half of V1 at 0.7, half of V2 at 0.85."""
    species, genus, _ = report.ranks
    assert [each.rank for each in report.ranks] == list(RANKS)
    assert species.ece[0] == pytest.approx((abs(3.5 * 0.7 - 3) + 0.5 * 0.85) / 4, abs=1e-6)
    right, wrong, sure_wrong = 0.3**2 + 3 * 0.1**2, 0.7**2 + 0.9**2 + 2 * 0.1**2, 0.85**2 + 0.95**2 + 2 * 0.05**2
    assert species.brier[0] == pytest.approx((3 * right + 0.5 * wrong + 0.5 * sure_wrong) / 4, abs=1e-6)
    assert [each.n for each in species.bins_before] == [3.5, 0.5]
    assert [each.accuracy for each in species.bins_before] == pytest.approx([3 / 3.5, 0])
    assert [each.n for each in genus.bins_before] == [1.5, 3, 0.5]


def test_labels_that_leave_a_rank_open_are_not_judged_there(report):
    species, genus, subfamily = report.ranks
    assert (species.n_images, species.n_specimens) == (6, 4)
    assert (genus.n_images, genus.n_specimens) == (7, 5)
    assert (subfamily.n_images, subfamily.n_specimens) == (7, 5)
    assert sum(each.n for each in species.bins_after) == pytest.approx(4)
    assert (report.n_images, report.n_specimens) == (7, 5)


def test_figures_after_the_temperature_are_of_specimens_it_was_not_fitted_to(large, large_report):
    material = held_out(large, seed=0)
    squares, n = 0.0, 0.0
    for turn in material.turns:
        learned, judged = material.cases[turn.learned], material.cases[turn.judged]
        verdicts = give_verdicts(judged, fit_temperatures(learned), "image")
        for row, column in enumerate(verdicts.y_true[SPECIES]):
            if column >= 0:
                truth = np.eye(4)[column]
                squares += verdicts.weights[row] * ((verdicts.y_prob[SPECIES][row] - truth) ** 2).sum()
                n += verdicts.weights[row]
    assert large_report.ranks[0].brier[1] == pytest.approx(squares / n)
    assert large_report.temperatures == {"tree": round(fit_temperatures(material.cases)["tree"], 4)}


def test_the_temperature_mends_what_is_too_sure(tmp_path):
    """Sixty of ninety right at 0.97; the other thirds of probability are even."""
    shots = (*TRAINED, *sure(60), *sure(30, label=LEAVES[0], leaf=LEAVES[2]))
    report = evaluate_probabilities(make_run(tmp_path / "run", shots=shots))
    assert report.temperatures["tree"] > 1.5
    species = report.ranks[0]
    assert species.ece[0] == pytest.approx(0.97 - 2 / 3, abs=1e-6)
    assert species.ece[1] < 0.1
    assert species.brier[1] < species.brier[0]


# Cross-fitting


def relabelled(material, rows):
    """The material of one turn with every image of these rows labelled as the same species."""
    cases, (turn, *_) = material.cases, material.turns
    labels = list(cases.labels)
    for row in rows.tolist():
        labels[row] = cases.taxonomy.leaves[-1]
    return replace(material, cases=replace(cases, labels=labels), turns=[turn], learned=turn.learned)


def given_answers(report):
    """All that follows from what was learned and from the probabilities of those who are judged."""
    ranks = [(each.threshold, each.promise, each.coverage) for judged in report.defended for each in judged.ranks]
    return report.temperatures, ranks, [judged.answered for judged in report.defended]


def test_temperatures_and_thresholds_never_see_the_specimens_they_judge(large):
    """Other labels of those who are judged change how many answers are wrong, and no answer."""
    material = held_out(large, seed=0)
    turn = material.turns[0]
    nobody = np.array([], dtype=np.int64)
    as_labelled, judged, learned = (
        judge(relabelled(material, rows), 0.1) for rows in (nobody, turn.judged, turn.learned)
    )
    assert not set(material.cases.specimens[turn.learned]) & set(material.cases.specimens[turn.judged])
    assert given_answers(judged) == given_answers(as_labelled)
    assert [each.n_wrong for each in judged.defended] != [each.n_wrong for each in as_labelled.defended]
    assert learned.temperatures != as_labelled.temperatures


def test_every_turn_learns_from_all_specimens_but_those_it_judges(large):
    material = held_out(large, seed=0)
    everything = set(material.cases.specimens)
    learned, judged = (
        [set(material.cases.specimens[rows]) for rows in parts]
        for parts in zip(*((turn.learned, turn.judged) for turn in material.turns), strict=True)
    )
    assert len(judged) == N_GROUPS
    assert all(one == everything - other for one, other in zip(learned, judged, strict=True))
    assert sum(map(len, judged)) == len(everything)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("error_rate", [0.05, 0.1, 0.2])
def test_answers_agree_with_an_obvious_loop_over_the_parts(large, large_report, unit, error_rate):
    material = held_out(large, seed=0)
    given, wrong, judged_weight, total = dict.fromkeys(RANKS, 0.0), dict.fromkeys(RANKS, 0.0), 0.0, 0.0
    for turn in material.turns:
        learned, judged = material.cases[turn.learned], material.cases[turn.judged]
        temperatures = fit_temperatures(learned)
        thresholds = give_verdicts(learned, temperatures, unit).thresholds(error_rate)
        verdicts = give_verdicts(judged, temperatures, unit)
        for row, weight in enumerate(verdicts.weights):
            total += weight
            for each in thresholds:
                answers, rank = verdicts.answers, each.rank
                reached = each.threshold is not None and answers.probability[rank][row] >= each.threshold
                if reached and answers.agrees[rank][row]:
                    given[rank] += weight
                    truth = verdicts.y_true[rank][row]
                    judged_weight += weight * (truth >= 0)
                    wrong[rank] += weight * (truth >= 0) * (truth != answers.column[rank][row])
                    break
    found = defended(large_report, error_rate, unit)
    assert total == pytest.approx(80)
    assert [each.coverage for each in found.ranks] == pytest.approx([given[rank] / 80 for rank in RANKS])
    assert [each.n_wrong for each in found.ranks] == pytest.approx([wrong[rank] for rank in RANKS])
    assert found.answered == pytest.approx(sum(given.values()) / 80)
    assert (found.n_answered, found.n_wrong) == pytest.approx((judged_weight, sum(wrong.values())))
    whole = give_verdicts(material.cases, fit_temperatures(material.cases), unit).thresholds(error_rate)
    assert [(each.threshold, each.promise) for each in found.ranks] == [
        (each.threshold, each.promise) for each in whole
    ]
    assert found.answered > 0 or error_rate == 0.05


@pytest.mark.parametrize(("n", "answered"), [(20, 0), (24, 1)])
def test_what_a_part_may_answer_rests_on_the_other_parts(tmp_path, n, answered):
    """Twenty right specimens give a threshold, but sixteen of them none; nineteen of twenty-four do."""
    found = defended(evaluate_probabilities(make_run(tmp_path / "run", shots=(*TRAINED, *sure(n)))), 0.05)
    assert found.ranks[0].threshold is not None
    assert (found.ranks[0].promise, found.ranks[0].n_calibration) == ("at this rank", n)
    assert found.ranks[0].coverage == found.answered == answered
    assert (found.n_answered, found.n_wrong, found.error) == ((n, 0, 0) if answered else (0, 0, None))
    assert found.ranks[0].interval == (wilson(0, n) if answered else None)
    expected = pytest.approx(math.sqrt(0.05 * 0.95 / n)) if answered else None
    assert found.standard_error == expected


def test_test_specimens_judge_where_there_are_any(tmp_path):
    """Learned from thirty right ones; of four test specimens one is wrong and one labelled to its genus only."""
    shots = (
        *TRAINED,
        *sure(30),
        *sure(2, "test"),
        *sure(1, "test", label="Orthocladius", leaf="Chironomus riparius"),
        *sure(1, "test", label="Chironomus", leaf="Chironomus plumosus"),
    )
    run = make_run(tmp_path / "run", shots=shots)
    report = evaluate_probabilities(run)
    assert report.method == "learned from the validation specimens, judged on the test specimens"
    assert (report.n_images, report.n_specimens) == (4, 4)
    assert report.ranks[0].n_images == 3
    material = held_out(run, 0)
    learned = fit_temperatures(material.cases[material.learned])
    assert report.temperatures == {"tree": round(learned["tree"], 4)}
    found = defended(report, 0.05)
    assert found.ranks[0].n_calibration == 30
    assert (found.answered, found.n_answered, found.n_wrong) == (1, 3, 1)
    assert found.error == pytest.approx(1 / 3)
    assert found.ranks[0].interval == wilson(1 / 3, 3)


def test_other_test_specimens_change_nothing_that_was_learned(tmp_path):
    first, second = (
        evaluate_probabilities(make_run(tmp_path / name, shots=(*TRAINED, *sure(30), *test)))
        for name, test in (("few", sure(2, "test")), ("more", sure(9, "test", label=LEAVES[0], leaf=LEAVES[3])))
    )
    assert first.temperatures == second.temperatures
    thresholds = [[[each.threshold for each in one.ranks] for one in report.defended] for report in (first, second)]
    assert thresholds[0] == thresholds[1]


# Units


def test_images_are_a_unit_of_their_own_only_where_a_specimen_has_several(tmp_path, report):
    assert {each.unit for each in report.defended} == {"image", "specimen"}
    single = evaluate_probabilities(make_run(tmp_path / "run", shots=(*TRAINED, *sure(20))))
    assert {each.unit for each in single.defended} == {"specimen"}


def test_images_that_contradict_each_other_count_singly_but_not_as_a_specimen(tmp_path):
    """Forty sure specimens, and one whose images name two subfamilies with certainty: at no rank is it half as sure."""
    odd = [Shot("Orthocladius", "E", "test", leaf, confidence=0.97) for leaf in ("Orthocladius", "Chironomus plumosus")]
    report = evaluate_probabilities(make_run(tmp_path / "run", shots=(*TRAINED, *sure(40, images=2), *odd)))
    by_image, by_specimen = (defended(report, 0.05, unit) for unit in UNITS)
    assert (by_image.answered, by_image.n_answered, by_image.n_wrong) == (1, 1, 0.5)
    assert (by_specimen.answered, by_specimen.n_answered) == (0, 0)
    assert by_specimen.error is None


def test_each_error_rate_is_shown_once_and_the_one_asked_for_among_them(report, large_report):
    assert [each.error_rate for each in report.defended if each.unit == "specimen"] == [0.01, 0.05, 0.1]
    assert [each.error_rate for each in large_report.defended if each.unit == "image"] == [0.01, 0.05, 0.1, 0.2]


# Curves


def test_curves_are_by_specimen_and_end_where_all_are_answered(large, large_report):
    assert [each.rank for each in large_report.curves] == list(RANKS)
    material = held_out(large, seed=0)
    right = []
    for turn in material.turns:
        verdicts = give_verdicts(
            material.cases[turn.judged], fit_temperatures(material.cases[turn.learned]), "specimen"
        )
        right.append(verdicts.right[GENUS])
    curve = large_report.curves[1]
    assert curve.coverage[-1] == 1
    assert curve.error[-1] == pytest.approx(1 - np.concatenate(right).mean(), abs=1e-6)
    assert list(curve.coverage) == sorted(curve.coverage)
    assert len(curve.coverage) <= N_POINTS
    assert curve.area == pytest.approx(area_under(np.array(curve.coverage), np.array(curve.error)), abs=1e-5)


def test_many_points_are_thinned_but_the_area_is_of_all(tmp_path):
    random = np.random.default_rng(0)
    shots = tuple(
        Shot(LEAVES[k % 4], f"V{k}", "validation", LEAVES[(k + (random.random() < 0.2)) % 4], 0.5 + k / 1000)
        for k in range(300)
    )
    curve = evaluate_probabilities(make_run(tmp_path / "run", shots=(*TRAINED, *shots))).curves[0]
    assert len(curve.coverage) == len(curve.error) == N_POINTS
    assert curve.coverage[-1] == 1
    assert curve.area == pytest.approx(area_under(np.array(curve.coverage), np.array(curve.error)), abs=0.02)


# In words, and in the file


def test_notes_say_where_nothing_is_promised(report):
    """Of four specimens with a species, the images of V2 name one whose subfamily they contradict."""
    assert len(report.notes) == 2
    assert report.notes[1].startswith("By specimen, no answer is given at species (3 left), genus (")
    assert report.notes[1].endswith(
        "of the calibration specimens left there, no 19 or more are identified surely and rightly enough to promise an "
        "error of at most 5%; answers stay coarser. More specimens, or `mentum calibrate`, would help."
    )


def test_notes_say_where_a_promise_is_shared_with_lower_ranks(tmp_path):
    """None of the forty is left to learn from at the higher ranks."""
    notes = evaluate_probabilities(make_run(tmp_path / "run", shots=(*TRAINED, *sure(40)))).notes
    assert notes == (
        "By specimen, too few calibration specimens were left at genus and subfamily to promise an error of at most 5% "
        "there alone; it holds together with the lower ranks, and each answer there has a probability of 0.95 or more.",
    )


@pytest.mark.parametrize(("error_rate", "words"), [(0.07, ("no 14 or", "7%")), (0.005, ("no 199 or", "0.5%"))])
def test_notes_are_of_the_error_rate_asked_for(run, error_rate, words):
    assert all(word in note for word in words for note in evaluate_probabilities(run, error_rate).notes)


def test_report_comes_back_from_its_file(large_report, report, tmp_path):
    for each in (large_report, report):
        each.write(tmp_path / "calibration.json")
        assert CalibrationReport.read(tmp_path / "calibration.json") == each


def test_the_same_run_gives_the_same_report(run, report):
    assert evaluate_probabilities(run) == report


def test_separate_networks_have_a_temperature_each(tmp_path):
    report = evaluate_probabilities(make_run(tmp_path / "run", heads="separate"))
    assert list(report.temperatures) == ["species", "genus", "subfamily"]
    assert [each.rank for each in report.ranks] == list(RANKS)


def test_a_rank_that_no_held_out_label_reaches_is_told_and_not_judged(tmp_path):
    """All validation specimens are labelled to the genus only."""
    shots = (*TRAINED, *sure(30, label="Chironomus", leaf="Chironomus riparius"))
    report = evaluate_probabilities(make_run(tmp_path / "run", shots=shots))
    assert [each.rank for each in report.ranks] == [GENUS, SUBFAMILY]
    assert [each.rank for each in report.curves] == [GENUS, SUBFAMILY]
    assert [each.rank for each in defended(report, 0.05).ranks] == list(RANKS)
    assert defended(report, 0.05).ranks[1].coverage == 1


def test_a_run_without_validation_images_is_refused(tmp_path):
    with pytest.raises(RunError, match="has no validation images"):
        evaluate_probabilities(make_run(tmp_path / "run", shots=(*TRAINED, *TEST_SHOTS)))
