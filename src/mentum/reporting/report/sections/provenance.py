"""The section on where the run comes from: stages, data, machine, versions and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mentum.reporting.numbers import number_of, seconds
from mentum.reporting.report.known import Known
from mentum.reporting.report.recipe import flat_settings, recipe_settings
from mentum.reporting.report.rendering import render_file
from mentum.runs import STAGES, RunRecord, StageRecord

if TYPE_CHECKING:
    from markupsafe import Markup


Pairs = list[tuple[str, str]]


def show(known: Known) -> Markup:
    """Everything that went into the run."""
    record = known.record
    return render_file(
        "provenance.html",
        stages=[(STAGES[each.stage], each, _what_chose(each)) for each in record.stages],
        provenance=_provenance(record) | _origins(known),
        settings=_settings_table(record),
    )


def _what_chose(stage: StageRecord) -> str:
    """Which epoch's weights were kept, and why that one."""
    if stage.stage == "stage1":
        return "the last one, nothing was chosen"
    if stage.best_epoch == 0:
        return "lowest validation loss, that of stage 1"
    judged = all(epoch.validation_loss is not None for epoch in stage.epochs)
    return "lowest validation loss" if judged else "the last one, there were no validation images"


def _origins(known: Known) -> dict[str, Pairs]:
    """Where studies and what was compared come from."""
    origins = [(each.name, f"{each.study.command} (Mentum {each.study.mentum})") for each in known.studies.every]
    origins += [(f"compared: {each.other}", each.command) for each in known.comparisons]
    return {"Studies and comparisons": origins} if origins else {}


def _provenance(record: RunRecord) -> dict[str, Pairs]:
    """Everything that went into the run, by heading."""
    data, machine, backbone = record.data, record.machine, record.backbone
    counts = {
        f"{subset} images": f"{number_of(images)} of {number_of(specimens, 'specimen')}"
        for subset, (images, specimens) in data.counts.items()
    }
    facts: dict[str, Mapping[str, object]] = {
        "Training": {
            "command": record.command or "started from Python",
            "started": f"{record.started:%Y-%m-%d %H:%M %Z}",
            "finished": f"{record.finished:%Y-%m-%d %H:%M %Z}" if record.finished else None,
            "resumed": f"{record.resumed} times" if record.resumed else None,
            "seed": record.settings.seed,
            "split policy": record.settings.split.policy,
            "imbalance": record.imbalance,
        },
        "Data": {
            "source": data.source, **counts, "specimens named": "yes" if data.specimens_named else "no",
            "hash of the table": data.table_hash, "hash of the images": data.content_hash,
        },
        "Backbone": backbone.model_dump(exclude={"map_geometry"}) if backbone else {},
        "Machine": {
            **machine.model_dump(exclude={"memory"}), "memory": f"{machine.memory:.1f} GB",
            "largest memory used": None if record.peak_memory is None else f"{record.peak_memory:.2f} GB",
        },
        "Time": {phase: seconds(value) for phase, value in record.timings.items()},
        "Versions": record.versions,
    }  # fmt: skip
    return {heading: _pairs(values) for heading, values in facts.items() if values}


def _pairs(values: Mapping[str, object]) -> Pairs:
    return [(name.replace("_", " "), _in_words(value)) for name, value in values.items() if value is not None]


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value)) or "all"
    return number_of(value) if isinstance(value, int) and value >= 10_000 else str(value)


def _settings_table(record: RunRecord) -> list[tuple[str, str, str | None]]:
    """Key, value, and what the recipe says where that differs (None where not)."""
    recipe = recipe_settings(record)
    return [
        (
            key,
            _in_words(value),
            None if not recipe or recipe.get(key) == value else _in_words(recipe.get(key, "absent")),
        )
        for key, value in flat_settings(record.settings.model_dump(mode="json"))
    ]
