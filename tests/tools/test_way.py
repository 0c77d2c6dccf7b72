"""Tests of the way that a command takes through the modules."""

from __future__ import annotations

import pytest

import way
from mentum.reporting import numbers
from mentum.reporting.report.rendering import render_text


def test_modules_stand_in_the_order_of_the_first_visit() -> None:
    def command() -> None:
        numbers.percent(0.5)
        render_text("{{ 0.5 | percent }}")

    found = way.follow(command)

    assert list(found.modules) == ["mentum.reporting.numbers", "mentum.reporting.report.rendering"]


def test_an_end_by_the_command_line_is_no_failure() -> None:
    def command() -> None:
        numbers.seconds(1.0)
        raise SystemExit(0)

    assert list(way.follow(command).modules) == ["mentum.reporting.numbers"]


def test_a_summary_ends_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    way.main(["--help"])

    assert "modules, " in capsys.readouterr().out
