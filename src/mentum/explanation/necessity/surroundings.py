"""A specimen on the ground of another image: what its identification owes to what lies around it.

The ground of another taxon's image is set against that of another image of the same taxon, so that what any foreign
ground and the seam cost is taken off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from mentum.explanation.necessity.transplants import Posed, feathered

LEAST_GROUND = 0.05
"""Share of the square that must lie outside a specimen."""
_SMOOTHNESS = 1 / 40
"""Standard deviation with which colours that were drawn in under a specimen are smoothed, in sides of the square."""


def has_ground(image: Posed) -> bool:
    """Whether enough of an image lies outside its specimen."""
    return bool(image.masks[-1].mean() >= LEAST_GROUND)


def laid_on(image: Posed, ground: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The specimen of an image on the ground of another, (S, S, 3)."""
    specimen, under = feathered(image.specimen)[:, :, None], ground.astype(np.float32)
    return np.asarray(np.round(under + specimen * (image.pixels - under)), dtype=np.uint8)


def ground_of(donor: Posed) -> NDArray[np.uint8]:
    """(S, S, 3) what lies around a specimen; under it the colours nearest to its outline, smoothed."""
    hidden = feathered(donor.specimen) > 0.01
    nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    drawn_in = donor.pixels[tuple(nearest)].astype(np.float32)
    sigma = _SMOOTHNESS * len(hidden)
    smooth = gaussian_filter(drawn_in, (sigma, sigma, 0))
    return np.asarray(np.round(np.where(hidden[:, :, None], smooth, drawn_in)), dtype=np.uint8)
