"""Samples of more than 8 bits: how many of their bits are really used, and how they become 8.

Cameras of microscopes deliver 10, 12 or 14 bits, which lie in files of 16. Source: TIFF 6.0, 1992; PNG, 3rd edition.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

FULL = 16
"""Bits in a sample of a file that holds more than 8; they count as all used where nothing else is known."""

DEPTHS: tuple[int, ...] = (8, 10, 12, 14, FULL)
"""Bits that cameras use."""

GREY = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})
"""Pillow's modes of grey in more than 8 bits."""

_BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION, _LARGEST, _PLANES = 258, 259, 262, 270, 281, 284  # tags of TIFF
_OME_BITS = re.compile(r"""SignificantBits=["'](\d+)["']""")
_PNG_BITS = 24
"""Where a PNG names its depth: the header comes first."""
HEAD = _PNG_BITS + 1
"""Bytes at the beginning of a file that tell what `may_be_deep` asks."""
_OTHER_BYTE: Mapping[str, str] = MappingProxyType({
    "16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L",
})  # fmt: skip
"""How Pillow unpacks the high byte of a sample → how it would unpack the low one."""
_GREY_AND_ALPHA = "LA;16B"
_UNUSED = 4
"""An image that leaves so many of the upper bits unused is nearly black."""
DIM = 1 << 8 - 2
"""Below this lie all 8-bit values of an image that leaves two bits or more unused; resampling makes none larger."""


@dataclass(frozen=True)
class SampleDepth:
    """How many bits the samples of one image use.

    Attributes:
        needed: the fewest of `DEPTHS` that hold its largest sample, or what the file states.
        stated: by the file itself.
    """

    needed: int
    stated: bool = False

    def is_dark(self, depth: int) -> bool:
        """Whether the image is nearly black when it is read at this depth."""
        return not self.stated and self.needed + _UNUSED <= depth


def fewest_bits(largest: int) -> int:
    """The fewest of `DEPTHS` that hold a sample.

    >>> fewest_bits(4095), fewest_bits(4096)
    (12, 14)
    """
    return next((bits for bits in DEPTHS if largest < 1 << bits), FULL)


def common_depth(depths: Iterable[SampleDepth | None]) -> int | None:
    """The depth at which the images of a data set are read: one for all whose files do not state their own.

    >>> common_depth([SampleDepth(10), SampleDepth(12), None]), common_depth([None])
    (12, None)
    """
    return max((each.needed for each in depths if each is not None and not each.stated), default=None)


def in_numbers(depth: int) -> str:
    """A depth with its range.

    >>> in_numbers(12)
    '12 bit (0-4095)'
    """
    return f"{depth} bit (0-{(1 << depth) - 1})"


def may_be_deep(head: bytes) -> bool:
    """Whether a file that begins so may have more than 8 bits in a sample: a PNG that says so, a TIFF, a JPEG 2000."""
    if head.startswith(b"\x89PNG"):
        return len(head) > _PNG_BITS and head[_PNG_BITS] > 8
    return head.startswith((b"II", b"MM", b"\x00\x00\x00\x0cjP", b"\xffO\xffQ"))


def is_deep(image: ImageFile, content: bytes) -> bool:
    """Whether an opened image, grey or in colour, has more than 8 bits in a sample."""
    if image.format == "PNG":
        return content[_PNG_BITS] > 8
    return image.mode in GREY or _tag(image, _BITS) > 8


def is_scrambled(image: ImageFile) -> bool:
    """Whether Pillow would take the bytes of a deep image apart wrongly: a plane for each colour, uncompressed."""
    return _tag(image, _PLANES) == 2 and _tag(image, _COMPRESSION) == 1


def has_planes(image: ImageFile) -> bool:
    """Whether an image stores its colours one after the other."""
    return _tag(image, _PLANES) == 2


def low_bytes(image: ImageFile) -> Image.Image:
    """Decode an opened image in deep colour to the low byte of each sample, where Pillow takes the high one."""
    grey_and_alpha = any(tile.args == _GREY_AND_ALPHA for tile in image.tile)
    image.tile = [tile._replace(args=_other_byte(tile.args)) for tile in image.tile]
    image.load()
    if not grey_and_alpha:
        return image
    _, grey, _, alpha = image.split()
    return Image.merge("RGBA", (grey, grey, grey, alpha))


def _other_byte(unpacking: Any) -> Any:  # noqa: ANN401 - the name of an unpacking, alone or with more
    if isinstance(unpacking, tuple):
        return _other_byte(unpacking[0]), *unpacking[1:]
    if unpacking == _GREY_AND_ALPHA:
        return "RGBA"  # all four bytes of the two samples
    return unpacking[:-3] + _OTHER_BYTE[unpacking[-3:]]


