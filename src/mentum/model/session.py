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
from mentum.stored import are_probabilities
from mentum.taxonomy import WHOLE_TREE, Rank, Taxonomy

_COPY = "copy the model folder again"


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

    @property
    def is_sound(self) -> NDArray[np.bool_]:
        """(N,) bool: the images of which networks say probabilities, and nothing that is no number."""
        sound = np.isfinite(self.features).all(axis=1)
        for y_prob in self.y_prob.values():
            sound &= are_probabilities(y_prob)
        for maps in self.relevance.values():
            sound &= np.isfinite(maps).reshape(len(maps), -1).all(axis=1)
        return np.asarray(sound)

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


@dataclass(frozen=True)
class Wanted:
    """What a record says of its networks.

    Attributes:
        size: side of the squares that they take, px.
        cells: along a side of their maps.
        n_taxa: network → number of its probabilities.
    """

    size: int
    cells: int
    n_taxa: Mapping[str, int]

    def shapes(self, name: str, n: int) -> dict[str, tuple[int, ...]]:
        """Output of a network → its shape for n images; of features the first side alone is known."""
        n_taxa = self.n_taxa[name]
        return {"probabilities": (n, n_taxa), "relevance": (n, n_taxa, self.cells, self.cells), "features": (n,)}


class Session:
    """The networks of a model, open.

    Attributes:
        files: network → ONNX file, the one of the lowest rank first.
    """

    def __init__(self, files: Mapping[str, Path], threads: int = 0, wanted: Wanted | None = None) -> None:
        """Open the networks.

        Args:
            files: network → ONNX file.
            threads: 0 = one per core.
            wanted: what the model's record says of them; None = they were made a moment ago.

        Raises:
            ModelError: if a file is no network, or not one of the record.
        """
        self.files, self._wanted = dict(files), wanted
        self._sessions = {name: _open(file, threads) for name, file in files.items()}
        for name, session in self._sessions.items():
            self._require_ends(name, session)

    def _require_ends(self, name: str, session: Any) -> None:  # noqa: ANN401 - the package is imported late
        """Make sure that a network takes the squares and says what the record promises, as far as it declares that."""
        inputs = {each.name: each.shape for each in session.get_inputs()}
        outputs = {each.name: each.shape for each in session.get_outputs()}
        if list(inputs) != ["pixels"] or not {"probabilities", "relevance", "features"} <= set(outputs):
            raise self._other(name, f"inputs {', '.join(inputs)} and outputs {', '.join(outputs)}")
        if self._wanted is None:
            return
        square = (self._wanted.size, self._wanted.size, 3)
        for output, shape in {"pixels": (1, *square), **self._wanted.shapes(name, 1)}.items():
            declared = inputs.get(output) or outputs[output]
            told = zip(shape[1:], declared[1:], strict=False)
            if any(isinstance(found, int) and found != expected for expected, found in told):
                raise self._other(name, f"{output} of the shape {declared[1:]}, expected {shape[1:]}")

    def _other(self, name: str, found: str) -> ModelError:
        return ModelError(f"{self.files[name]}: not the network of the model's record (found {found}); {_COPY}.")

    def __call__(self, pixels: NDArray[np.uint8], *, relevance: bool = False) -> Outputs:
        """Identify squares (N, S, S, 3) uint8; the maps come from the same pass."""
        wanted = ["probabilities", *(["relevance"] if relevance else [])]
        y_prob: dict[str, NDArray[np.float32]] = {}
        maps: dict[str, NDArray[np.float32]] = {}
        features: list[NDArray[np.float32]] = []
        for name in self._sessions:
            names = wanted + ([] if features else ["features"])
            found = self._run(name, names, pixels)
            y_prob[name] = found["probabilities"]
            if relevance:
                maps[name] = found["relevance"]
            features += [found["features"]] if "features" in found else []
        return Outputs(y_prob, features[0], maps)

    def _run(self, name: str, outputs: list[str], pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """What one network says, in the shapes that were promised."""
        try:
            found = dict(zip(outputs, self._sessions[name].run(outputs, {"pixels": pixels}), strict=True))
        except Exception as error:
            raise self._other(name, str(error).partition("\n")[0]) from error
        for output, shape in self._wanted.shapes(name, len(pixels)).items() if self._wanted else ():
            if output in found and (found[output].shape[: len(shape)] != shape or found[output].dtype != np.float32):
                raise self._other(name, f"{output} {found[output].dtype} {found[output].shape}, expected {shape}")
        return found


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
        raise ModelError(f"{file}: not readable as a network ({reason}); {_COPY}.") from error
