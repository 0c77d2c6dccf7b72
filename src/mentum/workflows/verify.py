"""Is a model folder still what was released, and does it say here what it said there?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mentum.calibration.novelty import Novelty
from mentum.calibration.temperatures import log_probabilities
from mentum.errors import ImageError
from mentum.model.folder import Model
from mentum.specimens.pixels import square_pixels
from mentum.workflows.arguments import PathLike

TOLERANCE = 1e-3
"""Largest difference of a probability between machines: other processors and JPEG decoders round otherwise."""


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        n_files: checked byte by byte.
        n_samples: identified again.
        largest: difference of a probability from the one released with the samples.
        faults: in words; none means that the model is as released.
    """

    n_files: int
    n_samples: int
    largest: float
    faults: tuple[str, ...]


def verify(model: PathLike | Model) -> Verification:
    """Check every file of a model against its hash, and its samples against the answers released with them.

    Args:
        model: a model, or its folder.

    Raises:
        ModelError: if it is no model.
    """
    model = model if isinstance(model, Model) else Model.open(Path(model))
    record = model.record
    faults = model.changed_files()
    if faults:
        return Verification(len(record.files), 0, 0.0, tuple(faults))
    novelty = Novelty.load(model.path / record.calibration.density_file) if record.calibration.density_file else None
    largest = 0.0
    for sample in record.samples:
        file = model.path / sample.file
        try:
            pixels = square_pixels(file, record.pixels)
        except ImageError as reason:
            faults.append(str(reason))
            continue
        outputs = model.session(pixels[None])
        expected = {name: np.array(values) for name, values in sample.probabilities.items()}
        each = [np.abs(outputs.y_prob[name][0] - values).max() for name, values in expected.items()]
        difference = float(np.max(each))  # NaN where anything is
        largest = float(np.maximum(largest, difference))
        if not difference <= TOLERANCE:
            faults.append(
                f"{file}: its probabilities differ by up to {difference:.2g} from those released, expected at most "
                f"{TOLERANCE:g}; install the onnxruntime and Pillow that the model's README names."
            )
        if novelty and sample.novelty is not None:
            first = next(iter(outputs.y_prob.values()))
            found = float(novelty.score_images(outputs.features, log_probabilities(first))[0])
            if not abs(found - sample.novelty) <= 0.05 * max(1.0, abs(sample.novelty)):
                faults.append(f"{file}: its novelty score is {found:.3f}, released as {sample.novelty:.3f}.")
    return Verification(len(record.files), len(record.samples), largest, tuple(faults))
