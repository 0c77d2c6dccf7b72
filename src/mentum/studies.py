"""The folder of a cross-validation: what it is for, so that nothing else is mixed into it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mentum.disks import require_place
from mentum.errors import RunError
from mentum.files import require_free
from mentum.records import Record
from mentum.settings import Settings, differences


class Study(Record):
    """What is cross-validated, and how.

    Attributes:
        design: how specimens are kept apart, in words.
        stage: 2 = both stages are trained, 1 = the top classifier alone.
        table_hash, content_hash: of the specimen table and of the bytes of all images.
        command: how it was asked for.
    """

    schema_version: Literal[1] = 1
    mentum: str
    design: str
    stage: Literal[1, 2]
    settings: Settings
    table_hash: str
    content_hash: str
    command: str


STUDY_FILE = "study.json"


def require_study_place(folder: Path) -> None:
    """Make sure, before any work, that a folder is new, empty or a study's own, and can be written to.

    Raises:
        RunError: if it holds anything else.
        OSError: if the disk refuses.
    """
    if not (folder / STUDY_FILE).is_file():
        require_free(folder, but_unfinished=True)
    require_place(folder)


def begin_study(folder: Path, study: Study) -> None:
    """Take a new or empty folder for a study, or go on with the same one.

    Raises:
        RunError: if the folder holds something else.
    """
    file = folder / STUDY_FILE
    if not file.is_file():
        require_free(folder, but_unfinished=True)
        folder.mkdir(parents=True, exist_ok=True)
        study.write(file)
        return
    earlier = read_study(folder)
    unequal = differences(earlier.settings, study.settings)
    unequal += [name for name in ("design", "stage") if getattr(earlier, name) != getattr(study, name)]
    hashes = (study.table_hash, study.content_hash)
    if not unequal and (earlier.table_hash, earlier.content_hash) != hashes:  # other settings split otherwise
        unequal.append("the images or the specimen table")
    if unequal:
        raise RunError(
            f"{folder}: holds an earlier study that differs in {'; '.join(unequal)}; give the same command to go on "
            "with it, or another --out."
        )


def read_study(folder: Path) -> Study:
    """Read what a folder is for.

    Raises:
        RunError: if it holds no cross-validation.
    """
    try:
        return Study.read(folder / STUDY_FILE)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder}: holds no cross-validation of this version of Mentum; give the --out of `mentum crossvalidate`."
        ) from error
