"""A few images that go with a model, so that anyone can see that it says the same elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentum.model.record import SampleRecord
from mentum.model.session import Outputs
from mentum.specimens.run_images import RunImages


def write_samples(
    images: RunImages, folder: Path, outputs: Outputs, strangeness: Callable[[Outputs], float] | None, wanted: int
) -> tuple[SampleRecord, ...]:
    """Copy a few held-out images, of as many taxa as there are samples, with what the model says of them.

    Args:
        images: all images of the run.
        folder: of the model.
        outputs: of all images.
        strangeness: how strange one image looks; None where the model cannot tell.
        wanted: images at most.
    """
    predictions = list(images.run.predictions())[-1]
    records: list[SampleRecord] = []
    for row in sample_rows(predictions.subsets, [label.name for label in predictions.labels], wanted):
        source = images.root / predictions.file_names[row]
        file = f"samples/{len(records) + 1}{source.suffix.lower()}"
        (folder / "samples").mkdir(exist_ok=True)
        shutil.copyfile(source, folder / file)
        one = outputs[np.array([row])]
        records.append(
            SampleRecord(
                file=file,
                label=predictions.labels[row].name,
                probabilities={name: tuple(values[0].tolist()) for name, values in one.y_prob.items()},
                novelty=strangeness(one) if strangeness else None,
            )
        )
    return tuple(records)


def sample_rows(subsets: NDArray[np.str_], labels: Sequence[str], wanted: int) -> list[int]:
    """The first held-out image of each taxon, spread over the taxa."""
    rows = np.flatnonzero(subsets != "train")
    first: dict[str, int] = {}
    for row in (rows if len(rows) else np.arange(len(subsets))).tolist():
        first.setdefault(labels[row], row)
    found = [first[name] for name in sorted(first)]
    places = np.unique(np.linspace(0, len(found) - 1, min(wanted, len(found))).round().astype(int))
    return [found[place] for place in places.tolist()] if wanted else []
