"""Identify new images with a released model: what is it, how sure, and down to which rank can that be defended?"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image as Picture
from PIL.Image import fromarray

from mentum.calibration.cases import UNITS, Unit
from mentum.calibration.novelty import Novelty
from mentum.calibration.stored import StoredCalibration, read_calibration
from mentum.calibration.temperatures import at_ranks, at_temperature, combine, log_probabilities
from mentum.errors import ImageError, ModelError
from mentum.identification.conclusions import Judge, Looked
from mentum.identification.inputs import Given, Image, meant
from mentum.identification.output.darwin_core import Agent
from mentum.identification.reading import Reading, read_images
from mentum.maps import Evidence
from mentum.model.folder import Model
from mentum.model.record import ModelRecord
from mentum.model.session import Outputs
from mentum.records import Identification
from mentum.specimens.image_files import LeftOut
from mentum.specimens.images import read_rgb
from mentum.specimens.placements import SquarePlacement
from mentum.taxonomy import Rank, Taxonomy

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Explained:
    """An image with its identification and its maps, for whoever draws them.

    Attributes:
        pixels: (S, S, 3) uint8.
        placement: where the image lies in them.
        evidence: rank → probabilities (1, C) and maps (1, C, cells, cells).
    """

    identification: Identification
    pixels: NDArray[np.uint8]
    placement: SquarePlacement
    evidence: Mapping[Rank, Evidence]


class Identifier:
    """A model ready to identify.

    Attributes:
        model: the folder.
        error_rate: share of the answers at a rank that may be wrong.
        false_rejection: share of specimens of known taxa that may be called unknown.
    """

    def __init__(
        self, model: Model | str | Path, error_rate: float | None = None, false_rejection: float | None = None
    ) -> None:
        """Take a model, or its folder, with the rates that it was made with, or others.

        Raises:
            ModelError: if the folder is no model, or changed since its release.
            ValueError: if a rate does not lie between 0 and 1.
        """
        self.model = model if isinstance(model, Model) else Model.open(model)
        calibration = self.model.record.calibration
        self.error_rate = _rate("error_rate", error_rate, calibration.error_rate)
        self.false_rejection = _rate("false_rejection", false_rejection, calibration.false_rejection)

    @property
    def record(self) -> ModelRecord:
        """What the model says of itself."""
        return self.model.record

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The tree."""
        return self.record.taxonomy

    @cached_property
    def experience(self) -> StoredCalibration:
        """What the model keeps of its calibration."""
        return read_calibration(self.model.path / self.record.calibration.file, self.record.ranks)

    @cached_property
    def judges(self) -> dict[Unit, Judge]:
        """Who decides about images, and about specimens."""
        return {unit: self._judge(unit) for unit in UNITS}

    def _judge(self, unit: Unit) -> Judge:
        thresholds, known = self.experience.thresholds(unit, self.error_rate), self.experience.known[unit]
        enough = known if known is not None and known.can_reject(self.false_rejection) else None
        return Judge(self.record, self.taxonomy, thresholds, enough, self.error_rate, self.false_rejection)

    @cached_property
    def novelty(self) -> Novelty | None:
        """How strange specimens look; None where the model cannot tell."""
        file = self.record.calibration.density_file
        return Novelty.load(self.model.path / file) if file else None

    def require_whole(self) -> None:
        """Read all that identifying needs, so that damage is told before the first image.

        Raises:
            ModelError: naming the file that is damaged or does not fit the others.
        """
        _ = self.experience, self.novelty, self.model.session

    def identify(self, images: Image | Iterable[Image], *, by: Unit = "image") -> list[Identification]:
        """Identify images given as paths (also folders, globs and tables of paths) or as arrays.

        Args:
            images: paths, or arrays (H, W, 3) uint8 in RGB.
            by: one identification per image, or per specimen, which a table of paths must name.

        Returns:
            One record per image or specimen, in order; what cannot be read has the status "failed". A warning counts
            the files in folders that are no images.

        Raises:
            DataError: if a path is not there.
            ValueError: if an array is no image.
        """
        left_out = LeftOut()
        given = list(meant(images, by_specimen=by == "specimen", left_out=left_out))
        if left_out.counts:
            warnings.warn(f"left out: {left_out}.", stacklevel=2)
        return list(self.stream(given, by=by))

    def predict_proba(self, images: Image | Iterable[Image], rank: Rank | str) -> NDArray[np.float64]:
        """Calibrated probabilities of the taxa at one rank, an image per row, as scikit-learn names them.

        The columns are `identifier.taxonomy.taxa(Rank(rank))`; for their names:
        `[taxon.name for taxon in identifier.taxonomy.taxa(Rank("species"))]`. A taxon that is not named so far down
        stands for itself. No rank is chosen here and no image called unknown; `identify` does both.

        Args:
            images: as for `identify`.
            rank: one of `identifier.record.ranks`, also as a text such as "species".

        Returns:
            (N, C), rows sum to 1.

        Raises:
            DataError: if a path is not there.
            ImageError: if an image cannot be read; `identify` gives such an image a record instead.
            ValueError: if the model does not answer at this rank, no image is given, or an array is no image.
        """
        wanted = self._answered(rank)
        looked = [each.log_prob for reading in self._all_read(images) for each in self._look(reading)]
        alone = np.arange(len(looked))
        combined = {
            each.name: combine(np.stack([of[each.name] for of in looked]), alone) for each in self.record.networks
        }
        return at_ranks(combined, self.taxonomy, self.record.ranks)[wanted]

    def features(self, images: Image | Iterable[Image]) -> NDArray[np.float32]:
        """What the first network makes of images before it names them, for maps and searches: (N, K).

        Args:
            images: as for `identify`.

        Raises:
            DataError, ImageError, ValueError: as by `predict_proba`.
        """
        return np.concatenate([each.outputs.features for each in self._all_read(images) if each.outputs is not None])

    def show(self, image: Image) -> Figure:
        """A picture of one identification: the image, its heat map over it, and the lineage with probabilities.

        Args:
            image: one, as for `identify`.

        Returns:
            A figure by matplotlib, which a notebook shows; `figure.savefig("found.png")` keeps it.

        Raises:
            DataError, ImageError: if it is not there or cannot be read.
            ValueError: if several images are given, or an array is no image.
        """
        from mentum.identification.picture import LONGEST_SIDE, draw_identification

        source = list(itertools.islice(meant(image), 2))
        if len(source) != 1:
            raise ValueError(f"{image}: found several images, expected one; show them one by one.")
        shown: list[Explained] = []
        (found,) = self.stream(source, draw=shown.append)
        if not shown:
            raise ImageError(found.failure)
        (one,) = source
        whole = fromarray(one) if isinstance(one, np.ndarray) else self._read_whole(one.path, LONGEST_SIDE)
        return draw_identification(shown[0], whole, self.record)

    def _read_whole(self, path: Path, at_least: int) -> Picture:
        """An image larger than the networks want it."""
        return read_rgb(path, at_least=at_least, depth=self.record.pixels.bits)

    def _answered(self, rank: Rank | str) -> Rank:
        """A rank that the model answers at."""
        if rank not in self.record.ranks:
            raise ValueError(f"{rank!s}: not a rank of this model, expected one of {', '.join(self.record.ranks)}.")
        return Rank(rank)

    def _all_read(self, images: Image | Iterable[Image]) -> Iterator[Reading]:
        """Batches of images, all of which can be read."""
        reading = None
        for reading in read_images(meant(images), self.model.session, self.record.pixels):
            if failures := [each.failure for each in reading.pictures if each.failure]:
                raise ImageError(failures[0])
            yield reading
        if reading is None:
            raise ValueError("no image is given, expected one or more.")

    def table(self, identifications: Iterable[Identification]) -> pl.DataFrame:
        """Identifications as a table, one row each: Darwin Core terms, probabilities at each rank, reasons."""
        from mentum.identification.output.tables import frame_of

        return frame_of(identifications, self.agent, self.record.ranks)

    @cached_property
    def agent(self) -> Agent:
        """Who identifies, in Darwin Core's terms."""
        record, software = self.record, f"Mentum {version('mentum')}"
        return Agent(record.title, record.identifier, f"{software} | {record.title} | {record.identifier}")

    def stream(
        self,
        images: Iterable[Given | NDArray[np.uint8]],
        *,
        by: Unit = "image",
        draw: Callable[[Explained], None] | None = None,
    ) -> Iterator[Identification]:
        """Identify without end: memory does not grow with the number of images.

        Args:
            images: for specimens, with the images of each in a row.
            by: the unit.
            draw: given every image that could be read, with the maps from the same pass.
        """
        when = datetime.now(UTC).replace(microsecond=0)
        readings = self._read(images, when, draw)
        if by == "specimen":
            looked = itertools.chain.from_iterable(looked for looked, _ in readings)
            for _, group in itertools.groupby(looked, key=lambda each: each.picture.given.unit):
                yield from self.judges["specimen"].conclude([list(group)], when)
        else:
            for _, found in readings:
                yield from found

    def _read(
        self,
        images: Iterable[Given | NDArray[np.uint8]],
        when: datetime,
        draw: Callable[[Explained], None] | None,
    ) -> Iterator[tuple[list[Looked], list[Identification]]]:
        """Batches: what the networks say, and the identification of each image on its own."""
        for reading in read_images(images, self.model.session, self.record.pixels, relevance=draw is not None):
            looked = self._look(reading)
            found = self.judges["image"].conclude([[each] for each in looked], when)
            if draw is not None:
                for explained in self._explain(reading, found):
                    draw(explained)
            yield looked, found

    def _look(self, reading: Reading) -> list[Looked]:
        """Calibrate what the networks say."""
        looked = [Looked(picture, {}, float("nan")) for picture in reading.pictures]
        if reading.outputs is None:
            return looked
        raw = {name: log_probabilities(values) for name, values in reading.outputs.y_prob.items()}
        networks = self.record.networks
        calibrated = {
            each.name: log_probabilities(at_temperature(raw[each.name], each.temperature)) for each in networks
        }
        strangeness = self.strangeness(reading.outputs)
        for place, row in enumerate(reading.rows.tolist()):
            of_image = {name: values[place] for name, values in calibrated.items()}
            looked[row] = Looked(reading.pictures[row], of_image, float(strangeness[place]))
        return looked

    def strangeness(self, outputs: Outputs) -> NDArray[np.float64]:
        """How strange images look, (N,); NaN where the model cannot tell.

        Raises:
            ModelError: if the network gives other features than the known ones.
        """
        novelty, n_features = self.novelty, outputs.features.shape[1]
        if novelty is None:
            return np.full(len(outputs.features), np.nan)
        if n_features != len(novelty.density.mean):
            raise ModelError(
                f"{self.model.path}: the network gives {n_features} features, expected {len(novelty.density.mean)} as "
                f"in {self.record.calibration.density_file}; copy the model folder again."
            )
        return novelty.score_images(outputs.features, log_probabilities(next(iter(outputs.y_prob.values()))))

    def _explain(self, reading: Reading, found: Sequence[Identification]) -> Iterator[Explained]:
        if reading.outputs is None:
            return
        evidence = reading.outputs.evidence(self.taxonomy)
        for place, row in enumerate(reading.rows.tolist()):
            square = reading.pictures[row].square
            assert square is not None, "rows are those that could be read"
            one = slice(place, place + 1)
            alone = {rank: Evidence(each.y_prob[one], each.relevance[one]) for rank, each in evidence.items()}
            yield Explained(found[row], square.pixels, square.placement, alone)


def _rate(name: str, given: float | None, default: float) -> float:
    if given is None:
        return default
    if not 0 < given < 1:
        raise ValueError(f"{name} of {given}; expected a share between 0 and 1, such as 0.05")
    return given


def load(path: str | Path, error_rate: float | None = None, false_rejection: float | None = None) -> Identifier:
    """Open a model folder to identify with.

    Args:
        path: the folder that `mentum export` made.
        error_rate: share of the answers at a rank that may be wrong; None = as the model was made.
        false_rejection: share of specimens of known taxa that may be called unknown, likewise.

    Raises:
        ModelError: if it is no model, or changed since its release.
    """
    return Identifier(path, error_rate, false_rejection)
