"""Hostile command lines: every option of every command."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import typer

from fuzz.cases import Command, Place, tricks
from fuzz.nasty import NUMBERS, PATHS, WORDS
from mentum.cli import app
from support.command_line import sets


def options() -> dict[str, list[Any]]:
    """Command → its options, as the command line knows them."""
    commands: Any = typer.main.get_command(app)
    return {
        name: [each for each in command.params if each.opts[0].startswith("--")]
        for name, command in sorted(commands.commands.items())
    }


def in_order(place: Place, command: str) -> list[object]:
    """A command without fault, up to its options."""
    ground, folder = place.ground, place.folder
    tiny = ["--recipe", "quick", "--cache", folder / "cache", *sets("stage1.epochs=1", "stage2.epochs=0")]
    run = folder / "run"
    if command in {"evaluate", "calibrate", "explain", "characters", "report", "export"}:
        shutil.copytree(ground.run, run)
    return {
        "cache": ["cache", "--cache", folder / "cache"],
        "check": ["check", ground.data],
        "phantoms": ["phantoms", folder / "drawn", "--images", 1, "--width", 64],
        "train": ["train", ground.data, "--out", folder / "new", *tiny],
        "crossvalidate": ["crossvalidate", ground.data, "--out", folder / "new", "--stage", 1, "--folds", 2, *tiny],
        "learning-curve": ["learning-curve", ground.data, "--out", folder / "new", "--folds", 2, *tiny],
        "audit": ["audit", ground.data, "--out", folder / "new", "--cache", folder / "cache"],
        "evaluate": ["evaluate", run],
        "compare": ["compare", ground.run, ground.run],
        "calibrate": ["calibrate", run, "--folds", 2, "--data", ground.data, "--cache", folder / "cache"],
        "explain": ["explain", run, "--data", ground.data, "--cache", folder / "cache"],
        "characters": ["characters", run, "1=mentum", "--out", folder / "names.json"],
        "report": ["report", run, "--data", ground.data],
        "export": ["export", run, "--out", folder / "model", "--data", ground.data, "--cache", folder / "cache"],
        "verify": ["verify", ground.model],
        "identify": ["identify", ground.model, ground.data / "images", "--out", folder / "out.csv"],
    }[command]


def _of_one(place: Place, values: tuple[str, ...]) -> Command:
    command, known = place.chance.choice([(name, known) for name, known in options().items() if known])
    option = place.chance.choice(known)
    arguments = [*in_order(place, command), option.opts[0]]
    return arguments if getattr(option, "is_flag", False) else [*arguments, place.chance.choice(values)]


def numbers(place: Place) -> Command:
    """Of options that take a number."""
    numeric = {
        (command, each.opts[0])
        for command, known in options().items()
        for each in known
        if getattr(each, "default", None).__class__ in (int, float)
    }
    numeric |= {
        ("phantoms", "--images"),
        ("crossvalidate", "--folds"),
        ("train", "--seed"),
        ("identify", "--error-rate"),
        ("identify", "--false-rejection"),
    }
    command, option = place.chance.choice(sorted(numeric))
    return [*in_order(place, command), option, place.chance.choice(NUMBERS)]


def words(place: Place) -> Command:
    return _of_one(place, WORDS)


def paths(place: Place) -> Command:
    return _of_one(place, PATHS)


def arguments(place: Place) -> Command:
    """What stands without an option."""
    command = place.chance.choice(sorted(options()))
    made = in_order(place, command)
    made[place.chance.randrange(1, min(len(made), 3))] = place.chance.choice(
        (*PATHS, place.ground.data / "specimens.csv", place.ground.data, place.ground.run, place.ground.model)
    )
    return made


def files_for_folders(place: Place) -> Command:
    command, known = place.chance.choice(sorted(options().items()))
    taking = [
        each.opts[0]
        for each in known
        if each.opts[0]
        in {
            "--out",
            "--cache",
            "--data",
            "--heatmaps",
            "--archive",
            "--characters",
            "--outlines",
            "--crossvalidation",
            "--with",
            "--compare",
        }
    ]
    file = place.ground.photograph(place.folder / "file.png")
    full = place.ground.folders(place.folder / "full")
    where = place.chance.choice(
        (
            file,
            file / "under",
            full,
            full / "Salix alba",
            place.folder,
            Path("/dev/null"),
            "/dev/null/x",
            "/proc/x",
            "/dev/full",
            "/sys/x",
        )
    )
    return [*in_order(place, command), *([place.chance.choice(taking), where] if taking else [where])]


def unknown(place: Place) -> Command:
    command, known = place.chance.choice([(name, known) for name, known in options().items() if known])
    option = place.chance.choice(known).opts[0]
    made = in_order(place, command)
    return place.chance.choice(
        (
            [*made, option[:-1] + "x"],
            [*made, option],
            [*made, option, option],
            [command],
            [command[:-1]],
            [],
            ["--x"],
            [*made, "--"],
            [*made, "extra", "words"],
            [command, "--" + "x" * 5000],
            [*made, option + "=1=2"],
            [*made, "-x"],
            [command.upper()],
            ["--version", *made[:2]],
            [*made, "\x1b[31m"],
            [*made, "--\udcff"],
            [*made, "-\u202e"],
        )
    )


def same_twice(place: Place) -> Command:
    ground, folder = place.ground, place.folder
    run = folder / "run"
    shutil.copytree(ground.run, run)
    out = folder / "o.csv"
    return place.chance.choice(
        (
            ["compare", run, run],
            ["identify", ground.model, ground.data / "images", ground.data / "images", "--out", out],
            ["identify", ground.model, ground.data / "specimens.csv", "--out", out, "--archive", out],
            ["report", run, "--compare", run, "--with", run],
            ["identify", ground.model, folder, "--out", folder],
            ["export", run, "--out", run],
            ["train", ground.data, "--out", run, "--recipe", "quick"],
            ["report", run, "--out", run / "run.json"],
            ["phantoms", run],
            ["identify", run, ground.data],
            ["verify", run],
            ["evaluate", ground.model],
            ["identify", ground.model, ground.model],
            ["audit", run, "--out", run],
            ["check", ground.model],
            ["check", run],
            ["characters", run, "1=a", "1=b", "--out", out],
            ["characters", run, "x", "--out", out],
            ["characters", run, "9" * 5000 + "=a", "--out", out],
            ["characters", run, "=", "--out", out],
            ["identify", ground.model, "-", "--out", out],
            ["identify", ground.model, "[", "--out", out],
            ["identify", ground.model, "**" * 50, "--out", out],
        )
    )


def layouts(place: Place) -> Command:
    root = place.ground.folders(place.folder / "data")
    return [
        "check",
        root,
        "--layout",
        place.chance.choice(
            (
                *WORDS,
                "genus/species",
                "species/species",
                "genus",
                "/",
                "genus//species",
                "species/" * 500,
                "clan",
                "Genus",
            )
        ),
    ]


def without_end(place: Place) -> Command:
    """Numbers that would keep the machine busy for years."""
    ground, folder = place.ground, place.folder
    many = place.chance.choice((10**6, 10**9, 2**31, 2**63, 10**18))
    command = place.chance.choice(("--width", "--images", "--images-per-taxon", "--images-per-specimen", "--seed"))
    if place.chance.random() < 0.3:
        return [*in_order(place, "calibrate"), "--folds", many]
    return place.chance.choice(
        (
            ["phantoms", folder / "d", command, many],
            ["crossvalidate", ground.data, "--out", folder / "n", "--folds", many, "--cache", folder / "c"],
            ["learning-curve", ground.data, "--out", folder / "n", "--folds", many, "--cache", folder / "c"],
            [*in_order(place, "export"), "--samples", many],
            ["crossvalidate", ground.data, "--out", folder / "n", "--jobs", many, "--stage", 2, "--folds", 99],
        )
    )


OPTIONS = tricks(numbers, words, paths, arguments, files_for_folders, unknown, same_twice, layouts, without_end)
