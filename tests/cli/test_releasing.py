"""Tests of `mentum export`, `mentum verify` and `mentum identify`: files, streams, exit codes, and a real kill."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from dwca.read import DwCAReader
from PIL import Image

import mentum
from mentum.identification import read_records
from mentum.model.folder import Model, seal
from mentum.records import Progress
from support.awkward_images import write_empty, write_text, write_truncated
from support.command_line import Command, Outcome, start
from support.drawn_data import draw_taxon

SURE = ("--error-rate", "0.5")
"""So few calibration specimens allow an answer at this rate only."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five drawn images that the model has not seen."""
    (tmp_path / "photos").mkdir()
    for number in range(5):
        draw_taxon(number % 4, 1000 + number).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def read(file: Path) -> list[dict[str, str]]:
    return rows_of(file.read_text("utf-8"))


# export


def test_export_says_what_can_be_defended_and_how_near_the_networks_are(exported: Outcome, released: Path) -> None:
    assert "Probabilities: 4 images of 4 specimens" in exported.out
    assert "asked for at most 5.0% wrong" in exported.out
    *_, last = exported.out.splitlines()
    parity = Model.open(released).record.networks[0].parity
    assert last == (
        f"{released}: largest difference of a probability from the trained network's {parity:.1e} over 4 images."
    )


def test_export_into_a_folder_that_holds_something(mentum_: Command, trained_run: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    found = mentum_("export", trained_run, "--out", tmp_path)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"mentum: {tmp_path}: exists already, expected a new or empty folder; give another")


def test_export_of_something_else(mentum_: Command, tmp_path: Path) -> None:
    found = mentum_("export", tmp_path, "--out", tmp_path / "model")
    assert (found.code, found.out) == (2, "")
    assert "found no run.json, expected a training" in found.err


# verify


def test_verify_of_a_model_as_released(mentum_: Command, released: Path) -> None:
    found = mentum_("verify", released)
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith(f"{released}: 14 files as released; 4 samples identified again, probabilities within ")


def test_verify_of_a_run(mentum_: Command, trained_run: Path) -> None:
    found = mentum_("verify", trained_run)
    assert (found.code, found.out) == (2, "")
    assert found.err == (
        f"mentum: {trained_run}: found a training, expected a model; run: mentum export {trained_run} --out MODEL, and "
        "give MODEL.\n"
    )


# Where identifications go


def test_identify_prints_csv_where_no_file_is_named(mentum_: Command, released: Path, photos: Path) -> None:
    found = mentum_("identify", released, photos)
    rows = rows_of(found.out)
    assert (found.code, found.err, len(rows)) == (0, "", 5)
    assert [row["file_name"] for row in rows] == [str(photos / f"{number}.png") for number in range(5)]
    assert {row["status"] for row in rows} == {"undetermined"}
    assert "too few sure calibration specimens to promise anything at this rank" in rows[0]["reason"]


