"""Everything in `model.json`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from mentum.maps import CellGeometry
from mentum.records import Record
from mentum.settings import PixelSettings
from mentum.stored import are_probabilities, is_inside
from mentum.taxonomy import Rank, Target, Taxonomy, require_lineages, taxon_from_lineage


class NetworkRecord(Record):
    """One network of the model.

    Attributes:
        name: of its target: the whole tree, which answers at every rank, or the rank of a separate model.
        file: its ONNX file; `weights` the same weights for further training.
        temperature: by which the logits are divided before the softmax.
        parity: largest difference of a probability from the trained network's, over `n_parity` images.
    """

    name: str
    file: str
    weights: str
    temperature: float = Field(gt=0)
    parity: float
    n_parity: int


class SampleRecord(Record):
    """An image that comes with the model, and what the model says of it.

    Attributes:
        file: below the model's folder.
        label: what a person called it.
        probabilities: of the lowest taxa, uncalibrated, by network.
        novelty: raw score, None where the model has none.
    """

    file: str
    label: str
    probabilities: dict[str, tuple[float, ...]]
    novelty: float | None


class CalibrationRecord(Record):
    """What temperatures and thresholds were learned from.

    Attributes:
        source: the subset, or "out-of-fold" where networks of the same recipe were trained on folds.
        file: table of the probabilities given to calibration specimens and whether they were right.
        error_rate: asked for when the model was made; another may be asked for when it is used.
        false_rejection: share of specimens of known taxa that may be called unknown, likewise.
        n_density: training images behind the novelty score.
    """

    source: str
    file: str
    n_images: int
    n_specimens: int
    error_rate: float = Field(gt=0, lt=1)
    false_rejection: float = Field(gt=0, lt=1)
    density_file: str | None
    n_density: int


class TrainingRecord(Record):
    """Where the model came from.

    Attributes:
        specimens: taxon → (images, specimens) in training.
        settings: all settings of the training.
        table_hash, content_hash: of the training's specimen table and of its images.
        versions: of the training; of Pillow and ONNX Runtime, those that the samples were identified with.
    """

    run: str
    trained: datetime | None
    command: str
    backbone: str
    architecture: str
    pretrained: bool
    settings: dict[str, Any]
    seed: int
    data: str
    table_hash: str
    content_hash: str
    specimens: dict[str, tuple[int, int]]
    versions: dict[str, str]
    processor: str


class ModelRecord(Record):
    """Everything in `model.json`.

    Attributes:
        version: of the model, given by who made it.
        doi: where it was published.
        taxa: lineage of every leaf, in the order of the probability columns; `verbatim` their labels as in the training
            set.
        pixels: the square that every image becomes, by `mentum.specimens.pixels.square_pixels`.
        geometry: where the cells of the maps lie in that square.
        map_scale: rank → largest relevance drawn of nearly all held-out images, where a scale shared by pictures ends.
        files: every other file of the folder → sha256 of its bytes.
        seal: sha256 of this very file with 64 zeros in the seal's place.
    """

    schema_version: Literal[1] = 1
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    doi: str | None = None
    licence: str | None = None
    created: datetime
    mentum: str
    taxa: tuple[dict[Rank, str], ...]
    verbatim: tuple[str, ...]
    ranks: tuple[Rank, ...]
    pixels: PixelSettings
    geometry: CellGeometry
    map_scale: dict[Rank, float]
    networks: tuple[NetworkRecord, ...]
    calibration: CalibrationRecord
    training: TrainingRecord
    samples: tuple[SampleRecord, ...]
    files: dict[str, str]
    seal: str

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        require_lineages(self.taxa, self.ranks)
        if len(self.verbatim) != len(self.taxa):
            raise ValueError(f"found {len(self.verbatim)} labels for {len(self.taxa)} taxa, expected one for each")
        if self.geometry.size != self.pixels.size:
            raise ValueError(f"found maps of {self.geometry.size} px for images of {self.pixels.size} px")
        if lacking := [rank for rank in self.ranks if not self.map_scale.get(rank, -1) >= 0]:
            raise ValueError(f"found no map_scale for {lacking[0]}, expected a number for every rank")
        self._require_networks()
        self._require_samples()
        self._require_places()
        return self

    def _require_networks(self) -> None:
        names = [network.name for network in self.networks]
        if names not in (["tree"], list(self.ranks)):
            raise ValueError(f"found networks for {', '.join(names) or 'nothing'}, expected the tree or every rank")

    def _require_samples(self) -> None:
        n_taxa = self.n_taxa
        for sample in self.samples:
            found = {name: len(values) for name, values in sample.probabilities.items()}
            if found != n_taxa:
                raise ValueError(f"found {found} probabilities of {sample.file}, expected {n_taxa}")
            if not all(are_probabilities(np.array([values])).all() for values in sample.probabilities.values()):
                raise ValueError(f"found probabilities of {sample.file} that do not sum to 1")

    def _require_places(self) -> None:
        named = [*(network.file for network in self.networks), *(sample.file for sample in self.samples)]
        named += [file for file in (self.calibration.file, self.calibration.density_file) if file]
        if outside := [file for file in (*named, *self.files) if not is_inside(file)]:
            raise ValueError(f"found the file {outside[0]}, expected files within the folder alone")
        if self.files and (unlisted := [file for file in named if file not in self.files]):
            raise ValueError(f"found no hash of {unlisted[0]}, expected one of every file")
        if len(set(named)) < len(named):
            raise ValueError("found a file that stands for two networks or samples, expected one each")

    @property
    def n_taxa(self) -> dict[str, int]:
        """Network → number of its probabilities."""
        return {each.name: len(Target.of(each.name).taxa(self.taxonomy)) for each in self.networks}

    @property
    def taxonomy(self) -> Taxonomy:
        """The tree, with the leaves in the order of the probability columns."""
        return Taxonomy(tuple(taxon_from_lineage(lineage) for lineage in self.taxa))

    @property
    def title(self) -> str:
        """Name and version, as in `identifiedBy`."""
        return f"{self.name} {self.version}"

    @property
    def identifier(self) -> str:
        """The DOI as an address, or the hash of the model's record, which covers all its files."""
        return f"https://doi.org/{self.doi}" if self.doi else f"hash://sha256/{self.seal}"
