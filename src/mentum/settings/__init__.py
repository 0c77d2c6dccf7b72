"""Frozen settings of a training: their ranges, the recipes that hold their values, and what is said of faults."""

from mentum.settings.recipes import RECIPES, all_values, differences, load_settings
from mentum.settings.sections import (
    AugmentationSettings,
    BackboneSettings,
    HeadSettings,
    PixelSettings,
    Settings,
    SpecimenSettings,
    SplitSettings,
    Stage1Settings,
    Stage2Settings,
)

__all__ = [
    "RECIPES",
    "AugmentationSettings",
    "BackboneSettings",
    "HeadSettings",
    "PixelSettings",
    "Settings",
    "SpecimenSettings",
    "SplitSettings",
    "Stage1Settings",
    "Stage2Settings",
    "all_values",
    "differences",
    "load_settings",
]
