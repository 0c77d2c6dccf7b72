"""Is a model folder still what was released, and does it say here what it said there?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mentum.errors import ImageError
from mentum.identification.identifier import Identifier
from mentum.model.folder import Model
from mentum.model.signature import is_signed, require_signature
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
        signed: whether there is a signature.
        signed_with: digits of the key that was asked for and has signed the model; None where none was asked for.
    """

    n_files: int
    n_samples: int
    largest: float
    faults: tuple[str, ...]
    signed: bool = False
    signed_with: str | None = None


def verify(model: PathLike | Model, key: PathLike | None = None) -> Verification:
    """Check every file of a model against its hash, and its samples against the answers released with them.

    Args:
        model: a model, or its folder.
        key: public key of whoever released it, as a file of minisign or the line in it; None = whoever signed it.

    Raises:
        ModelError: if it is no model, or not one that the owner of the key has signed.
        SettingsError: if the key is none.
    """
    model = model if isinstance(model, Model) else Model.open(Path(model))
    owner = require_signature(model, key) if key is not None else None
    found = _check(model)
    return replace(found, signed=is_signed(model), signed_with=owner)


def _check(model: Model) -> Verification:
    record = model.record
    faults = model.changed_files()
    if faults:
        return Verification(len(record.files), 0, 0.0, tuple(faults))
    identifier, largest = Identifier(model), 0.0
    identifier.require_whole()
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
        if sample.novelty is not None:
            found = float(identifier.strangeness(outputs)[0])
            if not abs(found - sample.novelty) <= 0.05 * max(1.0, abs(sample.novelty)):
                faults.append(f"{file}: its novelty score is {found:.3f}, released as {sample.novelty:.3f}.")
    return Verification(len(record.files), len(record.samples), largest, tuple(faults))
