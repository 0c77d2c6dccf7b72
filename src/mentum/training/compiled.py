"""A run's networks by ONNX Runtime, several times faster than by torch where they are asked thousands of times."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.errors import BackboneError
from mentum.files import scratch
from mentum.maps import Evidence
from mentum.model.session import Session
from mentum.processes import signals_kept_back, worker_pool
from mentum.records import Progress, ProgressCallback, ignore_progress
from mentum.runs import Run
from mentum.taxonomy import Rank, Target, Taxonomy
from mentum.training.network_files import export_networks
from mentum.training.predict import Predictor

LEAST_IMAGES = 64
"""Images from which on the half minute of translating the networks is saved again."""


@dataclass(frozen=True)
class CompiledPredictor:
    """The trained networks of a run, translated; says what `Predictor` says, to within rounding.

    Attributes:
        session: the networks of the last stage.
    """

    run: Run
    taxonomy: Taxonomy
    session: Session

    def __call__(self, pixels: NDArray[np.uint8]) -> dict[Rank, NDArray[np.float32]]:
        """Identify squares (N, S, S, 3) uint8: probabilities (N, C) for each rank."""
        found: dict[Rank, NDArray[np.float32]] = {}
        for name, y_prob in self.session(pixels).y_prob.items():
            found |= Target.of(name).at_ranks(self.taxonomy, y_prob)
        return found

    def explain(self, pixels: NDArray[np.uint8]) -> Mapping[Rank, Evidence]:
        """Identify squares (N, S, S, 3) uint8, with the relevance map of every taxon, from the same forward pass."""
        return self.session(pixels, relevance=True).evidence(self.taxonomy)

    def randomised(self, *, last_block: bool, seed: int) -> Predictor:
        """The same with random weights, as by `Predictor.randomised`."""
        return self._predictor.randomised(last_block=last_block, seed=seed)

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor.open(self.run)


@contextlib.contextmanager
def open_predictor(run: Run, n_images: int, report: ProgressCallback) -> Iterator[Predictor | CompiledPredictor]:
    """The networks of a run, translated where there are many images and they can be; gone from the disk afterwards.

    Args:
        run: a complete run.
        n_images: that it will be asked about, several times each.
        report: told when the translation begins and ends.

    Raises:
        RunError: if the run's weights cannot be read.
    """
    if n_images < LEAST_IMAGES:
        yield Predictor.open(run)
        return
    with scratch(run.path / "networks") as folder:
        try:
            files = _translate(run, folder, report)
        except BackboneError:  # not all can be translated: torch knows every network that it trained
            files = {}
        threads = run.record().settings.threads
        yield CompiledPredictor(run, run.taxonomy(), Session(files, threads)) if files else Predictor.open(run)


def _translate(run: Run, folder: Path, report: ProgressCallback) -> dict[str, Path]:
    """Model → ONNX file; by a process of its own, which takes its memory (half a gigabyte) with it."""
    report(Progress(task="translating the networks", done=0, total=1, unit="step"))
    with worker_pool(1) as pool:
        with signals_kept_back():
            asked = pool.submit(export_networks, run, folder, ignore_progress)
        networks = asked.result()
    report(Progress(task="translating the networks", done=1, total=1, unit="step"))
    return {network.name: folder / network.file for network in networks}
