"""A model's networks at work, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentum.errors import ModelError
from mentum.maps import Evidence, against_rivals, evidence_at_ranks
from mentum.taxonomy import WHOLE_TREE, Rank, Taxonomy


@dataclass(frozen=True)
class Outputs:
    """What networks say of N images.

    Attributes:
        y_prob: network → (N, C) float32, uncalibrated; the whole tree over its leaves, or a rank over its taxa.
        features: (N, K) float32, pooled, of the first network.
        relevance: network → (N, C, cells, cells) float32, signed; empty where it was not asked for.
    """

    y_prob: Mapping[str, NDArray[np.float32]]
    features: NDArray[np.float32]
    relevance: Mapping[str, NDArray[np.float32]]

    def evidence(self, taxonomy: Taxonomy) -> dict[Rank, Evidence]:
        """Probabilities and maps of the taxa at each rank."""
        if WHOLE_TREE.name in self.y_prob:
            return evidence_at_ranks(Evidence(self.y_prob[WHOLE_TREE.name], self.relevance[WHOLE_TREE.name]), taxonomy)
        return {
            Rank(name): against_rivals(Evidence(y_prob, self.relevance[name]), np.arange(y_prob.shape[1]))
            for name, y_prob in self.y_prob.items()
        }

    def __getitem__(self, rows: NDArray[np.generic]) -> Outputs:
        """Some of the images."""
        return Outputs(
            {name: values[rows] for name, values in self.y_prob.items()},
            self.features[rows],
            {name: values[rows] for name, values in self.relevance.items()},
        )


def join(parts: Sequence[Outputs]) -> Outputs:
    """One for all images, from batches."""
    first = parts[0]
    return Outputs(
        {name: np.concatenate([part.y_prob[name] for part in parts]) for name in first.y_prob},
        np.concatenate([part.features for part in parts]),
        {name: np.concatenate([part.relevance[name] for part in parts]) for name in first.relevance},
    )


class Session:
    """The networks of a model, open.

    Attributes:
        files: network → ONNX file, the one of the lowest rank first.
    """

    def __init__(self, files: Mapping[str, Path], threads: int = 0) -> None:
        """Open the networks.

        Args:
            files: network → ONNX file.
            threads: 0 = one per core.

        Raises:
            ModelError: if a file is no network.
        """
        self.files = dict(files)
        self._sessions = {name: _open(file, threads) for name, file in files.items()}

    def __call__(self, pixels: NDArray[np.uint8], *, relevance: bool = False) -> Outputs:
        """Identify squares (N, S, S, 3) uint8; the maps come from the same pass."""
        wanted = ["probabilities", *(["relevance"] if relevance else [])]
        y_prob: dict[str, NDArray[np.float32]] = {}
        maps: dict[str, NDArray[np.float32]] = {}
        features: list[NDArray[np.float32]] = []
        for name, session in self._sessions.items():
            names = wanted + ([] if features else ["features"])
            found = dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))
            y_prob[name] = found["probabilities"]
            if relevance:
                maps[name] = found["relevance"]
            features += [found["features"]] if "features" in found else []
        return Outputs(y_prob, features[0], maps)


def _open(file: Path, threads: int) -> Any:  # noqa: ANN401 - the package is imported late
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take the cores from those that read images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    usable = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider")
              if name in onnxruntime.get_available_providers()]  # fmt: skip
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=usable)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{file}: not readable as a network ({reason}); copy the model folder again.") from error
