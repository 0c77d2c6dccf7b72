"""A model with known answers: the grey level of an image says which probabilities its networks give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from mentum.calibration.novelty import Density, Novelty, Spread
from mentum.maps import CellGeometry
from mentum.model.folder import Model, seal
from mentum.model.record import CalibrationRecord, ModelRecord, NetworkRecord, TrainingRecord
from mentum.model.session import Outputs
from mentum.settings import PixelSettings
from mentum.taxonomy import Rank

CHIRONOMINAE = {Rank.SUBFAMILY: "Chironominae"}
CHIRONOMUS = CHIRONOMINAE | {Rank.GENUS: "Chironomus"}
LEAVES: tuple[dict[Rank, str], ...] = (
    CHIRONOMUS | {Rank.SPECIES: "Chironomus plumosus"},
    CHIRONOMUS | {Rank.SPECIES: "Chironomus riparius"},
    CHIRONOMINAE | {Rank.GENUS: "Polypedilum", Rank.SPECIES: "Polypedilum laetum"},
    {Rank.SUBFAMILY: "Orthocladiinae", Rank.GENUS: "Orthocladius"},
)
"""The last one is named to genus only, and stands for itself among the species."""

OPEN_LEAVES = (CHIRONOMUS, *LEAVES)
OPEN_VERBATIM = ("Chironomus sp.", "C. plumosus", "C. riparius", "P. laetum", "Orthocladius sp.")
"""Of a training that also had specimens named to the genus Chironomus only."""

RANKS = (Rank.SPECIES, Rank.GENUS, Rank.SUBFAMILY)
PLUMOSUS, GENUS, SUBFAMILY, NOTHING, ORTHOCLADIUS, CONTRADICTION = 10, 50, 90, 130, 170, 210
"""Levels of red, by the answer that can be defended."""

TREE: Mapping[int, tuple[float, ...]] = {
    PLUMOSUS: (0.98, 0.01, 0.005, 0.005),
    GENUS: (0.5, 0.48, 0.01, 0.01),
    SUBFAMILY: (0.6, 0.1, 0.27, 0.03),
    NOTHING: (0.3, 0.2, 0.2, 0.3),
    ORTHOCLADIUS: (0.005, 0.005, 0.005, 0.985),
}
"""Red level → probabilities of the leaves, from a network for the whole tree."""

SEPARATE: Mapping[str, Mapping[int, tuple[float, ...]]] = {
    "species": {PLUMOSUS: (0.98, 0.01, 0.005, 0.005), CONTRADICTION: (0.98, 0.01, 0.005, 0.005)},
    "genus": {PLUMOSUS: (0.99, 0.005, 0.005), CONTRADICTION: (0.01, 0.98, 0.01)},
    "subfamily": {PLUMOSUS: (0.99, 0.01), CONTRADICTION: (0.98, 0.02)},
}
"""Network of a rank → red level → probabilities of its taxa."""

STRANGE = 200
"""A green level whose features lie far from all known ones."""

CELLS = 4


class SessionByHand:
    """Networks that look at the first pixel alone; they note the size of each batch."""

    def __init__(self, networks: Mapping[str, Mapping[int, tuple[float, ...]]]) -> None:
        self.networks = networks
        self.batches: list[int] = []

    def __call__(self, pixels: NDArray[np.uint8], *, relevance: bool = False) -> Outputs:
        self.batches.append(len(pixels))
        red, green = pixels[:, 0, 0, 0].tolist(), pixels[:, 0, 0, 1].astype(np.float32)
        y_prob = {
            name: np.array([levels[level] for level in red], dtype=np.float32) for name, levels in self.networks.items()
        }
        maps = {name: _maps(values) for name, values in y_prob.items()} if relevance else {}
        return Outputs(y_prob, green[:, None] / 10, maps)


def _maps(y_prob: NDArray[np.float32]) -> NDArray[np.float32]:
    """All evidence for a taxon lies in the cell of its column."""
    maps = np.zeros((*y_prob.shape, CELLS, CELLS), dtype=np.float32)
    for column in range(y_prob.shape[1]):
        maps[:, column, *divmod(column, CELLS)] = y_prob[:, column]
    return maps


def write_level(path: Path, red: int, green: int = 0) -> Path:
    """An image of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), (red, green, 0)).save(path)
    return path


def level(red: int, green: int = 0) -> NDArray[np.uint8]:
    """The same as an array."""
    return np.asarray(Image.new("RGB", (40, 40), (red, green, 0)))


