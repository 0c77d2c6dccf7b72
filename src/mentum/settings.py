"""Frozen settings of a training, read from recipes in TOML.

The records hold no defaults: each value stands in the recipe, where a reader sees it. A recipe's table `when.SOURCE`
holds values that replace others where `backbone.source` is SOURCE, such as "builtin" or "random".
"""

from __future__ import annotations

import copy
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from mentum.errors import SettingsError
from mentum.taxonomy import Rank

RECIPES = ("default", "paper", "quick")
"""Recipes that come with Mentum."""

Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Share = Annotated[Number, Field(ge=0, lt=1)]
Positive = Annotated[Number, Field(gt=0)]
Count = Annotated[Whole, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SpecimenSettings(_Section):
    """How a data set is read.

    Attributes:
        layout: what each level of folders is, such as "genus/species"; "auto" = what the names tell.
        not_taxa: labels of classes that are learned beside the taxa and never published as one, such as "debris".
    """

    layout: Annotated[str, Field(min_length=1)] = "auto"
    not_taxa: tuple[Annotated[str, Field(min_length=1)], ...] = ()


class SplitSettings(_Section):
    """How specimens are shared out among the subsets.

    Attributes:
        policy: "every-fifth" is the paper's; "random" is stratified by taxon; "column" takes the table's `split`.
        validation: share of each taxon's specimens ("random" only).
        test: share of each taxon's specimens set aside before anything else; 0 = no test subset.
    """

    policy: Literal["random", "every-fifth", "column"]
    validation: Share
    test: Share


class PixelSettings(_Section):
    """The square that every image becomes.

    Attributes:
        size: side, px.
        padding: grey level around an image that is not square, 0 (the paper's black) to 255.
        depth: bits that 16-bit images really use; "auto" is the fewest that hold the values of all of them, found once
            in training, and stays where there are none. Runs and models from before this setting took all 16.
    """

    size: Annotated[Whole, Field(ge=32, le=1024)]
    padding: Annotated[Whole, Field(ge=0, le=255)]
    depth: Literal["auto", 8, 10, 12, 14, 16] = 16

    @property
    def bits(self) -> int:
        """The depth at which an image is read: all 16 bits where none was found."""
        return 16 if self.depth == "auto" else self.depth


class AugmentationSettings(_Section):
    """Ranges of the random deformation of training images, drawn anew in each epoch.

    Attributes:
        rotation: degrees, to both sides.
        shift: share of the side, to both sides, in both axes.
        shear: degrees, to both sides.
        zoom: lowest and highest factor.
        flip_horizontal: probability of a mirror image, 0-1; likewise `flip_vertical`.
        elastic: amplitude of a smooth random displacement, share of the side.
        brightness: lowest and highest factor; likewise `contrast`.
        fill: what appears beyond the image's edge.
    """

    rotation: Annotated[Number, Field(ge=0, le=180)]
    shift: Share
    shear: Annotated[Number, Field(ge=0, le=45)]
    zoom: tuple[Positive, Positive]
    flip_horizontal: Annotated[Number, Field(ge=0, le=1)]
    flip_vertical: Annotated[Number, Field(ge=0, le=1)]
    elastic: Annotated[Number, Field(ge=0, le=0.2)]
    brightness: tuple[Positive, Positive]
    contrast: tuple[Positive, Positive]
    fill: Literal["padding", "border", "reflection"]


class BackboneSettings(_Section):
    """The network that turns an image into features.

    Attributes:
        source: a hub id, a local folder in Hugging Face format, "builtin" or "random".
        architecture: `model_type` of transformers for "random", such as "resnet".
        options: fields of that architecture's configuration which differ from its own defaults.
    """

    source: Annotated[str, Field(min_length=1)]
    architecture: str
    options: dict[str, Any]


class HeadSettings(_Section):
    """The top classifier.

    Attributes:
        kind: "tree" = one softmax over the leaves, ranks by sums; "separate" = the paper's model per rank.
        ranks: ranks of the separate models and of the table; empty = every rank that the data can report.
        dropout: share of features dropped in training.
        imbalance: "logit-adjustment" (Menon et al. 2021), "class-weights" or "none".
    """

    kind: Literal["tree", "separate"]
    ranks: tuple[Rank, ...]
    dropout: Share
    imbalance: Literal["logit-adjustment", "class-weights", "none"]


class Stage1Settings(_Section):
    """Training of the top classifier on features of the frozen backbone.

    Attributes:
        views: augmented views of each training image whose features are cached; 0 = the paper's literal procedure,
            which computes new features in every epoch.
        epochs: passes over the training images.
        learning_rate: of AdamW at the start; it falls to zero along a cosine.
    """

    views: Annotated[Whole, Field(ge=0, le=64)]
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    weight_decay: Annotated[Number, Field(ge=0)]


class Stage2Settings(_Section):
    """Fine-tuning of the whole network.

    Attributes:
        epochs: at most; 0 leaves stage 2 out.
        learning_rate: of the head and the last block of the backbone.
        layer_decay: rate of the first block over that of the last, falling geometrically in between; random weights,
            which have nothing to protect, take the same rate everywhere.
        warmup: share of the steps during which the rate rises.
        clip: largest norm of the gradient.
        patience: epochs without a better validation loss before stopping.
        batch_norm: "eval" keeps the statistics of pretraining, "train" updates them; "auto" is "eval" for pretrained
            weights and "train" for random ones.
    """

    epochs: Annotated[Whole, Field(ge=0)]
    batch_size: Count
    learning_rate: Positive
    layer_decay: Annotated[Number, Field(gt=0, le=1)]
    weight_decay: Annotated[Number, Field(ge=0)]
    warmup: Share
    clip: Positive
    patience: Count
    batch_norm: Literal["auto", "eval", "train"]


class Settings(_Section):
    """All settings of a training.

    Attributes:
        threads: processor threads; 0 = one per core. The result depends on it in the last digits.
        device: "auto" takes a GPU where there is one.
    """

    seed: Annotated[Whole, Field(ge=0, lt=2**32)]
    threads: Annotated[Whole, Field(ge=0)]
    device: Literal["auto", "cpu", "cuda"]
    specimens: SpecimenSettings = SpecimenSettings()  # recipes and runs of earlier versions have none
    split: SplitSettings
    pixels: PixelSettings
    augmentation: AugmentationSettings
    backbone: BackboneSettings
    head: HeadSettings
    stage1: Stage1Settings
    stage2: Stage2Settings


def load_settings(recipe: str, overrides: Iterable[str] = ()) -> Settings:
    """Read a recipe and replace single values.

    Args:
        recipe: a name from `RECIPES` or the path of a TOML file.
        overrides: "section.key=value" with the value in TOML; a bare word is taken as text.

    Raises:
        SettingsError: for an unknown recipe, an unknown key (naming its nearest neighbour) or an ill-typed value; all
            faults are listed at once.
    """
    values, given = _read_recipe(recipe), list(overrides)
    if isinstance(values.get("pixels"), dict):
        values["pixels"].setdefault("depth", "auto")  # a recipe from before this setting
    _adapt(values, given, recipe)
    for override in given:
        _replace(values, override)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(_describe(fault) for fault in error.errors())
        raise SettingsError(f"recipe {recipe}: {faults}.") from error


def _read_recipe(recipe: str) -> dict[str, Any]:
    if recipe in RECIPES:
        return tomllib.loads(resources.files("mentum").joinpath(f"recipes/{recipe}.toml").read_text("utf-8"))
    path = Path(recipe)
    if not path.is_file():
        raise SettingsError(f"recipe {recipe}: not found, expected {', '.join(RECIPES)} or the path of a TOML file.")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"recipe {recipe}: not readable as TOML ({error}); correct the file.") from error


