"""Studies of a run by hand, with known answers: cross-validations, a learning curve, an audit."""

from __future__ import annotations

from pathlib import Path

from mentum.audit.backgrounds import BackgroundSwap
from mentum.audit.findings import Audit, AuditImage, LabelSuspect, NearDuplicate
from mentum.audit.shortcuts import CueResult
from mentum.evaluation.cross_validation import CrossValidation, FoldScores, RankScores, TreeScores
from mentum.evaluation.learning_curve import CurvePoint, Forecast, LearningCurve
from mentum.evaluation.results import Estimate
from mentum.records import Interval
from mentum.runs import Run
from mentum.settings import load_settings
from mentum.studies import Study
from mentum.taxonomy import Rank
from support.out_of_fold_by_hand import write_answers


def estimate(value: float, low: float | None = None, high: float | None = None) -> Estimate:
    """A score; its interval reaches 0.1 to either side unless given."""
    bounds = (value - 0.1 if low is None else low, value + 0.1 if high is None else high)
    return Estimate(value=value, interval=Interval(low=bounds[0], high=bounds[1], method="bootstrap over specimens"))


def write_study(folder: Path, run: Run, design: str, **changes: object) -> Path:
    """`study.json` of the run's images."""
    folder.mkdir(parents=True, exist_ok=True)
    data = run.record().data
    values = {
        "mentum": "0.1.0", "design": design, "stage": 1, "settings": load_settings("default"),
        "table_hash": data.table_hash, "content_hash": data.content_hash, "command": f"mentum study {folder.name}",
        **changes,
    }  # fmt: skip
    Study.model_validate(values).write(folder / "study.json")
    return folder


def cross_validation(design: str = "5 folds by specimen", **changes: object) -> CrossValidation:
    """At species and genus rank, by image and by specimen; two folds."""
    scores = {"balanced_accuracy": estimate(0.7), "macro_f1": estimate(0.6)}
    rows = [
        RankScores.model_validate(
            {"rank": rank, "unit": unit, "n_images": 14, "n_specimens": 11, "n_misclassified": wrong,
             "accuracy": estimate(1 - wrong / n), **scores, "top_3": top_3}
        )
        for rank, top_3 in ((Rank.SPECIES, estimate(1.0, 1.0, 1.0)), (Rank.GENUS, None))
        for unit, n, wrong in (("image", 14, 3), ("specimen", 11, 2))
    ]  # fmt: skip
    folds = tuple(
        FoldScores(
            name=name, n_train=6, n_validation=2, n_images=7, n_specimens=5,
            accuracies={Rank.SPECIES: accuracy, Rank.GENUS: None},
        )
        for name, accuracy in (("north", 0.9), ("south", 0.65))
    )  # fmt: skip
    values = {
        "data": "images", "design": design, "stage": 1, "backbone": "builtin", "seed": 0, "n_images": 14,
        "n_specimens": 11, "ranks": rows, "folds": folds,
        "tree": TreeScores(
            n_images=14, precision=estimate(0.8), recall=estimate(0.75), f1=estimate(0.77), height=estimate(1.5)
        ),
        "unseen": ("fold north: Orthocladius (2 images) is not in its training, so that these count as wrong",),
        **changes,
    }  # fmt: skip
    return CrossValidation.model_validate(values)


def write_validation(folder: Path, run: Run, found: CrossValidation | None = None, right: bool = True) -> Path:
    """A folder of a cross-validation that has every image right, or wrong, at species rank."""
    found = found or cross_validation()
    write_study(folder, run, found.design, stage=found.stage)
    found.write(folder / "crossvalidation.json")
    table = run.table()
    write_answers(folder, table["file_name"].to_list(), table["specimen"].to_list(), [right] * len(table))
    return folder


