"""Tests of the terms on which identifications are published."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentum.errors import SettingsError
from mentum.identification.inputs import Inputs
from mentum.identification.output.dataset import known_licence
from mentum.identification.publishing import agree_terms
from support.awkward_images import write_plain

CC = "https://creativecommons.org"
CC0, BY, BY_NC = (
    f"{CC}/publicdomain/zero/1.0/legalcode", f"{CC}/licenses/by/4.0/legalcode", f"{CC}/licenses/by-nc/4.0/legalcode",
)  # fmt: skip
NOWHERE = "images without an address where others find them, called by their file names: 2; give --media-url, or"


def table(folder: Path, header: str, *rows: str) -> Inputs:
    (folder / "t.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return Inputs((str(folder / "t.csv"),))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("CC-BY-4.0", BY), ("cc by 4.0", BY), ("CC_BY", BY), ("https://creativecommons.org/licenses/by/4.0/", BY),
        ("http://www.creativecommons.org/licenses/by/4.0/deed.de", BY), (BY, BY), ("CC0", CC0), ("CC0-1.0", CC0),
        ("http://creativecommons.org/publicdomain/zero/1.0", CC0), ("CC BY-NC 4.0", BY_NC), ("CC-BY-NC v4.0", BY_NC),
        ("https://creativecommons.org/licenses/by-nc/4.0/legalcode.en", BY_NC),
        ("", None), ("CC-BY-SA-4.0", None), ("CC-BY-3.0", None), ("by", None), ("© the museum", None), ("4.0", None),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", None), ("https://creativecommons.org", None),
    ],
)  # fmt: skip
def test_licences_as_people_write_them(text: str, address: str | None) -> None:
    assert known_licence(text) == address


@pytest.mark.parametrize(
    ("cells", "given", "licence"),
    [
        (("CC BY-NC 4.0", f"{CC}/licenses/by-nc/4.0/"), None, BY_NC),
        (("CC0", "CC0"), None, CC0),
        (("", ""), "CC-BY-4.0", BY),
        (("CC0", ""), "CC-BY-NC-4.0", BY_NC),
        (("CC0", "CC BY 4.0"), "CC0-1.0", CC0),
    ],
)
def test_the_licence_is_that_of_the_rows_or_of_the_user(
    tmp_path: Path, cells: tuple[str, str], given: str | None, licence: str
) -> None:
    inputs = table(tmp_path, "file_name,License", *(f"{number}.png,{cell}" for number, cell in enumerate(cells)))
    assert agree_terms(inputs, given, None, needed=True).licence == licence


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("", ""), "images that name no licence in a column license: 2 of 2; an archive needs one licence for the"),
        (("CC0", ""), "images that name no licence in a column license: 1 of 2"),
        (("CC0", "CC BY 4.0"), "rows name 2 different licences"),
        (("MIT", "MIT"), "rows name the licence 'MIT', which is none that GBIF takes for a data set"),
        (("CC0", "all rights reserved"), "rows name the licence 'all rights reserved'"),
    ],
)
def test_no_licence_is_assumed(tmp_path: Path, cells: tuple[str, str], message: str) -> None:
    inputs = table(tmp_path, "file_name,License", *(f"{number}.png,{cell}" for number, cell in enumerate(cells)))
    with pytest.raises(SettingsError, match=f"^{message}.* and none is assumed: give --licence CC0-1.0, CC-BY-4.0"):
        agree_terms(inputs, None, None, needed=True)
    assert agree_terms(inputs, None, None, needed=False).licence is None


def test_a_folder_names_no_licence(tmp_path: Path) -> None:
    write_plain(tmp_path / "photos" / "a.png")
    with pytest.raises(SettingsError, match="images that name no licence in a column license: 1 of 1"):
        agree_terms(Inputs((str(tmp_path / "photos"),)), None, None, needed=True)


def test_rows_that_differ_from_the_data_set_are_counted(tmp_path: Path) -> None:
    inputs = table(tmp_path, "file_name,License,accessURI", "a.png,CC0,https://x.org/a", "b.png,MIT,https://x.org/b")
    (note,) = agree_terms(inputs, "CC0", None, needed=True).notes
    assert note.startswith("images with another licence in their rows ('MIT' (1)) than Public Domain (CC0 1.0)")


@pytest.mark.parametrize("licence", ["MIT", "CC-BY-SA-4.0", "", "yes"])
def test_a_licence_that_gbif_does_not_take_is_refused(tmp_path: Path, licence: str) -> None:
    inputs = table(tmp_path, "file_name", "a.png")
    with pytest.raises(
        SettingsError, match=rf"--licence {licence}: found no licence that GBIF takes, expected CC0-1.0"
    ):
        agree_terms(inputs, licence, None, needed=True)


@pytest.mark.parametrize("column", ["accessURI", "associatedMedia", "AccessUri", "ac:accessURI", "associated_media"])
def test_addresses_come_from_a_column(tmp_path: Path, column: str) -> None:
    inputs = table(tmp_path, f"file_name,{column}", "a.png,https://x.org/a", "b.png,https://x.org/b")
    assert agree_terms(inputs, "CC0", None, needed=True).notes == ()
    assert [image.media for image in inputs] == ["https://x.org/a", "https://x.org/b"]


def test_images_without_an_address_are_counted(tmp_path: Path) -> None:
    inputs = table(tmp_path, "file_name,accessURI", "a.png,", "b.png,", "c.png,https://x.org/c")
    assert agree_terms(inputs, "CC0", None, needed=True).notes[0].startswith(NOWHERE)
    assert agree_terms(inputs, "CC0", "https://x.org/", needed=True).notes == ()


@pytest.mark.parametrize("prefix", ["x.org/images", "ftp://x.org/", "/home/me", "https://"])
def test_a_prefix_that_is_no_address_is_refused(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(SettingsError, match=r"--media-url .*: found no address, expected such as https://example.org"):
        agree_terms(table(tmp_path, "file_name", "a.png"), "CC0", prefix, needed=True)


@pytest.mark.parametrize("name", ["/data/a.png", "../a.png", "x/../../a.png"])
def test_a_name_that_makes_no_address_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"--media-url: the image '.*a.png' is not named from the folder that is"):
        agree_terms(table(tmp_path, "file_name", name), "CC0", "https://x.org", needed=True)