def _adapt(values: dict[str, Any], overrides: Iterable[str], recipe: str) -> None:
    """Put the values of `when.SOURCE` in their places, where that is the backbone asked for."""
    when = values.pop("when", {})
    asked = copy.deepcopy(values)
    for override in overrides:
        _replace(asked, override)
    if not isinstance(when, dict):
        raise SettingsError(f"recipe {recipe}: 'when' is a value, expected tables such as [when.builtin.stage2].")
    source = asked["backbone"].get("source") if isinstance(asked.get("backbone"), dict) else None
    for section, replaced in when.get(source, {}).items() if isinstance(source, str) else ():
        if not isinstance(values.get(section), dict) or not isinstance(replaced, dict):
            raise SettingsError(
                f"recipe {recipe}: when.{source}.{section}: expected a table with values of a section, such as "
                "[when.builtin.stage2]."
            )
        values[section] |= replaced


def _replace(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator:
        raise SettingsError(f"--set {override}: found no '=', expected section.key=value, such as stage2.epochs=10.")
    *sections, last = key.strip().split(".")
    target = values
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise SettingsError(f"--set {override}: '{section}' is a value, not a section; give one of its neighbours.")
    target[last] = _parse_value(text.strip())


def _parse_value(text: str) -> Any:  # noqa: ANN401 - any TOML value
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _describe(fault: ErrorDetails) -> str:
    *sections, last = (str(part) for part in fault["loc"])
    where = ".".join([*sections, last])
    if fault["type"] != "extra_forbidden":
        return f"{where}: found {fault['input']!r}, {fault['msg'][0].lower()}{fault['msg'][1:]}"
    nearest = difflib.get_close_matches(last, _keys_of(sections), n=1, cutoff=0.0)
    return f"{where}: unknown key; did you mean '{nearest[0]}'?"


def _keys_of(sections: list[str]) -> list[str]:
    record: type[BaseModel] = Settings
    for section in sections:
        annotation = record.model_fields[section].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return [section]
        record = annotation
    return list(record.model_fields)


def differences(one: Settings, other: Settings) -> list[str]:
    """Keys whose values differ, as "stage2.epochs: 10 / 20"."""
    left, right = flatten(one.model_dump()), flatten(other.model_dump())
    unequal = [key for key in sorted(left | right) if left.get(key) != right.get(key)]
    return [f"{key}: {left.get(key)} / {right.get(key)}" for key in unequal]


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every setting with its whole key, such as `stage2.epochs`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
