"""What the files beside a backbone's weights may say: numbers and names, nothing that fetches or runs code."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from mentum.errors import BackboneError
from mentum.texts import in_brief

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Used where a backbone does not say how its input is normalised."""

_REFUSED: Mapping[str, str] = MappingProxyType({
    "auto_map": "code of its own",
    "custom_pipelines": "code of its own",
    "trust_remote_code": "code of its own",
    "quantization_config": "a quantiser",
    "attn_implementation": "a kernel",
    "_attn_implementation": "a kernel",
    "_attn_implementation_internal": "a kernel",
    "experts_implementation": "a kernel",
    "_experts_implementation": "a kernel",
    "kernel_config": "a kernel",
    "use_kernels": "a kernel",
    "use_pretrained_backbone": "other weights",
    "peft_config": "other weights",
    "_name_or_path_adapter": "other weights",
})  # fmt: skip
"""Fields by which a configuration loads more than the network it stands for."""

_MAX_BYTES = 10_000_000
_MAX_DEPTH = 20


def read_json(file: Path, place: str) -> dict[str, object]:
    """Read a file that belongs to a backbone.

    Raises:
        BackboneError: if it cannot be read, is much too large, or holds no JSON object.
    """
    try:
        if not file.is_file() or file.stat().st_size > _MAX_BYTES:
            raise ValueError(f"{file.name} is no regular file of at most {_MAX_BYTES // 1_000_000} MB")
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"{file.name} holds no JSON object")
    except (OSError, ValueError, RecursionError) as reason:
        raise BackboneError(
            f"backbone {place}: not readable ({in_brief(reason)}); give --backbone a local folder in Hugging Face "
            "format, or 'builtin'."
        ) from reason
    return found


def require_harmless(config: Mapping[str, object], place: str) -> None:
    """Make sure that a configuration describes a network and does nothing else.

    Args:
        config: of transformers, with configurations inside it.
        place: what the user gave.

    Raises:
        BackboneError: naming the first field that loads code, kernels, quantisers or other weights.
    """
    for key, value in _fields(config):
        if key in _REFUSED and value not in (None, False, "eager", "sdpa", {}, []):
            raise BackboneError(
                f"backbone {place}: config.json asks for {_REFUSED[key]} (the field '{key}'), which Mentum never "
                "loads; expected an architecture of transformers alone; remove the field or take another backbone."
            )


def _fields(config: Mapping[str, object], depth: int = 0) -> Iterator[tuple[str, object]]:
    if depth > _MAX_DEPTH:
        return
    for key, value in config.items():
        yield key, value
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, Mapping):
                yield from _fields(inner, depth + 1)


def normalisation(values: Mapping[str, object], place: str) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel of the input, as a preprocessor's configuration gives them.

    Raises:
        BackboneError: if they are not three numbers each, the deviations above zero.
    """
    mean = _three_numbers(values.get("image_mean", IMAGENET_MEAN), "image_mean", place)
    std = _three_numbers(values.get("image_std", IMAGENET_STD), "image_std", place)
    if min(std) <= 0:
        raise _wrong("image_std", std, "three numbers above 0", place)
    return mean, std


def _three_numbers(value: object, key: str, place: str) -> list[float]:
    numbers = list(value) if isinstance(value, list | tuple) else []
    plain = [number for number in numbers if isinstance(number, int | float) and not isinstance(number, bool)]
    if len(plain) != 3 or len(numbers) != 3 or not all(abs(number) < 1e6 and math.isfinite(number) for number in plain):
        raise _wrong(key, value, "three numbers, one per channel", place)
    return [float(number) for number in plain]


def _wrong(key: str, found: object, expected: str, place: str) -> BackboneError:
    return BackboneError(
        f"backbone {place}: {key} in preprocessor_config.json is {str(found)[:60]}, expected {expected}; correct it or "
        "remove the file, which gives ImageNet's."
    )
