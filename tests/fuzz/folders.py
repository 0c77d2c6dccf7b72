"""Hostile folders of runs, models and backbones; a small share, as other tests damage them in depth."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from fuzz.cases import Command, Place, tricks
from fuzz.nasty import damage, flipped, json_value
from mentum.network.backbones import BUILTIN


def _copy(place: Place, of: Path) -> Path:
    return Path(shutil.copytree(of, place.folder / of.name))


def _damaged(place: Place, file: Path) -> None:
    deed = place.chance.randrange(4)
    content = file.read_bytes()
    if deed < 2 and file.suffix == ".json":
        file.write_text(
            json.dumps(damage(json.loads(content), place.chance, place.chance.choice((1, 3)))),
            encoding="utf-8",
            errors="surrogatepass",
        )
    elif deed < 3:
        file.write_bytes(flipped(content, place.chance, 5))
    else:
        file.write_bytes(content[: place.chance.randrange(len(content) + 1)])


def run(place: Place) -> Command:
    folder = _copy(place, place.ground.run)
    _damaged(
        place, place.chance.choice([file for file in sorted(folder.rglob("*")) if file.suffix in {".json", ".parquet"}])
    )
    return place.chance.choice(
        (
            ["evaluate", folder],
            ["report", folder, "--data", place.ground.data],
            ["compare", folder, place.ground.run],
            ["export", folder, "--out", place.folder / "m", "--data", place.ground.data, "--cache", place.folder / "c"],
        )
    )


def model(place: Place) -> Command:
    folder = _copy(place, place.ground.model)
    _damaged(place, place.chance.choice([file for file in sorted(folder.rglob("*")) if file.is_file()]))
    return place.chance.choice(
        (["verify", folder], ["identify", folder, place.ground.data / "images", "--out", place.folder / "o.csv"])
    )


def no_folder(place: Place) -> Command:
    folder = place.folder / "odd"
    folder.mkdir()
    for name in place.chance.sample(
        ("run.json", "model.json", "evaluation.json", "specimens.parquet", "config.json"), 3
    ):
        place.file(f"odd/{name}", place.chance.choice(("", "{}", "[]", "null", "{", "\0", "9" * 5000, "[" * 9000)))
    command = place.chance.choice(("evaluate", "verify", "report", "explain", "check", "calibrate"))
    return [command, folder]


RECORDS = tricks(run, model, no_folder)

_FIELDS = (
    "architectures",
    "model_type",
    "hidden_sizes",
    "depths",
    "embedding_size",
    "layer_type",
    "hidden_act",
    "num_channels",
    "auto_map",
    "torch_dtype",
    "dtype",
    "quantization_config",
    "downsample_in_first_stage",
    "out_features",
    "id2label",
    "_name_or_path",
    "transformers_version",
    "problem_type",
    "num_labels",
)


def _trained(place: Place, folder: Path) -> Command:
    return [
        "train",
        place.ground.data,
        "--out",
        place.folder / "new",
        "--cache",
        place.folder / "cache",
        "--recipe",
        "quick",
        "--backbone",
        folder,
        *[
            word
            for override in ("threads=1", "pixels.size=32", "stage1.views=2", "stage1.epochs=1", "stage2.epochs=0")
            for word in ("--set", override)
        ],
    ]


def _backbone(place: Place) -> Path:
    folder = place.folder / "backbone"
    shutil.copytree(BUILTIN, folder)
    return folder


def configuration(place: Place) -> Command:
    folder = _backbone(place)
    known = json.loads((folder / "config.json").read_text())
    for field in place.chance.sample(_FIELDS, place.chance.choice((1, 3))):
        known[field] = json_value(place.chance)
    (folder / "config.json").write_text(json.dumps(known), encoding="utf-8", errors="surrogatepass")
    return _trained(place, folder)


def configuration_bytes(place: Place) -> Command:
    folder = _backbone(place)
    made = (
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 50_000,
        b"9" * 5000,
        b'{"model_type": 1}',
        b'{"model_type": "x"}',
        b'{"model_type": "../x"}',
    )
    (folder / place.chance.choice(("config.json", "preprocessor_config.json"))).write_bytes(place.chance.choice(made))
    return _trained(place, folder)


def weights(place: Place) -> Command:
    folder = _backbone(place)
    file = folder / "model.safetensors"
    content = file.read_bytes()
    made = (
        content[: place.chance.randrange(len(content))],
        b"",
        b"\xff" * 100,
        bytes(8),
        (2**63 - 1).to_bytes(8, "little") + b"{}",
        flipped(content[:2000], place.chance, 9) + content[2000:],
    )
    file.write_bytes(place.chance.choice(made))
    return _trained(place, folder)


def normalisation(place: Place) -> Command:
    folder = _backbone(place)
    made = {
        "image_mean": place.chance.choice(([], [0.5], [1e300] * 3, [float("nan")] * 3, "x", None, [0.5] * 4)),
        "image_std": place.chance.choice(([0, 0, 0], [1, 1, 1], [-1] * 3, {}, ["a"] * 3)),
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(made))
    return _trained(place, folder)


BACKBONES = tricks(configuration, configuration_bytes, weights, normalisation)
