"""Frozen records of all settings of a training, with the range of each.

The records hold no defaults: each value stands in the recipe, where a reader sees it. Every number has two ends: beyond
them lies no training that anybody meant, only a slip of the keyboard that would be noticed hours later.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from mentum.taxonomy import Rank

Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Share = Annotated[Number, Field(ge=0, lt=1)]
Rate = Annotated[Number, Field(ge=1e-8, le=10)]
"""Of learning; below, weights are too coarse to move, and at 10 no network learns any more."""
Decay = Annotated[Number, Field(ge=0, le=1000)]
Epochs = Annotated[Whole, Field(ge=1, le=100_000)]
BatchSize = Annotated[Whole, Field(ge=1, le=65_536)]
"""Images at a time; features of that many are the most that fit anywhere."""
Factor = Annotated[Number, Field(ge=0.01, le=100)]
"""Beyond it nothing of an image is left."""


def _in_order(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the lower factor first")
    return ends


Range = Annotated[tuple[Factor, Factor], AfterValidator(_in_order)]


def _storable(options: dict[str, Any]) -> dict[str, Any]:
    """What JSON gives back as it was: a run keeps its settings there."""
    waiting: list[Any] = list(options.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, dict)):
            waiting += value.values() if isinstance(value, dict) else value
        elif not isinstance(value, (str, bool, int, float)) or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError("finite numbers, texts, true or false, and lists of them")
    return options


Options = Annotated[dict[str, Any], AfterValidator(_storable)]


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
        crop: "specimen" leaves out what lies far from it, found by its colour, in training and identification alike;
            "none", as before this setting, keeps the whole image, and is not written down.
        margin: around the specimen to each side, as a share of its longer side; written down with a crop alone.
    """

    size: Annotated[Whole, Field(ge=32, le=1024)]
    padding: Annotated[Whole, Field(ge=0, le=255)]
    depth: Literal["auto", 8, 10, 12, 14, 16] = 16
    crop: Literal["none", "specimen"] = "none"
    margin: Share = 0.1

    @property
    def bits(self) -> int:
        """The depth at which an image is read: all 16 bits where none was found."""
        return 16 if self.depth == "auto" else self.depth

    @property
    def crops(self) -> bool:
        """Whether images are cropped."""
        return self.crop != "none"

    @model_serializer(mode="wrap")
    def _without_crop(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As before this setting where nothing is cropped: caches, runs and models keep their hashes."""
        values: dict[str, Any] = as_usual(self)
        return values if self.crops else {key: values[key] for key in values if key not in ("crop", "margin")}


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
    zoom: Range
    flip_horizontal: Annotated[Number, Field(ge=0, le=1)]
    flip_vertical: Annotated[Number, Field(ge=0, le=1)]
    elastic: Annotated[Number, Field(ge=0, le=0.2)]
    brightness: Range
    contrast: Range
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
    options: Options


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
    epochs: Epochs
    batch_size: BatchSize
    learning_rate: Rate
    weight_decay: Decay


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

    epochs: Annotated[Whole, Field(ge=0, le=100_000)]
    batch_size: BatchSize
    learning_rate: Rate
    layer_decay: Annotated[Number, Field(gt=0, le=1)]
    weight_decay: Decay
    warmup: Share
    clip: Annotated[Number, Field(gt=0, le=1_000_000)]
    patience: Epochs
    batch_norm: Literal["auto", "eval", "train"]


class Settings(_Section):
    """All settings of a training.

    Attributes:
        threads: processor threads; 0 = one per core. The result depends on it in the last digits.
        device: "auto" takes a GPU where there is one.
    """

    seed: Annotated[Whole, Field(ge=0, lt=2**32)]
    threads: Annotated[Whole, Field(ge=0, le=1024)]
    device: Literal["auto", "cpu", "cuda"]
    specimens: SpecimenSettings = SpecimenSettings()  # recipes and runs of earlier versions have none
    split: SplitSettings
    pixels: PixelSettings
    augmentation: AugmentationSettings
    backbone: BackboneSettings
    head: HeadSettings
    stage1: Stage1Settings
    stage2: Stage2Settings
