"""A specimen on the ground of another image: what its identification owes to what lies around it.

The ground of another taxon's image is set against that of another image of the same taxon, so that what any foreign
ground and the seam cost is taken off.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from mentum.explanation.necessity.transplants import Posed, feathered

LEAST_GROUND = 0.05
"""Share of the square that must lie outside a specimen."""
_SMOOTHNESS = 1 / 40
"""Standard deviation with which colours that were drawn in under a specimen are smoothed, in sides of the square."""
KEPT = 128


def on_ground_of(image: Posed, donor: Posed) -> NDArray[np.uint8] | None:
    """The specimen of an image on the ground of another; None where there is too little of it in one of them."""
    if min(image.masks[-1].mean(), donor.masks[-1].mean()) < LEAST_GROUND:
        return None
    ground, specimen = _ground(donor), feathered(image.specimen)[:, :, None]
    return np.asarray(np.round(ground + specimen * (image.pixels - ground)), dtype=np.uint8)


@lru_cache(maxsize=KEPT)
def _ground(donor: Posed) -> NDArray[np.float32]:
    """(S, S, 3) what lies around a specimen; under it the colours nearest to its outline, smoothed."""
    hidden = feathered(donor.specimen) > 0.01
    nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    drawn_in = donor.pixels[tuple(nearest)].astype(np.float32)
    sigma = _SMOOTHNESS * len(hidden)
    smooth = gaussian_filter(drawn_in, (sigma, sigma, 0))
    return np.asarray(np.where(hidden[:, :, None], smooth, drawn_in), dtype=np.float32)
