from pathlib import Path

import pytest

from mentum.errors import RunError
from mentum.files import hash_together, is_free, require_free, require_same_images, whole, write_text


def test_a_file_appears_once_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    write_text("earlier", file)
    with whole(file) as beside:
        beside.write_text("later")
        assert (file.read_text(), beside.name) == ("earlier", "table.csv.part")
    assert file.read_text() == "later"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("reason", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_earlier_file_and_nothing_else(tmp_path: Path, reason: BaseException) -> None:
    file = tmp_path / "table.csv"
    write_text("earlier", file)

    def fail() -> None:
        with whole(file) as beside:
            beside.write_text("half")
            raise reason

    with pytest.raises(type(reason)):
        fail()
    assert (file.read_text(), list(tmp_path.iterdir())) == ("earlier", [file])


def test_a_folder_takes_the_place_of_an_empty_one_and_of_what_a_kill_left(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model.part").mkdir()
    write_text("half", tmp_path / "model.part" / "network")
    with whole(tmp_path / "model") as beside:
        beside.mkdir()
        write_text("whole", beside / "record")
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*")] == ["model", "model/record"]


def test_a_folder_that_holds_something_is_kept(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    write_text("mine", tmp_path / "model" / "notes")
    with pytest.raises(OSError, match="not empty"), whole(tmp_path / "model") as beside:
        beside.mkdir()
    assert [file.name for file in tmp_path.rglob("*")] == ["model", "notes"]


def test_a_folder_that_a_task_may_take(tmp_path: Path) -> None:
    assert is_free(tmp_path)
    assert is_free(tmp_path / "new")
    write_text("half", tmp_path / "network.part")
    assert is_free(tmp_path, but_unfinished=True)
    assert not is_free(tmp_path)
    assert not is_free(tmp_path / "network.part", but_unfinished=True)
    with pytest.raises(RunError, match=r"found other files, expected a new or empty folder; give another --out\."):
        require_free(tmp_path)


def test_other_images_than_those_of_the_training(tmp_path: Path) -> None:
    one, other = hash_together(["a", "b"]), hash_together(["b", "a"])
    require_same_images(one, hash_together(["a", "b"]), "data", tmp_path)
    with pytest.raises(RunError, match=r"^data: the images are not those that .* was trained on, or have changed"):
        require_same_images(one, other, "data", tmp_path)