def test_identify_prints_lines_of_json(mentum_: Command, released: Path, photos: Path) -> None:
    found = mentum_("identify", released, photos, "--json", "--log", "json")
    lines = [json.loads(line) for line in found.out.splitlines()]
    assert (found.code, len(lines)) == (0, 5)
    assert 0 < lines[0]["species_probability"] <= 1
    *_, last = (Progress.model_validate_json(line) for line in found.err.splitlines())
    assert (last.done, last.total) == (5, 5)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_identify_writes_a_table(mentum_: Command, released: Path, photos: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"found.{suffix}"
    assert mentum_("identify", released, photos, "--out", out) == (0, "", f"{out}: 5 rows.\n")
    readers = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl": pl.read_ndjson}
    table = readers[suffix](out)
    assert table["identifiedBy"].to_list() == ["drawn4 1.0.0"] * 5
    assert table["identificationVerificationStatus"].to_list() == ["PredictedByMachine"] * 5


def test_another_error_rate_gives_answers(mentum_: Command, released: Path, photos: Path) -> None:
    rows = rows_of(mentum_("identify", released, photos, *SURE).out)
    named = [row for row in rows if row["scientificName"]]
    assert named
    assert {row["status"] for row in named} <= {"identified", "higher rank"}
    assert all("the least for an error of at most 50%" in row["reason"] for row in named)


def test_identifiers_stay_the_same_with_the_same_model_only(
    mentum_: Command, released: Path, photos: Path, tmp_path: Path
) -> None:
    def identifiers(model: Path) -> list[str]:
        return [row["identificationID"] for row in rows_of(mentum_("identify", model, photos).out)]

    other = Path(shutil.copytree(released, tmp_path / "other"))
    seal(Model.open(other).record.model_copy(update={"version": "1.0.1"}), other)

    first = identifiers(released)
    assert len(set(first)) == 5
    assert identifiers(released) == first
    assert not set(identifiers(other)) & set(first)


def test_the_command_and_the_function_say_the_same(mentum_: Command, released: Path, photos: Path) -> None:
    rows = rows_of(mentum_("identify", released, photos, *SURE).out)
    for row, each in zip(rows, mentum.load(released, 0.5).identify(photos), strict=True):
        assert row["identificationID"] == each.identification_id
        assert (row["scientificName"], row["status"]) == (each.scientific_name or "", each.status.value)


# What can be given


def test_identify_takes_files_globs_tables_and_standard_input(
    mentum_: Command, released: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = photos.parent / "table.csv"
    table.write_text("path;catalogNumber\nphotos/3.png;K 3\n", encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{photos / '4.png'}\n"))
    found = mentum_("identify", released, photos / "0.png", photos / "[12].png", table, "-")
    names = [Path(row["file_name"]).name for row in rows_of(found.out)]
    assert (found.code, names) == (0, [f"{number}.png" for number in range(5)])


def test_rows_of_specimens_say_which_one_when_they_are_printed(mentum_: Command, released: Path, photos: Path) -> None:
    table = photos.parent / "table.csv"
    table.write_text("file_name,catalogNumber\nphotos/0.png,A\nphotos/1.png,B\n")
    for options, specimens in ((["--by", "specimen"], ["A", "B"]), ([], [None, None])):
        rows = rows_of(mentum_("identify", released, table, *options).out)
        assert [row.get("catalogNumber") for row in rows] == specimens


def test_identify_by_specimen(mentum_: Command, released: Path, photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("file_name,catalogNumber,locality\nphotos/0.png,A,Bog\nphotos/1.png,B,\nphotos/2.png,A,Bog\n")
    out = tmp_path / "found.csv"
    assert mentum_("identify", released, table, "--by", "specimen", "--out", out) == (0, "", f"{out}: 2 rows.\n")
    one, two = read(out)
    assert (one["catalogNumber"], one["locality"], one["file_name"]) == ("A", "Bog", "photos/0.png | photos/2.png")
    assert (two["catalogNumber"], two["locality"]) == ("B", "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["gone.png"], "gone.png: not found; give images, folders of images, a glob, a table of paths, or '-'."),
        (["photos", "--by", "specimen"], "photos: names no specimens, which --by specimen needs"),
        (
            ["table.csv", "--by", "specimen"],
            "table.csv: found the columns file_name; --by specimen needs catalogNumber",
        ),
        (
            ["photos", "--out", "found.xlsx"],
            "found.xlsx: found the suffix '.xlsx', expected one of .csv, .parquet, .js",
        ),
        (["photos", "--out", "gone/found.csv"], "gone: no such folder, expected one to write found.csv into"),
    ],
)
def test_a_fault_is_one_line_on_stderr(
    mentum_: Command, released: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], message: str
) -> None:
    monkeypatch.chdir(photos.parent)
    Path("table.csv").write_text("file_name\nphotos/0.png\n")
    found = mentum_("identify", released, *given)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"mentum: {message}")
    assert found.err.count("\n") == 1
    assert sorted(file.name for file in photos.parent.iterdir()) == ["photos", "table.csv"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "found.csv", "--archive", "a.zip"], "must name both --title and --creator"),
        (["--out", "found.csv", "--archive", "a.zip", "--title", "Larvae"], "must name both --title and --creator"),
        (["--archive", "a.zip", "--title", "Larvae", "--creator", "Museum"], "give --out as well"),
        (
            ["--out", "found.csv", "--archive", "a.zip", "--title", "Larvae", "--creator", "Museum"],
            "images that name no licence in a column license:",
        ),
        (
            ["--out", "a.csv", "--archive", "a.zip", "--title", "A", "--creator", "B", "--licence", "MIT"],
            "--licence MIT: found no licence that GBIF takes, expected CC0-1.0, CC-BY-4.0 or CC-BY-NC-4.0",
        ),
        (["--format", "camtrap-dp"], "give --out as well"),
        (["--format", "records"], "give --out as well"),
        (["--format", "drawer"], "expected one of 'table', 'megadetector-json', 'camtrap-dp', 'records'"),
        (["--error-rate", "0"], "--error-rate"),
        (["--by", "drawer"], "--by"),
    ],
)
def test_faults_of_usage(
    mentum_: Command, released: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(photos.parent)
    monkeypatch.setenv("COLUMNS", "200")
    found = mentum_("identify", released, photos, *options)
    assert (found.code, found.out) == (2, "")
    assert message in found.err
    assert [file.name for file in photos.parent.iterdir()] == ["photos"]


def test_identify_with_a_run(mentum_: Command, trained_run: Path, photos: Path) -> None:
    found = mentum_("identify", trained_run, photos)
    assert (found.code, found.out) == (2, "")
    assert "found a training, expected a model; run: mentum export" in found.err


# Images that cannot be read


@pytest.mark.parametrize("write_broken", [write_truncated, write_empty, write_text])
def test_an_image_that_cannot_be_read_is_a_row_and_exit_code_1(
    mentum_: Command, released: Path, photos: Path, tmp_path: Path, write_broken: object
) -> None:
    write_broken(photos / "2.png")  # type: ignore[operator]
    out = tmp_path / "found.csv"
    found = mentum_("identify", released, photos, "--out", out, *SURE)
    assert (found.code, found.out) == (1, "")
    assert found.err == f"{out}: 5 rows, 1 with an image that could not be read.\n"
    rows = read(out)
    assert [row["status"] == "failed" for row in rows] == [False, False, True, False, False]
    assert "2.png: found a" in rows[2]["failure"]
    assert (rows[2]["scientificName"], rows[2]["identificationVerificationStatus"]) == ("", "")
    assert all(row["species_name"] and not row["failure"] for row in rows if row["status"] != "failed")


def test_a_missing_image_of_a_table_is_a_row_too(mentum_: Command, released: Path, photos: Path) -> None:
    (photos / "table.csv").write_text("file_name\ngone.png\n0.png\n")
    found = mentum_("identify", released, photos / "table.csv")
    assert found.code == 1
    first, second = rows_of(found.out)
    assert (first["status"], second["failure"]) == ("failed", "")
    assert "gone.png" in first["failure"]


def test_what_changed_after_an_interruption_is_said(
    mentum_: Command, released: Path, photos: Path, tmp_path: Path
) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "found.csv"
    with pytest.raises(KeyboardInterrupt):
        mentum.identify(released, photos, out, report=interrupt)
    draw_taxon(1, 2000).save(photos / "3.png")
    (photos / "1.png").unlink()
    found = mentum_("identify", released, photos, "--out", out)
    assert found.err == (
        f"{out}: 5 rows, 4 of them from the interrupted run, 1 identified anew as their image or row has changed, 1 of "
        "images that are no longer given.\n"
    )


def test_what_a_table_holds_beyond_its_images_is_said(
    mentum_: Command, released: Path, photos: Path, tmp_path: Path
) -> None:
    table, out = photos / "table.csv", tmp_path / "found.csv"
    table.write_text("file_name,CatalogNumber,mood,License\n0.png,K 1,good,CC0\n,K 2,,CC0\n1.png,K 3,,CC0\n")
    options = ("--archive", tmp_path / "a.zip", "--title", "A", "--creator", "B")
    found = mentum_("identify", released, table, "--out", out, *options)
    assert (found.code, found.err.splitlines()) == (0, [
        f"mentum: {table}: the columns 'mood' are no terms of a specimen and go into no output",
        f"mentum: {table}: rows that name no image, and are left out: 1 (K 2)",
        "mentum: images without an address where others find them, called by their file names: 2; give --media-url, or "
        "a column accessURI or associatedMedia.",
        f"{out}: 2 rows.",
    ])  # fmt: skip
    with DwCAReader(str(tmp_path / "a.zip")) as opened:
        assert "Public Domain (CC0 1.0)" in "".join(opened.metadata.find("dataset/intellectualRights").itertext())
    assert [row["catalogNumber"] for row in read(out)] == ["K 1", "K 3"]


# Other outputs


def test_an_archive_opens_in_another_program(mentum_: Command, released: Path, photos: Path, tmp_path: Path) -> None:
    archive = tmp_path / "larvae.zip"
    options = ("--archive", archive, "--title", "Larvae of Lake Å", "--creator", "Museum", "--licence", "CC0", *SURE)
    found = mentum_("identify", released, photos, "--out", tmp_path / "found.csv", *options)
    assert found.code == 0
    with DwCAReader(str(archive)) as opened:
        assert len(opened.rows) == 5
        assert opened.metadata.find("dataset/title").text == "Larvae of Lake Å"
        names = {row.data["http://rs.tdwg.org/dwc/terms/scientificName"] for row in opened}
    assert names == {row["scientificName"] or "incertae sedis" for row in read(tmp_path / "found.csv")}


def test_formats_for_camera_trappers(mentum_: Command, released: Path, photos: Path, tmp_path: Path) -> None:
    found = mentum_("identify", released, photos, "--out", tmp_path / "md.json", "--format", "megadetector-json")
    assert found.code == 0
    assert len(json.loads((tmp_path / "md.json").read_text("utf-8"))["images"]) == 5

    found = mentum_("identify", released, photos, "--out", tmp_path / "package", "--format", "camtrap-dp")
    assert found.code == 0
    assert len(read(tmp_path / "package" / "media.csv")) == 5
    assert not list(tmp_path.glob("*.part"))


def test_records_are_read_back(mentum_: Command, released: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.jsonl"
    done = mentum_("identify", released, photos, "--out", out, "--format", "records")
    assert (done.code, done.err) == (0, f"{out}: 5 rows.\n")
    when = read_records(out)[0].date_identified
    found = mentum.load(released).identify(photos)
    assert read_records(out) == [each.model_copy(update={"date_identified": when}) for each in found]


def test_a_heat_map_of_every_image_that_could_be_read(
    mentum_: Command, released: Path, photos: Path, tmp_path: Path
) -> None:
    write_truncated(photos / "2.png")
    found = mentum_("identify", released, photos, "--heatmaps", tmp_path / "maps", *SURE)
    assert found.code == 1
    expected = {
        f"{Path(row['file_name']).stem}-{row['identificationID'][-12:]}.png"
        for row in rows_of(found.out) if row["status"] != "failed"
    }  # fmt: skip
    assert {file.name for file in (tmp_path / "maps").iterdir()} == expected
    assert len(expected) == 4
    for file in (tmp_path / "maps").iterdir():
        with Image.open(file) as image:
            assert (image.format, image.mode) == ("PNG", "RGB")


def test_heat_maps_change_no_answer(mentum_: Command, released: Path, photos: Path, tmp_path: Path) -> None:
    plain, drawn = (
        rows_of(mentum_("identify", released, photos, *SURE, *options).out)
        for options in ([], ["--heatmaps", tmp_path])
    )
    for one, other in zip(plain, drawn, strict=True):
        assert one["scientificName"] == other["scientificName"]
        assert float(one["species_probability"]) == pytest.approx(float(other["species_probability"]), abs=2e-6)


# A process of its own

TRAINING = ("torch", "transformers", "safetensors", "psutil", "onnx", "onnxscript", "captum")
LOADED = f"""
import atexit, sys
heavy = {{*{TRAINING!r}, "matplotlib", "scipy"}}
atexit.register(lambda: print("loaded:", sorted(heavy & set(sys.modules)), file=sys.stderr))
from mentum.cli import main
main()
"""


def test_identification_loads_nothing_that_only_training_needs(released: Path, photos: Path, tmp_path: Path) -> None:
    archive = ("--archive", tmp_path / "a.zip", "--title", "Larvae", "--creator", "Museum", "--licence", "CC0")
    found = start("identify", released, photos, "--out", tmp_path / "found.parquet", *archive, code=LOADED)
    assert (found.code, found.out) == (0, "")
    assert found.err.splitlines()[-1] == "loaded: []"


def test_heat_maps_need_matplotlib_for_its_fonts_alone(released: Path, photos: Path, tmp_path: Path) -> None:
    found = start("identify", released, photos, "--heatmaps", tmp_path / "maps", code=LOADED)
    assert (found.code, found.err.splitlines()[-1]) == (0, "loaded: ['matplotlib']")
    assert len(list((tmp_path / "maps").iterdir())) == 5


def test_verification_loads_nothing_that_only_training_needs(released: Path) -> None:
    found = start("verify", released, code=LOADED)
    assert (found.code, found.err.strip()) == (0, "loaded: []")


SLOW = """
import sys, time
import mentum.identification.reading as readings
read_square = readings.read_square
def slowly(path, settings):
    time.sleep(0.01)
    return read_square(path, settings)
readings.read_square = slowly
from mentum.cli import main
main()
"""
"""`mentum identify` that takes long enough to be killed."""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill -9")
def test_a_killed_identification_goes_on_where_it_stopped(mentum_: Command, released: Path, tmp_path: Path) -> None:
    n, photos, out = 300, tmp_path / "photos", tmp_path / "found.csv"
    photos.mkdir()
    for number in range(n):
        draw_taxon(number % 4, number).save(photos / f"{number:03}.png")
    command = ["identify", str(released), str(photos), "--out", str(out)]

    part = tmp_path / "found.csv.part"
    process = subprocess.Popen([sys.executable, "-c", SLOW, *command])
    try:
        deadline = time.monotonic() + 60
        while not (part.is_file() and part.read_bytes().count(b"\n") > 20) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    n_kept = part.read_bytes().count(b"\n") - 1
    assert 20 <= n_kept < n

    found = mentum_(*command)

    assert found == (0, "", f"{out}: {n} rows, {n_kept} of them from the interrupted run.\n")
    assert [Path(row["file_name"]).name for row in read(out)] == [f"{number:03}.png" for number in range(n)]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["found.csv", "photos"]
    again = mentum_("identify", released, photos, "--out", tmp_path / "whole.csv")
    assert again.code == 0
    without_date = [
        [{name: cell for name, cell in row.items() if name != "dateIdentified"} for row in read(file)]
        for file in (out, tmp_path / "whole.csv")
    ]
    for one, other in zip(*without_date, strict=True):
        assert (one["identificationID"], one["species_name"]) == (other["identificationID"], other["species_name"])


def test_another_option_does_not_go_on_with_an_interrupted_identification(
    mentum_: Command, released: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "found.csv"
    killed = start("identify", released, photos, "--out", out, code=KILLED)
    assert killed.code != 0
    found = mentum_("identify", released, photos, "--out", out, *SURE)
    assert (found.code, found.out) == (2, "")
    assert "holds an interrupted identification by another model, of other images or with other options" in found.err
    assert mentum_("identify", released, photos, "--out", out) == (
        0, "", f"{out}: 5 rows, 3 of them from the interrupted run.\n"
    )  # fmt: skip


KILLED = """
import os
import mentum.identification.job as job
add = job._Tally.add
def dying(self, each, **more):
    add(self, each, **more)
    if self._rows == 3:
        os._exit(9)
job._Tally.add = dying
from mentum.cli import main
main()
"""
"""`mentum identify` that ends at once after the third image."""


@pytest.mark.parametrize("name", ["found\x1b[2J.csv", "two\rlines.csv", "turned\u202e.csv"])
def test_names_of_outputs_give_the_terminal_no_orders(
    mentum_: Command, released: Path, photos: Path, tmp_path: Path, name: str
) -> None:
    found = mentum_("identify", released, photos, "--out", tmp_path / name)
    assert found.code == 0
    assert found.err.strip().isprintable()
    assert (tmp_path / name).is_file()
