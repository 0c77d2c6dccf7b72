"""Turn a run into a released model folder: networks, calibration, novelty, samples, model card."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.cases import Cases
from mentum.calibration.held_out import held_out
from mentum.calibration.novelty import Density, Novelty, measure
from mentum.calibration.stored import write_calibration
from mentum.calibration.temperatures import fit_temperatures, log_probabilities
from mentum.disks import require_place
from mentum.errors import ModelError, SettingsError
from mentum.evaluation.probabilities import judge
from mentum.evaluation.results import CalibrationReport
from mentum.files import is_free, whole
from mentum.locks import sole_owner, sole_writer, undisturbed
from mentum.maps import shared_maximum
from mentum.model.folder import Model, seal
from mentum.model.provenance import training_record, verbatim_labels
from mentum.model.record import CalibrationRecord, ModelRecord, NetworkRecord, SampleRecord
from mentum.model.samples import write_samples
from mentum.model.session import Outputs, Session, join
from mentum.model.signature import Signer, open_key
from mentum.records import Progress, ProgressCallback, ignore_progress
from mentum.reporting.figures.calibration import draw_calibration
from mentum.reporting.model_card import write_card
from mentum.runs import Run, RunRecord
from mentum.specimens.run_images import RunImages, open_images
from mentum.taxonomy import Rank, Target
from mentum.training.network_files import ExportedNetwork, export_networks
from mentum.training.predict import map_geometry
from mentum.workflows.arguments import PathLike, cache_folder, open_run, path_or_none

PARITY = 1e-4
"""Largest difference of a probability between the trained network and its ONNX file."""

_EXPERIENCE, _DENSITY = "calibration.csv", "density.npz"
_BATCH = 32
_N_SCALE = 256
"""Held-out images from whose maps the scale of all pictures is taken."""


@dataclass(frozen=True)
class _ReleaseSettings:
    """What whoever releases a model decides.

    Attributes:
        name, version: of the model, as in `identifiedBy`.
        doi: where it is published.
        licence: of the model, such as "CC-BY-4.0".
        error_rate: share of the answers at a rank that may be wrong, unless a user asks for another.
        false_rejection: share of specimens of known taxa that may be called unknown, likewise.
        samples: images that go with the model, one per taxon at most.
    """

    name: str
    version: str
    doi: str | None = None
    licence: str | None = None
    error_rate: float = 0.05
    false_rejection: float = 0.05
    samples: int = 5


@dataclass(frozen=True)
class Exported:
    """A released model, and how its calibration was judged.

    Attributes:
        public_key: of whoever signed the model, in one line; None where nobody did.
        notes: what whoever signed should know, in words.
    """

    model: Model
    calibration: CalibrationReport
    public_key: str | None = None
    notes: tuple[str, ...] = ()


def export(
    run: PathLike | Run,
    out: PathLike,
    *,
    name: str | None = None,
    version: str = "1.0.0",
    doi: str | None = None,
    licence: str | None = None,
    error_rate: float = 0.05,
    false_rejection: float = 0.05,
    samples: int = 5,
    sign: PathLike | None = None,
    password: Callable[[], str] | None = None,
    data: PathLike | None = None,
    cache: PathLike | None = None,
    report: ProgressCallback = ignore_progress,
) -> Exported:
    """Turn a run into a model folder that identifies without torch; it appears whole or not at all.

    Args:
        run: a complete run, or its folder.
        out: the folder to make.
        name: of the model, as in `identifiedBy`; None = that of the run's folder.
        version: of the model.
        doi: where it is published.
        licence: of the model, such as "CC-BY-4.0".
        error_rate: share of the answers at a rank that may be wrong, unless a user asks for another.
        false_rejection: share of specimens of known taxa that may be called unknown, likewise.
        samples: images that go with the model, one per taxon at most.
        sign: secret key of minisign to sign the model with; None = nobody signs it.
        password: gives the password of the key, where it has one.
        data: where the images of the run are now, if they have moved.
        cache: folder of the pixel cache; None = the user's.
        report: told about every step.

    Raises:
        ModelError: if `out` holds something else, or the ONNX file does not say what the trained network says.
        RunError: if the run's images are not there.
        BackboneError: if a network cannot be expressed in ONNX.
        BusyError: if another process writes `out`, or into the run's folder.
        SettingsError: if the key is none, or does not open.
    """
    run, out = open_run(run), Path(out).resolve()  # "." has no name to write beside
    settings = _ReleaseSettings(
        name or run.path.resolve().name, version, doi, licence, error_rate, false_rejection, samples
    )
    signer = open_key(Path(sign), password or _no_password) if sign is not None else None
    with sole_writer(out):
        if not is_free(out):
            raise ModelError(
                f"{out}: exists already, expected a new or empty folder; give another --out, or remove it."
            )
        require_place(out)
        with sole_owner(run.path):
            map_geometry(run)  # which is kept in the run, where the first who asks for it writes it
        with whole(out) as beside, undisturbed(run.path):
            images = open_images(run, "all", path_or_none(data), cache_folder(cache), report)
            beside.mkdir(parents=True)
            found = _assemble(_Release(run, run.record(), images, beside, settings, signer), report)
    owner, notes = (signer.public_key, signer.notes) if signer else (None, ())
    return Exported(Model.open(out), found, owner, notes)


def _no_password() -> str:
    raise SettingsError("the key is protected by a password, which was not given; give `password` as well.")


@dataclass(frozen=True)
class _Release:
    """What all parts of a release need."""

    run: Run
    record: RunRecord
    images: RunImages
    folder: Path
    settings: _ReleaseSettings
    signer: Signer | None = None


@dataclass(frozen=True)
class _Fitted:
    """What was learned from the specimens held out.

    Attributes:
        cases: these specimens, with how strange they look.
        temperatures: network → temperature.
    """

    cases: Cases
    temperatures: Mapping[str, float]
    novelty: Novelty

    def strangeness(self, one: Outputs) -> float:
        """How strange one image looks."""
        return float(self.novelty.score_images(one.features, log_probabilities(next(iter(one.y_prob.values()))))[0])


def _assemble(release: _Release, report: ProgressCallback) -> CalibrationReport:
    """Fill the folder."""
    run, folder, settings = release.run, release.folder, release.settings
    networks = export_networks(run, folder, report)
    session = Session({network.name: folder / network.file for network in networks})
    outputs = _look(release, session, report)
    parity = _parity(release, outputs)
    material = held_out(run, release.record.settings.seed)
    fitted = _fit(release, outputs, material.cases[material.learned])
    write_calibration(fitted.cases, fitted.temperatures, fitted.novelty, folder / _EXPERIENCE)
    fitted.novelty.save(folder / _DENSITY)
    found = judge(material, settings.error_rate)
    found.write(folder / "calibration.json")
    draw_calibration(found, folder / "figures")
    record = _model_record(
        release,
        networks=_network_records(networks, parity, fitted.temperatures),
        calibration=_calibration_record(release, fitted.cases),
        map_scale=_map_scale(release, session),
        samples=write_samples(release.images, folder, outputs, fitted.strangeness, settings.samples),
    )
    signer = release.signer
    write_card(record, found, run, folder / "README.md", signer.public_key if signer else None)
    seal(record, folder)
    if signer:
        signer.sign(folder)
    return found


def _look(release: _Release, session: Session, report: ProgressCallback) -> Outputs:
    """What the exported networks say of every image of the run."""
    pixels, parts = release.images.pixels, []
    for start in range(0, len(pixels), _BATCH):
        parts.append(session(pixels[start : start + _BATCH]))
        done = min(start + _BATCH, len(pixels))
        report(Progress(task="model", done=done, total=len(pixels), unit="images"))
    return join(parts)


def _map_scale(release: _Release, session: Session) -> dict[Rank, float]:
    """Rank → where a scale shared by the heat maps of many images ends, from held-out ones."""
    predictions, taxonomy = list(release.run.predictions())[-1], release.run.taxonomy()
    rows = np.flatnonzero(predictions.subsets != "train")[:_N_SCALE]
    geometry = map_geometry(release.run)
    maps: dict[Rank, list[NDArray[np.float32]]] = {rank: [] for rank in release.record.ranks}
    for start in range(0, len(rows), _BATCH):
        batch = session(release.images.pixels[rows[start : start + _BATCH]], relevance=True)
        for rank, each in batch.evidence(taxonomy).items():
            if rank in maps:
                maps[rank].append(each.relevance[np.arange(len(each.y_prob)), each.y_prob.argmax(axis=1)])
    return {rank: shared_maximum(np.concatenate(found), geometry) for rank, found in maps.items()}


def _parity(release: _Release, outputs: Outputs) -> tuple[float, int]:
    """Compare with what the trained network said of the validation images.

    Raises:
        ModelError: if they differ.
    """
    predictions = list(release.run.predictions())[-1]
    rows = np.flatnonzero(predictions.subsets == "validation")
    rows = rows if len(rows) else np.arange(len(predictions.labels))
    taxonomy = release.run.taxonomy()
    differences = []
    for name, y_prob in outputs.y_prob.items():
        for rank, of_rank in Target.of(name).at_ranks(taxonomy, y_prob[rows]).items():
            differences.append(np.abs(of_rank - predictions.probabilities[rank][rows]).max())
    largest = float(np.max(differences))  # NaN where anything is
    if not largest <= PARITY:
        raise ModelError(
            f"{release.run.path}: the exported network gives probabilities that differ by up to {largest:.2g} from "
            f"those of the trained one on {len(rows)} images, expected at most {PARITY:.0e}; nothing was written. "
            "Export with other versions of torch or onnxruntime."
        )
    return largest, len(rows)


def _fit(release: _Release, outputs: Outputs, learned: Cases) -> _Fitted:
    """Learn where known features lie from the training images, and the rest from specimens held out."""
    predictions = list(release.run.predictions())[-1]
    place_of = release.run.taxonomy().place_of
    taxa = np.array([place_of.get(label, -1) for label in predictions.labels])
    training = predictions.subsets == "train"
    density = Density.fit(outputs.features[training], taxa[training])
    if learned.measures is None:
        rows = np.flatnonzero(predictions.subsets == "validation")
        raw = log_probabilities(next(iter(outputs.y_prob.values()))[rows])
        learned = dataclasses.replace(learned, measures=measure(density, outputs.features[rows], raw))
    assert learned.measures is not None, "either kept with the folds or measured here"
    return _Fitted(learned, fit_temperatures(learned), Novelty.fit(density, learned.measures, learned.weights))


def _network_records(
    networks: Sequence[ExportedNetwork], parity: tuple[float, int], temperatures: Mapping[str, float]
) -> tuple[NetworkRecord, ...]:
    return tuple(
        NetworkRecord(
            name=each.name,
            file=each.file,
            weights=each.weights,
            temperature=temperatures[each.name],
            parity=parity[0],
            n_parity=parity[1],
        )
        for each in networks
    )


def _calibration_record(release: _Release, cases: Cases) -> CalibrationRecord:
    return CalibrationRecord(
        source=cases.source,
        file=_EXPERIENCE,
        n_images=len(cases),
        n_specimens=cases.n_specimens,
        error_rate=release.settings.error_rate,
        false_rejection=release.settings.false_rejection,
        density_file=_DENSITY,
        n_density=int((release.run.table()["subset"] == "train").sum()),
    )


def _model_record(
    release: _Release,
    *,
    networks: tuple[NetworkRecord, ...],
    calibration: CalibrationRecord,
    map_scale: dict[Rank, float],
    samples: tuple[SampleRecord, ...],
) -> ModelRecord:
    """Everything but the hashes, which come when all files are there."""
    record, settings = release.record, release.settings
    return ModelRecord(
        name=settings.name,
        version=settings.version,
        doi=settings.doi,
        licence=settings.licence,
        created=datetime.now(UTC).replace(microsecond=0),
        mentum=metadata.version("mentum"),
        taxa=record.taxa,
        verbatim=verbatim_labels(release.run),
        ranks=tuple(rank for rank in release.run.taxonomy().ranks if rank in record.ranks),
        pixels=record.settings.pixels,
        geometry=map_geometry(release.run),
        map_scale=map_scale,
        networks=networks,
        calibration=calibration,
        training=training_record(release.run),
        samples=samples,
        files={},
        seal="0" * 64,
    )
