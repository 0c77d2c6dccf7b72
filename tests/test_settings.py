"""Tests of recipes, overrides and their faults."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from pydantic import ValidationError

from mentum.errors import SettingsError
from mentum.settings import RECIPES, Settings, differences, load_settings
from mentum.taxonomy import Rank


def recipe_text(name: str) -> str:
    return resources.files("mentum").joinpath(f"recipes/{name}.toml").read_text("utf-8")


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_load_and_survive_json(recipe: str) -> None:
    settings = load_settings(recipe)
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_every_recipe_is_listed() -> None:
    folder = resources.files("mentum").joinpath("recipes")
    assert sorted(RECIPES) == sorted(file.name.removesuffix(".toml") for file in folder.iterdir())


def test_the_paper_s_recipe_is_the_paper_s() -> None:
    paper = load_settings("paper")
    assert (paper.split.policy, paper.pixels.size, paper.backbone.source) == ("every-fifth", 512, "microsoft/resnet-50")
    assert (paper.head.kind, paper.head.ranks) == ("separate", ())


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings("quick").seed = 3


# Overrides


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("stage2.epochs=7", "stage2", "epochs", 7),
        ("stage2.epochs = 7 ", "stage2", "epochs", 7),
        ("stage2.learning_rate=1e-4", "stage2", "learning_rate", 0.0001),
        ("augmentation.zoom=[0.5, 2]", "augmentation", "zoom", (0.5, 2.0)),
        ('head.ranks=["genus", "tribe"]', "head", "ranks", (Rank.GENUS, Rank.TRIBE)),
        ("head.kind=separate", "head", "kind", "separate"),
        ('head.kind="separate"', "head", "kind", "separate"),
        ("split.policy=every-fifth", "split", "policy", "every-fifth"),
        ("backbone.source=some/folder=odd", "backbone", "source", "some/folder=odd"),
        ("backbone.options={ depths = [1, 1] }", "backbone", "options", {"depths": [1, 1]}),
    ],
)
def test_values_are_replaced(override: str, section: str, key: str, value: object) -> None:
    settings = load_settings("default", [override])
    assert getattr(getattr(settings, section), key) == value


def test_one_option_of_the_backbone_is_replaced() -> None:
    options = load_settings("quick", ["backbone.options.embedding_size=8"]).backbone.options
    assert (options["embedding_size"], options["layer_type"]) == (8, "basic")


def test_a_key_outside_the_sections() -> None:
    assert load_settings("quick", ["seed=12"]).seed == 12


def test_the_last_of_several_wins_and_the_recipe_stays_as_it_is() -> None:
    assert load_settings("quick", ["seed=1", "seed=2"]).seed == 2
    assert load_settings("quick").seed == 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stage2.epochs", r"--set stage2.epochs: found no '=', expected section.key=value; give one such as"),
        ("stage2.epochs.first=1", r"--set stage2.epochs.first=1: 'epochs' is a value, not a section; give one of"),
        ("stage2.epoch=1", r"recipe quick: stage2.epoch: unknown key; did you mean 'epochs'\? Correct or remove it\."),
        ("stage3.epochs=1", r"stage3: unknown key; did you mean 'stage[12]'\?"),
        ("sead=1", r"sead: unknown key; did you mean 'seed'\?"),
        ("pixels.sise=64", r"pixels.sise: unknown key; did you mean 'size'\?"),
        ("pixels.size=8", r"pixels.size: found 8, expected a whole number from 32 to 1024; give one"),
        ("stage1.epochs=many", r"stage1.epochs: found 'many', expected a whole number from 1 to 100000; give one"),
        ("stage1.epochs=2.5", r"stage1.epochs: found 2.5, expected a whole number from 1 to 100000; give one"),
        ("stage1.epochs=true", r"stage1.epochs: found True, expected a whole number from 1 to 100000; give one"),
        ("stage2.learning_rate=nan", r"stage2.learning_rate: found nan, expected a number from 1e-08 to 10; give"),
        ("stage2.learning_rate=inf", r"stage2.learning_rate: found inf, expected a number from 1e-08 to 10; give"),
        ("split.policy=every-third", r"split.policy: found 'every-third', expected one of 'random', 'every-fifth', "),
        ("augmentation.zoom=[1]", r"augmentation.zoom.1: found \[1\], which is too short, expected a number from 0.01"),
        ("augmentation.zoom=[0, 1]", r"augmentation.zoom.0: found 0, expected a number from 0.01 to 100; give one"),
        ('head.ranks=["clan"]', r"head.ranks.0: found 'clan', expected one of 'kingdom', "),
        ("stage2.learning_rate=1e300", r"stage2.learning_rate: found 1e\+300, expected a number from 1e-08 to 10"),
        ("threads=5000", r"threads: found 5000, expected a whole number from 0 to 1024; give one"),
        ("threads=-1", r"threads: found -1, expected a whole number from 0 to 1024; give one"),
        ("seed=18446744073709551616", r"seed: found 18446744073709551616, expected a whole number from 0"),
        (f"seed={'9' * 5000}", r"--set seed=9+…: found a number with thousands of digits; give a value as in the"),
        (f"seed=0x{'f' * 5000}", r"seed: found a number of more than 4000 digits, expected a whole number from 0"),
        (f"seed={'[' * 3000}{']' * 3000}", r"found lists or tables nested deeper than 20; give a value as in"),
        (f"head.ranks={'[' * 30}{']' * 30}", r"found lists or tables nested deeper than 20; give a value as in"),
        (f"{'.'.join('a' * 3000)}=1", r"found a key of 3000 parts, expected two or three; give section\.key"),
        ("=1", r"--set =1: found no key, expected section.key=value; give one such as"),
        (f"device={'x' * 5000}", r"device: found 'x+…, expected one of 'auto', 'cpu'( or|,) 'cuda'; give one\.$"),
        ("stage1.batch_size=999999999999", r"batch_size: found 999999999999, expected a whole number from 1 to 65536"),
        ("augmentation.zoom=[2, 0.5]", r"augmentation.zoom: found \[2, 0.5\], expected the lower factor first; give"),
        ("augmentation.zoom=[1, 1, 1]", r"augmentation.zoom: found \[1, 1, 1\], expected 2 values; give that"),
        ("backbone.options.depths=nan", r"backbone.options: found .*nan.*, expected finite numbers, texts, true or"),
        ("backbone.options.day=1979-05-27", r"backbone.options: .*, expected finite numbers, texts, true or false"),
        ("stage2=5", r"stage2: found 5, expected a table of keys and values; give one"),
    ],
)  # fmt: skip
def test_a_faulty_override(override: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings("quick", [override])


def test_all_faults_are_listed_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings("quick", ["stage2.epoch=1", "pixels.size=8", "head.kind=forest"])
    message = str(caught.value)
    assert message.startswith("recipe quick: ")
    for part in ("stage2.epoch: unknown key", "pixels.size: found 8", "head.kind: found 'forest'"):
        assert part in message


# Recipes of one's own


def test_a_recipe_of_one_s_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(recipe_text("quick").replace("seed = 0", "seed = 41"))
    assert differences(load_settings(str(file)), load_settings("quick")) == ["seed: 41 / 0"]


def test_a_recipe_that_lacks_a_value(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(recipe_text("quick").replace("patience = 10", ""))
    with pytest.raises(
        SettingsError, match=r"mine.toml: stage2.patience: not found, expected a whole number from 1 to 100000; add it"
    ):
        load_settings(str(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed = ", r"not readable as TOML \(.*\); correct the file"),
        (b"seed = \xff", r"not readable as TOML \(.*\); save the file in UTF-8"),
        (b"seed = " + b"9" * 5000, r"found a number with thousands of digits; correct the file"),
        (b"seed = " + b"[" * 5000, r".*nested deeper than 20; correct the file"),
        (b"seed = " + b"[" * 30 + b"]" * 30, r".*nested deeper than 20; correct the file"),
        (b"[" + b"a." * 3000 + b"a]", r".*nested deeper than 20; correct the file"),
        (b"#" * 1_000_001, r"found 1000001 bytes, expected at most 1000000; give a recipe"),
    ],
    ids=["no value", "no UTF-8", "digits", "never closed", "lists", "tables", "giant"],
)
def test_a_recipe_that_is_not_toml(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"mine.toml: {message}"):
        load_settings(str(file))


@pytest.mark.parametrize("recipe", ["paper2", "gone.toml", ".", "", "x" * 5000, "a\0b", "\udcff", "/dev/zero"])
def test_an_unknown_recipe(recipe: str) -> None:
    with pytest.raises(
        SettingsError, match=r"no file found, expected one in TOML; give default, paper, quick, characters or its path"
    ):
        load_settings(recipe)


# Differences


def test_differences_name_keys_and_both_values() -> None:
    one = load_settings("quick", ["stage2.epochs=30"])
    other = load_settings("quick", ["seed=9", "stage2.epochs=20", "backbone.options.groups=2"])
    assert differences(one, one) == []
    assert differences(one, load_settings("quick", ["stage2.epochs=30", "pixels.crop=specimen"])) == [
        "pixels.crop: none / specimen"
    ]
    assert differences(one, other) == ["backbone.options.groups: None / 2", "seed: 0 / 9", "stage2.epochs: 30 / 20"]


def test_a_recipe_has_other_rates_for_the_backbone_in_the_box():
    own, other = (load_settings("default", [f"backbone.source={name}"]).stage2 for name in ("builtin", "some/network"))
    assert (own.learning_rate, own.layer_decay) == (0.001, 0.3)
    assert (other.learning_rate, other.layer_decay) == (0.0001, 0.1)
    assert own.model_copy(update={"learning_rate": 0.0001, "layer_decay": 0.1}) == other


def test_random_weights_learn_longer_in_the_quick_recipe():
    assert load_settings("quick", ["backbone.source=random"]).stage2.epochs == 40
    assert load_settings("quick").stage2.epochs == 18


def test_values_given_stand_above_those_for_a_backbone():
    assert load_settings("quick", ["backbone.source=random", "stage2.epochs=3"]).stage2.epochs == 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[when.builtin]\nseed = 3", r"when\.builtin\.seed: expected a table with values of a section"),
        ("[when.builtin.stage3]\nepochs = 3", r"when\.builtin\.stage3: expected a table with values of a section"),
        ("[when.builtin.stage2]\nepoch = 3", r"stage2\.epoch: unknown key; did you mean 'epochs'\?"),
    ],
    ids=["no section", "unknown section", "unknown key"],
)
def test_faults_of_values_for_a_backbone(tmp_path, table, message):
    file = tmp_path / "mine.toml"
    file.write_text(f"{recipe_text('paper')}\n{table}\n")
    with pytest.raises(SettingsError, match=message):
        load_settings(str(file), ["backbone.source=builtin"])
