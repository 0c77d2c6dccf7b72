"""What an image file tells before its pixels are looked at."""

from __future__ import annotations

import datetime
import math
import re
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

_BROKEN = (Exception,)
"""As in `specimens.image_refusals.decoding`: headers fail in every way, and what they do not tell stays unknown."""
_MODEL, _DATE, _ORIENTATION, _EXIF, _DATE_TAKEN = 0x0110, 0x0132, 0x0112, 0x8769, 0x9003


class FileFacts(NamedTuple):
    """What the header of an image file tells; nan, or an empty text, where it does not.

    Attributes:
        width, height: of the upright image, px.
        n_bytes: size of the file.
        quantisation: mean of a JPEG's quantisation tables: small means little compression.
        day: days since year 1.
        hour: time of the day, 0-24.
        number: the last digits in the file's name.
        camera: model.
    """

    width: float = math.nan
    height: float = math.nan
    n_bytes: float = math.nan
    quantisation: float = math.nan
    day: float = math.nan
    hour: float = math.nan
    number: float = math.nan
    camera: str = ""


def read_facts(path: Path) -> FileFacts:
    """Read the header of an image file; what cannot be read stays unknown."""
    digits = re.findall(r"\d+", path.stem)
    facts = FileFacts(number=float(digits[-1][-15:]) if digits else math.nan)
    try:
        facts = facts._replace(n_bytes=float(path.stat().st_size))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and broken EXIF
            with Image.open(path) as image:
                return _with_header(facts, image)
    except _BROKEN:
        return facts


def _with_header(facts: FileFacts, image: Image.Image) -> FileFacts:
    tables = getattr(image, "quantization", None)
    mean = float(np.mean([np.mean(table) for table in tables.values()])) if tables else math.nan
    width, height = image.size
    facts = facts._replace(width=float(width), height=float(height), quantisation=mean)
    try:
        exif = Image.Image.getexif(image)  # a PNG's own method decodes the pixels
        date = str(exif.get_ifd(_EXIF).get(_DATE_TAKEN) or exif.get(_DATE) or "")
        if image.format != "TIFF" and exif.get(_ORIENTATION) in (5, 6, 7, 8):  # Pillow has turned a TIFF
            facts = facts._replace(width=float(height), height=float(width))
        facts = facts._replace(camera=str(exif.get(_MODEL) or "").strip("\0 "))
        day, hour = _day_and_hour(date)
        return facts._replace(day=day, hour=hour)
    except _BROKEN:
        return facts


def _day_and_hour(date: str) -> tuple[float, float]:
    """EXIF's date in numbers, nan where it is none.

    >>> _day_and_hour("2019:06:01 18:30:00")
    (737211.0, 18.5)
    >>> _day_and_hour("0000:00:00 00:00:00")
    (nan, nan)
    """
    try:
        taken = datetime.datetime.strptime(date[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return math.nan, math.nan
    return float(taken.toordinal()), taken.hour + taken.minute / 60 + taken.second / 3600
