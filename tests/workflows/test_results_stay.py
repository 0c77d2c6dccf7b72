"""An output never replaces what a run has found, or anything else of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

import mentum
from mentum.errors import DataError
from mentum.runs import Run


@pytest.mark.parametrize("name", ["run.json", "proposals.json", "../run/evaluation.json", "Novelty.json"])
def test_named_characters_do_not_replace_a_result(name: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(DataError, match="is a result of the run, expected a new name, or an earlier file of outlines"):
        mentum.name_characters(tmp_path / "run", {1: "mentum"}, tmp_path / "run" / name)


@pytest.mark.parametrize(("name", "content"), [("run.json", "{}"), ("photo.jpg", "\xff\xd8"), ("table.csv", "a,b")])
def test_a_report_replaces_pages_alone(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match="found a file that is no page, expected a new name, or an earlier report; giv"):
        mentum.report(Run(tmp_path), tmp_path / name)
    assert (tmp_path / name).read_text() == content
