"""Write the report of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mentum.errors import DataError
from mentum.locks import sole_writer
from mentum.reporting.report.page import write_report
from mentum.runs import Run
from mentum.workflows.arguments import PathLike, open_run, path_or_none


def report(
    run: PathLike | Run,
    out: PathLike | None = None,
    *,
    data: PathLike | None = None,
    studies: Sequence[PathLike] = (),
    compare: Sequence[PathLike] = (),
) -> Path:
    """Write one HTML file with all that is known of a run, to read, to print and to send.

    Args:
        run: a complete run that was evaluated, or its folder.
        out: the file; None = `report.html` in the run's folder.
        data: where the images of the run are now, if they have moved.
        studies: folders of cross-validations, a learning curve or an audit to take up.
        compare: folders of runs or cross-validations to compare with.

    Returns:
        The file.

    Raises:
        DataError: if `out` holds anything but an earlier page.
        RunError: if the run was not evaluated, a study is of other images, or nothing can be compared.
        BusyError: if another process writes the file, or into one of the folders.
    """
    opened = open_run(run)
    file = path_or_none(out) or opened.path / "report.html"
    _require_page(file)
    with sole_writer(file):
        return write_report(
            opened, file, path_or_none(data), [Path(each) for each in studies], [Path(each) for each in compare]
        )


def _require_page(file: Path) -> None:
    """A report replaces an earlier one, and nothing else: no result, no table, no image."""
    if not file.is_file():
        return
    with file.open("rb") as stream:
        begins = stream.read(64).lstrip().lower()
    if begins and not begins.startswith((b"<!doctype html", b"<html")):
        raise DataError(
            f"{file}: found a file that is no page, expected a new name, or an earlier report; give another."
        )
