"""The model folder: opened, checked byte by byte, sealed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from mentum.errors import ModelError
from mentum.files import write_text
from mentum.model.record import ModelRecord
from mentum.model.session import Session, Wanted
from mentum.specimens.images import content_hash
from mentum.stored import read_bytes, readable

RECORD = "model.json"
SIGNATURE = f"{RECORD}.minisig"
"""The signature of the record, and so of all files, beside it; whoever signs may do so after the release."""
_SEAL = re.compile(rb'("seal": ")([0-9a-f]{64})(")')
_BLANK = b"0" * 64
_COPY = "copy the model folder again from where you got it"


class Model:
    """A released model folder.

    Attributes:
        path: the folder.
        record: what `model.json` says.
    """

    def __init__(self, path: str | Path, record: ModelRecord) -> None:
        self.path = Path(path)
        self.record = record

    @classmethod
    def open(cls, path: str | Path) -> Model:
        """Open a model folder; the files that identify must be the ones that were released.

        Raises:
            ModelError: if it is no model, of another version of Mentum, or changed.
        """
        model = cls(path, _read_record(Path(path)))
        record = model.record
        needed = [*(network.file for network in record.networks), record.calibration.file]
        needed += [record.calibration.density_file] if record.calibration.density_file else []
        if faults := model.changed_files(needed):
            raise ModelError(faults[0])
        return model

    def changed_files(self, names: Iterable[str] | None = None) -> list[str]:
        """Faults of the files listed in the record, or of some of them: missing, changed, unlisted."""
        listed = self.record.files
        faults = [self._fault(name, listed.get(name)) for name in (listed if names is None else names)]
        if names is None:
            found = {file.relative_to(self.path).as_posix() for file in self.path.rglob("*") if _is_no_folder(file)}
            faults += [
                f"{self.path / name}: not listed in {RECORD}, expected only the files of the release; remove it."
                for name in sorted(found - set(listed) - {RECORD, SIGNATURE})
            ]
        return [fault for fault in faults if fault]

    def _fault(self, name: str, expected: str | None) -> str | None:
        file = self.path / name
        if not file.is_file():
            return f"{file}: not found, expected a file of the model; {_COPY}."
        if not file.resolve().is_relative_to(self.path.resolve()):
            return f"{file}: is a link to {file.resolve()}, expected a file within the folder; {_COPY}, with its files."
        found = content_hash(file)
        if found != expected:
            return f"{file}: changed since the release (sha256 {found[:12]}…, expected {str(expected)[:12]}…); {_COPY}."
        return None

    @cached_property
    def session(self) -> Session:
        """The networks, opened when first used."""
        record = self.record
        files = {network.name: self.path / network.file for network in record.networks}
        return Session(files, wanted=Wanted(record.pixels.size, record.geometry.cells, record.n_taxa))


def _is_no_folder(file: Path) -> bool:
    """A file, or a link to a folder, a pipe and the like, none of which belongs to a model."""
    return file.is_symlink() or not file.is_dir()


def _read_record(path: Path) -> ModelRecord:
    file = path / RECORD
    if not file.is_file():
        if (path / "run.json").is_file():
            raise ModelError(
                f"{path}: found a training, expected a model; run: mentum export {path} --out MODEL, and give MODEL."
            )
        raise ModelError(f"{path}: found no {RECORD}, expected a model folder; give the --out of `mentum export`.")
    with readable(file, _COPY, ModelError):
        content = read_bytes(file)
    match = _SEAL.search(content)
    if match is None or _seal_of(content) != match[2].decode():
        raise ModelError(f"{file}: changed since the release, its seal does not fit; {_COPY}.")
    remedy = f"install a newer Mentum, ask for a newer model, or {_COPY}"
    with readable(file, remedy, ModelError, " by this version of Mentum"):
        return ModelRecord.of_json(content)


def _seal_of(content: bytes) -> str:
    """The sha256 of a record with its seal blanked, in hex."""
    return hashlib.sha256(_SEAL.sub(rb"\g<1>" + _BLANK + rb"\g<3>", content, count=1)).hexdigest()


def seal(record: ModelRecord, folder: Path) -> ModelRecord:
    """Hash all files of a folder into the record, and write `model.json` with its own seal.

    Returns:
        The record as written.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name not in {RECORD, SIGNATURE})
    hashes = {file.relative_to(folder).as_posix(): content_hash(file) for file in files}
    blank = record.model_copy(update={"files": hashes, "seal": _BLANK.decode()})
    text = blank.model_dump_json(indent=2) + "\n"
    sealed = blank.model_copy(update={"seal": _seal_of(text.encode())})
    write_text(sealed.model_dump_json(indent=2) + "\n", folder / RECORD)
    return sealed
