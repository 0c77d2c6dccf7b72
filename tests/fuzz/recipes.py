"""Hostile settings: recipes of one's own, and single values given with --set."""

from __future__ import annotations

from importlib import resources

from fuzz.cases import Command, Place, tricks
from fuzz.nasty import NUMBERS, TOML, WORDS, flipped
from mentum.settings import all_values, load_settings
from support.command_line import sets


def keys() -> list[str]:
    """Every setting."""
    return sorted({key.partition(".options.")[0] for key in all_values(load_settings("default"))})


def text() -> str:
    """A recipe in order."""
    return resources.files("mentum").joinpath("recipes/quick.toml").read_text("utf-8")


def taken(place: Place, overrides: list[str], recipe: object = "quick") -> Command:
    """The command that reads the settings; `check` where the recipe comes with Mentum."""
    words = [word for override in overrides for word in ("--set", override)]
    if recipe == "quick":
        return ["check", place.ground.data, *words]
    small = ("threads=1", "pixels.size=32", "stage1.views=1", "stage1.epochs=1", "stage2.epochs=0")
    words += [word for override in small for word in ("--set", override)]
    cache = ("--cache", place.folder / "cache")
    return ["train", place.ground.data, "--out", place.folder / "run", "--recipe", recipe, *cache, *words]


def _value(place: Place) -> str:
    return place.chance.choice((*NUMBERS, *TOML, *(repr(word) for word in WORDS[:20]), *WORDS))


def numbers(place: Place) -> Command:
    return taken(place, [f"{place.chance.choice(keys())}={place.chance.choice(NUMBERS)}"])


def values(place: Place) -> Command:
    return taken(
        place, [f"{place.chance.choice(keys())}={_value(place)}" for _ in range(place.chance.choice((1, 1, 4)))]
    )


def absurd(place: Place) -> Command:
    """Numbers that have the right type and are no good."""
    counts = (
        "threads=5000",
        "threads=100000",
        "seed=99999999999999999999",
        "seed=-1",
        "pixels.size=999999",
        "pixels.size=33",
        "stage1.epochs=999999999999",
        "stage1.batch_size=999999999999",
        "stage1.views=65",
        "stage2.epochs=1000000000",
        "stage2.batch_size=100000000000",
        "stage2.patience=99999999999999999999",
        "stage1.learning_rate=1e300",
        "stage2.learning_rate=1e-320",
        "stage2.clip=1e300",
        "stage1.weight_decay=1e300",
        "augmentation.zoom=[1e300, 1e300]",
        "augmentation.zoom=[2, 0.5]",
        "augmentation.brightness=[1e-300, 1e300]",
        "split.validation=0.999999",
        "split.test=0.99",
        "head.dropout=0.9999999",
    )
    return [
        "train",
        place.ground.data,
        "--out",
        place.folder / "run",
        "--cache",
        place.folder / "cache",
        "--recipe",
        "quick",
        *sets("stage1.epochs=1", "stage2.epochs=1", *place.chance.sample(counts, 1)),
    ]


def unknown_keys(place: Place) -> Command:
    known = place.chance.choice(keys())
    at = place.chance.randrange(len(known))
    odd = place.chance.choice(
        (
            known[:at] + known[at + 1 :],
            known[:at] + "x" + known[at:],
            known.replace(".", "..", 1),
            known.upper(),
            f"{known}.x",
            f".{known}",
            known.replace("e", "е"),
            known.replace("s", "ѕ"),
            "",
            ".",
            "a.b.c.d",
            "\x1b[1m",
            "a" * 5000,
            "__class__.__init__",
            "model_config.frozen",
            known + "\n",
            " ",
        )
    )
    return taken(place, [f"{odd}={place.chance.choice(('1', 'x', '[]', ''))}"])


def forms(place: Place) -> Command:
    key = place.chance.choice(keys())
    return taken(
        place,
        [
            place.chance.choice(
                (
                    key,
                    f"{key}=",
                    f"={key}",
                    "=",
                    "",
                    " ",
                    f"{key}==1",
                    f"{key} 1",
                    f"{key}:1",
                    f"{key}=1\nseed=2",
                    f"{key}=1 # x",
                    f'"{key}"=1',
                    f"{key}=1=2",
                    ".".join("a" * 3000) + "=1",
                )
            )
        ],
    )


def options_of_backbones(place: Place) -> Command:
    fields = (
        "hidden_sizes",
        "embedding_size",
        "depths",
        "layer_type",
        "hidden_act",
        "num_channels",
        "x",
        "auto_map",
        "trust_remote_code",
        "quantization_config",
    )
    given = place.chance.choice(
        (
            "100000000000",
            "[1000000000, 1000000000]",
            "-1",
            "0",
            "[]",
            "'x'",
            "nan",
            "[0, 0]",
            "true",
            "{a=1}",
            "[99999, 99999]",
            "1.5",
            "3",
        )
    )
    return [
        "train",
        place.ground.data,
        "--out",
        place.folder / "run",
        "--cache",
        place.folder / "cache",
        "--recipe",
        "quick",
        *sets("stage1.epochs=1", "stage2.epochs=0", f"backbone.options.{place.chance.choice(fields)}={given}"),
        *(
            (
                "--set",
                f"backbone.architecture={place.chance.choice(('resnet', 'vit', 'x', '', '../x', 'bert', 'RESNET'))}",
            )
            if place.chance.random() < 0.3
            else ()
        ),
    ]


def recipe_lines(place: Place) -> Command:
    lines = text().splitlines()
    for _ in range(place.chance.choice((1, 2))):
        at = place.chance.randrange(len(lines))
        key = lines[at].partition("=")[0]
        lines[at] = place.chance.choice(
            (
                "",
                f"{key}= {_value(place)}",
                lines[at] * 2,
                f"{lines[at]}\n{lines[at]}",
                "[" + "a." * 2000 + "a]",
                f"[{key}",
                "[[split]]",
                "\0",
                "x",
            )
        )
    return taken(place, [], place.file("mine.toml", "\n".join(lines)))


def recipe_bytes(place: Place) -> Command:
    made = (
        flipped(text().encode(), place.chance, 10),
        b"",
        b"\xff",
        b"\xef\xbb\xbf" + text().encode(),
        text().encode("utf-16"),
        bytes(100),
        text().encode()[: place.chance.randrange(800)],
        b"a=" + b"[" * 100_000,
        b"a=" + b"{a=" * 5000,
        b"seed = " + b"9" * 6000,
        b"when = 1",
        b"[when.builtin]\nx=1",
        b"[when.builtin.stage2]\nepochs='x'\n" + text().encode(),
    )
    return taken(place, [], place.file("mine.toml", place.chance.choice(made)))


def recipes_elsewhere(place: Place) -> Command:
    return taken(
        place,
        [],
        place.chance.choice(
            (
                "",
                ".",
                "/",
                "/dev/zero",
                "/dev/null",
                "x" * 300,
                "Quick",
                "quick ",
                "/etc/hostname",
                place.ground.data / "specimens.csv",
                "/dev/tty",
                "\udcff",
            )
        ),
    )


RECIPES = tricks(
    numbers, values, absurd, unknown_keys, forms, options_of_backbones, recipe_lines, recipe_bytes, recipes_elsewhere
)