def make_model(
    folder: Path,
    networks: Mapping[str, Mapping[int, tuple[float, ...]]] | None = None,
    temperature: float = 1.0,
    **changes: object,
) -> Model:
    """Write a model folder whose networks are `SessionByHand`.

    At an error rate of 5 % species need a probability of 0.97, genera 0.96, subfamilies 0.95. With a green level g the
    novelty score is (g / 10)² / 2; those of the hundred known specimens are 0.05, 0.15, … 9.95.

    Args:
        folder: made where missing.
        networks: `TREE` where None; or `SEPARATE`.
        temperature: of every network.
        changes: of the record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    networks = networks or {"tree": TREE}
    for name in networks:
        (folder / f"{name}.onnx").write_bytes(b"no network")
    _experience().write_csv(folder / "calibration.csv")
    _novelty().save(folder / "density.npz")
    record = seal(_record(tuple(networks), temperature).model_copy(update=changes), folder)
    model = Model(folder, record)
    model.__dict__["session"] = SessionByHand(networks)
    return model


def _record(names: tuple[str, ...], temperature: float) -> ModelRecord:
    network = {"temperature": temperature, "parity": 0.0, "n_parity": 1}
    return ModelRecord(
        name="midges",
        version="2.0",
        created=datetime(2026, 5, 4, 9, 0, tzinfo=UTC),
        mentum="0.1.0",
        taxa=LEAVES,
        verbatim=("C. plumosus", "C. riparius", "P. laetum", "Orthocladius sp."),
        ranks=RANKS,
        pixels=PixelSettings(size=32, padding=0),
        geometry=CellGeometry(size=32, cells=CELLS, stride=8, offset=4),
        map_scale=dict.fromkeys(RANKS, 1.0),
        networks=tuple(NetworkRecord(name=name, file=f"{name}.onnx", weights="", **network) for name in names),
        calibration=_calibration(),
        training=_training(),
        samples=(),
        files={},
        seal="0" * 64,
    )


def _calibration() -> CalibrationRecord:
    return CalibrationRecord(
        source="validation",
        file="calibration.csv",
        n_images=100,
        n_specimens=100,
        error_rate=0.05,
        false_rejection=0.05,
        density_file="density.npz",
        n_density=100,
    )


def _training() -> TrainingRecord:
    return TrainingRecord(
        run="run",
        trained=None,
        command="mentum train images",
        backbone="random",
        architecture="resnet",
        pretrained=False,
        settings={},
        seed=0,
        data="images",
        table_hash="0" * 64,
        content_hash="1" * 64,
        specimens={"Chironomus plumosus": (3, 2), "Chironomus": (1, 1)},
        versions={"numpy": "2"},
        processor="x86",
    )


def _experience() -> pl.DataFrame:
    """A hundred specimens with one image each: sixty sure of the species, thirty of the genus, ten of nothing."""
    groups = (
        (60, {Rank.SPECIES: (0.97, True), Rank.GENUS: (0.99, True), Rank.SUBFAMILY: (0.99, True)}),
        (30, {Rank.SPECIES: (0.6, False), Rank.GENUS: (0.96, True), Rank.SUBFAMILY: (0.99, True)}),
        (10, {Rank.SPECIES: (0.5, False), Rank.GENUS: (0.6, False), Rank.SUBFAMILY: (0.9, True)}),
    )
    rows = []
    for unit in ("image", "specimen"):
        answers = [of_group for n, of_group in groups for _ in range(n)]
        for number, at_ranks in enumerate(answers):
            row: dict[str, object] = {"unit": unit, "specimen": f"{number:03}", "weight": 1.0}
            for rank, (probability, right) in at_ranks.items():
                row |= {f"{rank}_probability": probability, f"{rank}_agrees": 1, f"{rank}_right": int(right)}
            rows.append(row | {"novelty": number / 10 + 0.05})
    return pl.DataFrame(rows)


def _novelty() -> Novelty:
    """A single feature x: its squared distance is x² from the known taxon and x² / 2 from all; energy hardly counts."""
    axis, one = np.array([[1.0]]), np.array([1.0])
    density = Density(np.zeros(1), np.zeros((1, 1)), Spread(axis, one, 1.0), Spread(axis, 2 * one, 2.0))
    return Novelty(density, np.zeros(2), np.array([1.0, 1e9]))
