"""Hostile images, for `check` and `identify`."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

from fuzz.cases import Command, Place, tricks
from fuzz.nasty import flipped

SUFFIXES = ("png", "jpg", "tif", "bmp", "webp", "gif", "jp2", "avif", "heic")
_NAMES = {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000", "heic": "HEIF"}
_MODES = (
    "1",
    "L",
    "P",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I",
    "F",
    "LA",
    "PA",
    "La",
    "RGBa",
    "RGBX",
    "I;16",
)


def encoded(image: Image.Image, suffix: str, **options: Any) -> bytes:
    """The bytes of an image file; a PNG where the format cannot bear the image."""
    if suffix == "heic":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    stream = io.BytesIO()
    try:
        image.save(stream, format=_NAMES.get(suffix, suffix.upper()), **options)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SystemError, struct.error):
        stream = io.BytesIO()
        picture = image.convert("RGB") if image.mode in {"L", "P", "RGBA", "LA", "1"} else Image.new("RGB", image.size)
        picture.save(stream, format="PNG")
    return stream.getvalue()


def picture(place: Place, size: tuple[int, int] = (40, 32), mode: str = "RGB") -> Image.Image:
    """Noise."""
    return Image.frombytes("RGB", size, place.chance.randbytes(3 * size[0] * size[1])).convert(mode)


def taken(place: Place, content: bytes, suffix: str) -> Command:
    """The command that meets the image beside others: three times of four `check`, else `identify`."""
    file = place.file(f"data/Salix alba/odd.{suffix}", content)
    if place.chance.random() < 0.25:
        other = place.ground.photograph(place.folder / "good.png")
        return ["identify", place.ground.model, file, other, "--out", place.folder / "out.csv"]
    place.ground.folders(place.folder / "data")
    return ["check", place.folder / "data", "--json"]


def _suffix(place: Place) -> str:
    return place.chance.choice(SUFFIXES)


def truncated(place: Place) -> Command:
    suffix = _suffix(place)
    content = encoded(picture(place), suffix)
    return taken(place, content[: place.chance.randrange(len(content))], suffix)


def flipped_bytes(place: Place) -> Command:
    suffix = _suffix(place)
    return taken(place, flipped(encoded(picture(place), suffix), place.chance, place.chance.choice((1, 3, 30))), suffix)


def flipped_header(place: Place) -> Command:
    suffix = _suffix(place)
    content = encoded(picture(place), suffix)
    return taken(place, flipped(content[:60], place.chance, 3) + content[60:], suffix)


def wrong_header(place: Place) -> Command:
    begins = (
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"BM",
        b"GIF89a",
        b"RIFF\xff\xff\xff\xffWEBP",
        b"\0\0\0\x0cjP  \r\n\x87\n",
        b"\xffO\xffQ",
        b"\0\0\0\x20ftypavif",
        b"\0\0\0\x20ftypheic",
        b"\0\0\0\x20ftypmif1",
    )
    return taken(
        place, place.chance.choice(begins) + place.chance.randbytes(place.chance.choice((0, 8, 500))), _suffix(place)
    )


def other_suffix(place: Place) -> Command:
    return taken(place, encoded(picture(place), _suffix(place)), _suffix(place))


def odd_mode(place: Place) -> Command:
    mode, suffix = place.chance.choice(_MODES), _suffix(place)
    source = "LA" if mode in {"La", "PA"} else "RGBA" if mode == "RGBa" else "L" if mode == "I;16" else "RGB"
    first = picture(place, mode="RGB")
    image = first.convert("RGB") if mode == source else first.convert(source)
    try:
        image = image.convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
    except (ValueError, KeyError, OSError):
        image = Image.new("RGB", (40, 32))
    return taken(place, encoded(image, suffix), suffix)


def png(width: int, height: int, depth: int, colour: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of chunks, with right checksums."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, content in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        parts.append(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content)))
    return b"".join(parts)


def palette_missing(place: Place) -> Command:
    depth = place.chance.choice((1, 2, 4, 8))
    rows = zlib.compress(bytes(1 + 20 * depth // 8 + 1) * 20)
    palette = [] if place.chance.random() < 0.6 else [(b"PLTE", place.chance.randbytes(3 * place.chance.randrange(3)))]
    return taken(place, png(20, 20, depth, 3, *palette, (b"IDAT", rows)), "png")


def odd_chunks(place: Place) -> Command:
    kinds = (
        b"tRNS",
        b"gAMA",
        b"iCCP",
        b"zTXt",
        b"iTXt",
        b"eXIf",
        b"pHYs",
        b"acTL",
        b"fcTL",
        b"cHRM",
        b"sRGB",
        b"bKGD",
        b"fdAT",
    )
    made = [(kind, place.chance.randbytes(place.chance.randrange(40))) for kind in place.chance.sample(kinds, 3)]
    return taken(place, png(8, 8, 8, 2, *made, (b"IDAT", zlib.compress(bytes(25) * 8))), "png")


def text_bomb(place: Place) -> Command:
    packed = zlib.compress(bytes(60_000_000))
    kind = place.chance.choice((b"zTXt", b"iCCP"))
    return taken(place, png(8, 8, 8, 2, (kind, b"a\0\0" + packed), (b"IDAT", zlib.compress(bytes(25) * 8))), "png")


def giant(place: Place) -> Command:
    width, height = place.chance.choice(
        ((30_000, 30_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1), (1, 2**31 - 1), (65_536, 65_536))
    )
    kinds = (
        (png(width, height, 8, 2, (b"IDAT", zlib.compress(bytes(1000)))), "png"),
        (
            b"BM"
            + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
            + bytes(100),
            "bmp",
        ),
        (b"GIF89a" + struct.pack("<HHBBB", width % 65536, height % 65536, 0x80, 0, 0) + bytes(30), "gif"),
        (tiff(place, {256: width, 257: height}), "tif"),
        (
            b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x11\0\x02\x11\0\x03\x11\0" + bytes(60) + b"\xff\xd9",
            "jpg",
        ),
    )
    return taken(place, *place.chance.choice(kinds))


def bomb(place: Place) -> Command:
    side = 20_000
    return taken(place, png(side, side, 1, 0, (b"IDAT", zlib.compress(bytes(side // 8 + 1) * side))), "png")


def zero_size(place: Place) -> Command:
    width, height = place.chance.choice(((0, 5), (5, 0), (0, 0)))
    kinds = (
        (png(width, height, 8, 2, (b"IDAT", zlib.compress(b""))), "png"),
        (tiff(place, {256: width, 257: height}), "tif"),
        (b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b",\0\0\0\0\0\0\0\0\0\2\0;", "gif"),
        (b"", "jpg"),
    )
    return taken(place, *place.chance.choice(kinds))


def thin(place: Place) -> Command:
    suffix, size = _suffix(place), place.chance.choice(((1, 1), (1, 5000), (5000, 1), (2, 9999), (1, 16_000)))
    return taken(place, encoded(picture(place, size), suffix), suffix)


def animated(place: Place) -> Command:
    suffix = place.chance.choice(("gif", "webp", "png", "tif", "avif"))
    more = [picture(place) for _ in range(place.chance.choice((1, 4)))]
    content = encoded(picture(place), suffix, save_all=True, append_images=more)
    return taken(place, flipped(content, place.chance, place.chance.choice((0, 0, 3))), suffix)


def tiff(place: Place, changed: dict[int, int]) -> bytes:
    """An uncompressed TIFF by hand, in which some tags have other values."""
    tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: 8, 279: 64} | changed
    order = "<" if place.chance.random() < 0.7 else ">"
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value % 2**32) for tag, value in sorted(tags.items()))
    begin = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return (begin + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)).ljust(200, b"\0") + bytes(64)


def tiff_tags(place: Place) -> Command:
    tags = (
        256,
        257,
        258,
        259,
        262,
        266,
        273,
        274,
        277,
        278,
        279,
        284,
        317,
        320,
        322,
        323,
        324,
        325,
        338,
        339,
        34665,
        34675,
        700,
    )
    values = (0, 1, 2, 3, 5, 6, 7, 8, 16, 32, 64, 255, 65535, 50_000, 2**31, 2**32 - 1, 34712, 32773, 50001)
    changed = {place.chance.choice(tags): place.chance.choice(values) for _ in range(place.chance.choice((1, 2, 4)))}
    return taken(place, tiff(place, changed), "tif")


def tiff_cycle(place: Place) -> Command:
    content = bytearray(tiff(place, {}))
    count = (
        struct.unpack_from("<H", content, 8)[0]
        if content.startswith(b"II")
        else struct.unpack_from(">H", content, 8)[0]
    )
    struct.pack_into("<I" if content.startswith(b"II") else ">I", content, 10 + 12 * count, 8)
    return taken(place, bytes(content), "tif")


def exif(place: Place) -> Command:
    garbage = (
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*\0" + struct.pack("<I", 5000),
        b"Exif\0\0MM\0*" + place.chance.randbytes(200),
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"
        + struct.pack("<I", place.chance.choice((0, 9, 255, 65535))),
        b"Exif\0\0II*\0\x08\0\0\0\x02\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x12\x01\x02\0\xff\xff\xff\x7f\0\0\0\0",
    )
    suffix = place.chance.choice(("jpg", "webp", "png", "tif"))
    return taken(place, encoded(picture(place), suffix, exif=place.chance.choice(garbage)), suffix)


def profile(place: Place) -> Command:
    suffix = place.chance.choice(("jpg", "webp", "png", "tif"))
    return taken(
        place,
        encoded(picture(place), suffix, icc_profile=place.chance.randbytes(place.chance.choice((1, 128, 500)))),
        suffix,
    )


def sixteen_bits(place: Place) -> Command:
    grey = Image.frombytes("I;16", (40, 32), place.chance.randbytes(40 * 32 * 2))
    content = encoded(grey, place.chance.choice(("png", "tif")))
    return taken(
        place, flipped(content, place.chance, place.chance.choice((0, 2))), place.chance.choice(("png", "tif"))
    )


def floats(place: Place) -> Command:
    values = [place.chance.choice((float("nan"), float("inf"), -1e30, 1e30, 0.5)) for _ in range(64)]
    image = Image.frombytes("F", (8, 8), struct.pack("64f", *values))
    return taken(place, encoded(image, "tif"), "tif")


def joined(place: Place) -> Command:
    first, second = (encoded(picture(place), _suffix(place)) for _ in range(2))
    return taken(place, first + second, _suffix(place))


def rubbish(place: Place) -> Command:
    return taken(place, place.chance.randbytes(place.chance.choice((1, 2, 3, 17, 5000))), _suffix(place))


IMAGES = tricks(
    truncated,
    flipped_bytes,
    flipped_header,
    wrong_header,
    palette_missing,
    giant,
    tiff_tags,
    odd_mode,
    exif,
    zero_size,
    thin,
    animated,
    other_suffix,
    odd_chunks,
    tiff_cycle,
    sixteen_bits,
    floats,
    joined,
    rubbish,
    profile,
    bomb,
    text_bomb,
)