def learning_curve(n_points: int = 4, predicted: bool = True) -> LearningCurve:
    """Accuracy at species rank with 1, 2, 4 ... specimens per taxon."""
    points = tuple(
        CurvePoint(per_taxon=2.0**step, n_train=4 * 2.0**step, accuracies={Rank.SPECIES: estimate(0.5 + 0.1 * step)})
        for step in range(n_points)
    )
    sizes = (2 * points[-1].per_taxon, 4 * points[-1].per_taxon) if predicted else ()
    ahead = tuple(
        Forecast(rank=Rank.SPECIES, per_taxon=size, accuracy=estimate(accuracy, 0.75, 0.95))
        for size, accuracy in zip(sizes, (0.85, 0.9), strict=False)
    )
    return LearningCurve(
        data="images", backbone="builtin", seed=0, n_images=14, n_specimens=11, points=points, forecasts=ahead
    )


def write_curve(folder: Path, run: Run, found: LearningCurve | None = None) -> Path:
    """A folder of a learning curve, without its figure."""
    write_study(folder, run, "learning curve, 5 folds by specimen")
    (found or learning_curve()).write(folder / "learning_curve.json")
    return folder


def cue(name: str, accuracy: float, **changes: object) -> CueResult:
    """A cue of four taxa; a shortcut above 0.5."""
    values = {
        "cue": name, "n_images": 14, "n_specimens": 11, "n_taxa": 4, "accuracy": accuracy,
        "interval": Interval(low=accuracy - 0.1, high=accuracy + 0.1, method="Wilson"),
        "balanced_accuracy": accuracy - 0.02, "chance": 0.25, "majority": 0.3, "p": 0.005,
        "p_corrected": 0.02 if accuracy > 0.5 else 0.6, "n_permutations": 199, "of_specimen_too": False,
        "above_chance": accuracy > 0.5, "found": accuracy > 0.5, **changes,
    }  # fmt: skip
    return CueResult.model_validate(values)


CUES = (
    cue("border", 0.54),
    cue("background", 0.6),
    cue("colour", 0.7, of_specimen_too=True, found=False),
    cue("scale bar", 0.3),
    cue("file", 0.35, p_corrected=0.04),
)
"""Two shortcuts, one that holds the specimen, one that no description is known of, one hardly above chance."""

SWAP = BackgroundSwap(
    judge="the fine-tuned network", n_images=9, n_specimens=8, accuracy=estimate(0.8), accuracy_own=estimate(0.75),
    accuracy_other=estimate(0.5), changed=estimate(0.4), followed=estimate(0.3), decides=True,
)  # fmt: skip


def audit_image(run: Run, row: int) -> AuditImage:
    """An image of the run by its number."""
    each = run.table().row(row, named=True)
    rank = Rank.SPECIES if " " in each["scientificName"] else Rank.GENUS
    return AuditImage(
        file_name=each["file_name"], specimen=each["specimen"], scientific_name=each["scientificName"],
        taxon_rank=rank, subset=each["subset"],
    )  # fmt: skip


def pair(run: Run, one: int, other: int, kind: str = "across subsets") -> NearDuplicate:
    """Two images that look alike."""
    return NearDuplicate.model_validate(
        {"one": audit_image(run, one), "other": audit_image(run, other), "kind": kind, "distance": 3, "cosine": None}
    )


def suspect(run: Run, row: int, suggested: str = "Polypedilum laetum") -> LabelSuspect:
    """An image whose label looks wrong."""
    return LabelSuspect(
        image=audit_image(run, row), suggested=suggested, suggested_rank=Rank.SPECIES, probability_of_label=0.02,
        probability_suggested=0.91, confident=True, reason="out of fold",
    )  # fmt: skip


def audit(run: Run, **changes: object) -> Audit:
    """An audit that found something of everything."""
    values = {
        "data": "images", "backbone": "builtin", "n_images": 14, "n_specimens": 11, "accuracy": 0.6,
        "shortcuts": CUES, "duplicates": (pair(run, 0, 5), pair(run, 1, 2, "two specimens")),
        "bursts": (("a/IMG_7.jpg", "b/IMG_8.jpg"),), "suspects": (suspect(run, 0), suspect(run, 6)),
        "notes": ("One thing could not be looked at.",), **changes,
    }  # fmt: skip
    return Audit.model_validate(values)


def write_audit(folder: Path, run: Run, found: Audit | None = None) -> Path:
    """A folder of an audit."""
    write_study(folder, run, "audit, 5 folds by specimen")
    (found or audit(run)).write(folder / "audit.json")
    return folder
