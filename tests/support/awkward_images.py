"""A pack of images as people really have them: broken, misnamed, turned, in print colours, in 12 of 16 bits."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
WIDE = (120, 80)
"""Width and height of most images in the pack."""


def drawing(size: tuple[int, int] = WIDE, seed: int = 0) -> Image.Image:
    """A smooth colour gradient with some noise; another seed gives other bytes."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(seed).integers(0, 20, (height, width))
    return Image.fromarray(np.stack([x * 200 // width + noise, y * 200 // height, noise * 5], axis=2).astype(np.uint8))


def corners(size: tuple[int, int] = WIDE) -> Image.Image:
    """White, with a red block top left and a blue one top right: shows how an image is turned."""
    image = Image.new("RGB", size, WHITE)
    third = min(size) // 3
    image.paste(RED, (0, 0, third, third))
    image.paste(BLUE, (size[0] - third, 0, size[0], third))
    return image


def write_plain(path: Path, seed: int = 0) -> Path:
    """An image without fault, in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing(seed=seed).save(path)
    return path


def write_truncated(path: Path, keep: float = 0.5) -> Path:
    """An image whose copying broke off."""
    content = write_plain(path).read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    return path


def write_garbled(path: Path) -> Path:
    """An image whose middle was overwritten."""
    content = bytearray(write_plain(path).read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20] = bytes(20)
    path.write_bytes(content)
    return path


def write_empty(path: Path) -> Path:
    """A file of zero bytes."""
    path.write_bytes(b"")
    return path


def write_text(path: Path) -> Path:
    """A text that calls itself an image."""
    path.write_text("Not found: the server could not find this image.\n", encoding="utf-8")
    return path


def write_png_as(path: Path) -> Path:
    """A PNG under another suffix."""
    drawing().save(path, format="PNG")
    return path


def write_cmyk(path: Path, colour: tuple[int, int, int] = RED) -> Path:
    """A JPEG for print, with the inverted values that Adobe's programs write."""
    Image.new("RGB", WIDE, colour).convert("CMYK").save(path, format="JPEG", quality=95)
    return path


def write_turned(path: Path, orientation: int) -> Path:
    """`corners` stored so that only the EXIF orientation brings it upright."""
    undo = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = corners() if undo is None else corners().transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(path, exif=exif, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


def write_broken_exif(path: Path) -> Path:
    """A JPEG whose EXIF block points beyond its own end."""
    drawing().save(path, exif=b"Exif\x00\x00" + b"II*\x00" + struct.pack("<I", 5000))
    return path


def write_grey_16(path: Path, largest: int = 65535) -> Path:
    """A ramp from 0 to `largest` in 16-bit grey; with 4095 what a 12-bit camera delivers."""
    ramp = np.linspace(0, largest, WIDE[0]).round().astype(np.uint16)
    Image.fromarray(np.tile(ramp, (WIDE[1], 1))).save(path)
    return path


def write_grey_16_big_endian(path: Path) -> Path:
    """The full 16-bit ramp as an uncompressed big-endian TIFF."""
    ramp = np.tile(np.linspace(0, 65535, WIDE[0]).round().astype(">u2"), (WIDE[1], 1))
    fields = [(256, 3, WIDE[0]), (257, 3, WIDE[1]), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
              (278, 3, WIDE[1]), (279, 4, ramp.nbytes)]  # fmt: skip
    entries = [struct.pack(">HHI", tag, kind, 1) + _value(kind, value) for tag, kind, value in fields]
    directory = struct.pack(">H", len(fields)) + b"".join(entries) + struct.pack(">I", 0)
    path.write_bytes(b"MM\x00*" + struct.pack(">I", 8 + ramp.nbytes) + ramp.tobytes() + directory)
    return path


def _value(kind: int, value: int) -> bytes:
    return struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)


def write_grey_32(path: Path, largest: int) -> Path:
    """A ramp in 32-bit integers, as some microscope programs write."""
    Image.fromarray(np.tile(np.linspace(0, largest, WIDE[0]).astype(np.int32), (WIDE[1], 1))).save(path)
    return path


def write_transparent(path: Path) -> Path:
    """Green on the left, on the right a transparent half whose hidden colour is blue."""
    image = Image.new("RGBA", WIDE, (*GREEN, 255))
    image.paste((*BLUE, 0), (WIDE[0] // 2, 0, *WIDE))
    image.save(path)
    return path


def write_opaque_rgba(path: Path) -> Path:
    """An alpha channel that hides nothing."""
    drawing().convert("RGBA").save(path)
    return path


def write_palette(path: Path, transparent: bool = False) -> Path:
    """Red in a palette; or with the palette's first colour made transparent."""
    image = Image.new("P", WIDE, 1)
    image.putpalette([*BLUE, *RED])
    image.paste(0, (WIDE[0] // 2, 0, *WIDE))
    image.save(path, **({"transparency": 0} if transparent else {}))
    return path


def write_grey(path: Path) -> Path:
    """8-bit grey of value 100."""
    Image.new("L", WIDE, 100).save(path)
    return path


def write_bilevel(path: Path) -> Path:
    """Black and white only."""
    Image.new("1", WIDE, 1).save(path)
    return path


def write_dot(path: Path) -> Path:
    """A single pixel."""
    Image.new("RGB", (1, 1), RED).save(path)
    return path


def write_float(path: Path) -> Path:
    """A TIFF of floating-point measurements."""
    Image.fromarray(np.linspace(0, 1, WIDE[0] * WIDE[1], dtype=np.float32).reshape(WIDE[1], WIDE[0])).save(path)
    return path


def write_pages(path: Path) -> Path:
    """Three pages of a TIFF, or three frames of a GIF."""
    pages = [drawing(seed=seed) for seed in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def write_bomb(path: Path, size: tuple[int, int]) -> Path:
    """The header of a PNG of `size` without its pixels: a few bytes that would fill the memory."""
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\x00"))
    path.write_bytes(content + _chunk(b"IEND", b""))
    return path


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def write_large_bilevel(path: Path, size: tuple[int, int]) -> Path:
    """An image of many pixels in few bytes, for what Pillow warns of."""
    Image.new("1", size, 1).save(path, compression="group4") if path.suffix == ".tif" else Image.new("1", size).save(
        path
    )
    return path


def write_pack(folder: Path) -> dict[str, Path]:
    """Write the whole pack; name of the fault, or "" where there is none → file."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "": write_plain(folder / "plain.jpg"),
        "truncated-image": write_truncated(folder / "truncated.jpg"),
        "empty-image": write_empty(folder / "empty.jpg"),
        "unreadable-image": write_text(folder / "text.jpg"),
        "wrong-suffix": write_png_as(folder / "really_png.jpg"),
        "cmyk-image": write_cmyk(folder / "cmyk.jpg"),
        "16-bit-image": write_grey_16(folder / "sixteen.png"),
        "transparent-image": write_transparent(folder / "transparent.png"),
        "small-image": write_dot(folder / "dot.png"),
        "unsupported-mode": write_float(folder / "float.tif"),
        "several-pages": write_pages(folder / "pages.tif"),
        "too-many-pixels": write_bomb(folder / "bomb.png", (20_000, 20_000)),
    }
