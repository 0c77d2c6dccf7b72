"""The documentation names every command, option, setting and module; the tests keep to what is public."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import typer
from PIL import Image
from pydantic import BaseModel

import mentum
from mentum.cli import app
from mentum.settings import RECIPES, Settings
from mentum.specimens.columns import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "mentum"


def option_names(command: str) -> list[str]:
    described = typer.main.get_command(app).commands[command]
    return [name for parameter in described.params for name in parameter.opts if name.startswith("--")]


def setting_keys(record: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in record.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += setting_keys(field.annotation, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


@pytest.mark.parametrize("command", sorted(typer.main.get_command(app).commands))
def test_every_command_and_option_is_documented(command):
    text = (DOCS / "commands.md").read_text("utf-8")
    section = re.search(rf"^## mentum {command} .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)

    assert section, f"docs/commands.md has no section for mentum {command}"
    missing = [name for name in option_names(command) if name != "--help" and f"`{name}" not in section[0]]
    assert not missing


def test_every_command_has_help():
    for command in typer.main.get_command(app).commands.values():
        assert command.help
        assert all(getattr(parameter, "help", None) for parameter in command.params)


def test_every_setting_is_documented():
    text = (DOCS / "settings.md").read_text("utf-8")

    assert [key for key in setting_keys(Settings) if f"`{key}`" not in text] == []


def test_every_documented_setting_exists():
    named = re.findall(
        r"`((?:split|pixels|augmentation|backbone|head|stage1|stage2)\.\w+)`", (DOCS / "settings.md").read_text("utf-8")
    )

    assert set(named) <= set(setting_keys(Settings))


def test_every_column_and_alias_is_documented():
    text = (DOCS / "data.md").read_text("utf-8").lower()
    aliases = {alias for name, others in COLUMNS.items() for alias in (name, *others)}

    unwritten = {alias for alias in aliases if f"`{alias.lower()}`" not in text}
    assert unwritten <= {"catalog_number", "event_date", "recorded_by", "photo_time", "directory"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_is_documented(recipe):
    assert f"`{recipe}`" in (DOCS / "settings.md").read_text("utf-8")


def test_one_version_number():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert project["version"] == mentum.__version__
    assert f"version: {mentum.__version__}" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"## {mentum.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_modules_and_functions_stay_small():
    long = {str(file): len(file.read_text("utf-8").splitlines()) for file in (ROOT / "src").rglob("*.py")}

    assert {file: lines for file, lines in long.items() if lines > 500} == {}


def test_every_module_has_its_one_line_in_the_architecture():
    """In the first columns of the tables of rooms and modules."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    tables = text.partition("## Rooms\n")[2].partition("\n## ")[0]
    firsts = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| `")]
    named = Counter(name for first in firsts for name in re.findall(r"`([^`]+)`", first))
    modules = {
        path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py") if path.stem != "__init__"
    }
    rooms = {f"{path.name}/" for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}

    assert modules | rooms == set(named)
    assert [name for name, count in named.items() if count > 1] == []


def private_names_patched(text: str) -> list[str]:
    """What a test takes hold of that its module keeps to itself: patched, or imported from Mentum."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mentum":
            found += [alias.name for alias in node.names if alias.name.startswith("_")]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr":
            names = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
            lasts = [name.rpartition(".")[2] for name in names if isinstance(name, str)]
            found += [name for name in lasts if name.startswith("_") and not name.startswith("__")]
    return found


def test_private_names_are_recognised():
    text = """
from mentum.model.samples import _rows, write_samples
import mentum.model.samples
def test(monkeypatch):
    monkeypatch.setattr(samples, "_other", None)
    monkeypatch.setattr(samples, "public", None)
    monkeypatch.setattr("mentum.model.samples._third", None)
    monkeypatch.setattr(Session, "__call__", None)
    patch.setattr(sys, "argv", ["_not_a_name"])
"""
    assert sorted(private_names_patched(text)) == ["_other", "_rows", "_third"]


def test_no_test_patches_private_names():
    files = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "tests").rglob("*.py")}
    found = {name: private_names_patched(path.read_text("utf-8")) for name, path in files.items()}

    assert {name: names for name, names in found.items() if names} == {}


def test_no_test_file_imports_from_another():
    """What several tests need lies in `tests/support/`."""
    others = re.compile(r"^\s*(?:from|import)\s+(?:[\w.]+\.)?(?:test_\w+|conftest)\b", re.MULTILINE)
    files = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}

    assert {name: found for name, text in files.items() if (found := others.findall(text))} == {}


def test_the_example_of_identification_works(released, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "first").symlink_to(released)
    (tmp_path / "new-images").mkdir()
    for name in ("1.png", "2.png"):
        Image.new("RGB", (64, 48), "grey").save(tmp_path / "new-images" / name)
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(
        str(DOCS / "identification.md"), module_relative=False, optionflags=doctest.ELLIPSIS
    )
    assert (failed, tried > 5) == (0, True)


@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda script: script.stem)
def test_what_benchmarks_import_is_there(script):
    """They run rarely, so that a name that has gone would be noticed late."""
    wanted = [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(script.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mentum"
        for alias in node.names
    ]
    gone = [(module, name) for module, name in wanted if not hasattr(importlib.import_module(module), name)]
    assert [each for each in gone if importlib.util.find_spec(".".join(each)) is None] == []