def _stated_depth(image: ImageFile) -> int | None:
    """Bits that a TIFF says its samples use, if fewer than 16: by their packing, in OME's words, or by the largest."""
    ome = _OME_BITS.search(str(_tags(image).get(_DESCRIPTION, "")))
    by_largest = {(1 << bits) - 1: bits for bits in DEPTHS}.get(_tag(image, _LARGEST), 0)
    said = (_tag(image, _BITS), int(ome[1]) if ome else 0, by_largest)
    return min((bits for bits in said if 8 < bits < FULL), default=None)


def _tags(image: ImageFile) -> Mapping[int, object]:
    """The tags of a TIFF; none of another file."""
    found: Mapping[int, object] = getattr(image, "tag_v2", {})
    return found


def _tag(image: ImageFile, number: int) -> int:
    """A number, the largest if there are several, among the tags of a TIFF; 0 where it is not there."""
    value = _tags(image).get(number, 0)
    numbers = [each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, int)]
    return max(numbers, default=0)


@dataclass(frozen=True)
class Deep:
    """A decoded image with more than 8 bits in a sample.

    Attributes:
        image: as Pillow decodes it: whole samples of grey from 0 to 65535, or the high bytes of colour.
        decode_low: gives the low bytes of colour.
    """

    image: ImageFile
    decode_low: Callable[[], Image.Image]

    @cached_property
    def depth(self) -> SampleDepth:
        """How many bits it uses; a statement that its samples exceed is none."""
        needed, stated = fewest_bits(self._largest()), _stated_depth(self.image)
        return SampleDepth(needed) if stated is None or needed > stated else SampleDepth(stated, stated=True)

    def to_8_bit(self, depth: int) -> Image.Image:
        """Scale linearly, so that the largest sample of a depth becomes 255, into one of Pillow's modes of 8 bit.

        Colour of the full depth keeps its high bytes.
        """
        if self.image.mode in GREY:
            values = _scaled(np.asarray(self.image), depth)
            return Image.fromarray(255 - values if self._is_inverted else values)
        if depth == FULL:
            return self.image
        return Image.merge(self.image.mode, [Image.fromarray(each) for each in self._scaled_bands(depth)])

    def _largest(self) -> int:
        """The largest sample; of colour that needs all bits, what its high byte says."""
        if self.image.mode in GREY:
            return int(np.asarray(self.image).max())
        colours = range(self._n_colours)
        high = max(self._band(self.image, place).max() for place in colours)
        if fewest_bits(int(high) << 8) == FULL:
            return int(high) << 8
        return max(int(self._samples(place).max()) for place in colours)

    @property
    def _is_inverted(self) -> bool:
        """Whether 0 is white."""
        return _tag(self.image, _PHOTOMETRIC) == 0 and _PHOTOMETRIC in _tags(self.image)

    @property
    def _n_colours(self) -> int:
        """Bands that are not transparency."""
        return len(self.image.getbands()) - (self.image.mode in {"RGBA", "RGBa"})

    def _scaled_bands(self, depth: int) -> Iterator[NDArray[np.uint8]]:
        for place in range(len(self.image.getbands())):
            samples = self._samples(place)
            # Transparency may use all bits where the camera's colours do not.
            beyond = place >= self._n_colours and samples.max() >= 1 << depth
            yield _scaled(samples, FULL if beyond else depth)

    def _samples(self, place: int) -> NDArray[np.uint16]:
        """The whole samples of one band: one at a time, for the sake of memory."""
        samples = self._band(self.image, place).astype(np.uint16)
        samples <<= 8
        samples |= self._band(self._low, place)
        return samples

    @cached_property
    def _low(self) -> Image.Image:
        return self.decode_low()

    @staticmethod
    def _band(image: Image.Image, place: int) -> NDArray[np.uint8]:
        return np.asarray(image.getchannel(place))


def _scaled(samples: NDArray[np.generic], depth: int) -> NDArray[np.uint8]:
    """Samples of 0 to 65535 → 8 bit; those beyond the depth are white."""
    scaled: NDArray[np.uint8] = _table(depth)[samples]
    return scaled


@cache
def _table(depth: int) -> NDArray[np.uint8]:
    """What becomes of each sample: (65536,) uint8."""
    largest = (1 << depth) - 1
    samples = np.minimum(np.arange(1 << FULL, dtype=np.uint32), largest)
    return ((samples * 510 + largest) // (2 * largest)).astype(np.uint8)
