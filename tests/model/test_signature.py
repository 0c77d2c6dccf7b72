"""Tests of who released a model: signed, by whom, changed since; the same by the standard tool."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from minisign import KeyPair

import mentum
from mentum.errors import ModelError, SettingsError
from mentum.model.folder import RECORD, SIGNATURE, Model, seal
from mentum.model.signature import is_signed, open_key, require_signature
from support.command_line import Command


class Keys:
    """A pair of keys in files, as minisign keeps them."""

    def __init__(self, folder: Path, password: bytes | None = None) -> None:
        folder.mkdir(parents=True)
        pair = KeyPair.generate()
        self.line = pair.public_key.to_base64().decode()
        self.public, self.secret = folder / "key.pub", folder / "key"
        self.public.write_bytes(bytes(pair.public_key))
        if password is not None:
            pair.secret_key.encrypt(password.decode())
        self.secret.write_bytes(bytes(pair.secret_key))
        self.secret.chmod(0o600)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "ours")


@pytest.fixture
def model(released: Path, keys: Keys, tmp_path: Path) -> Path:
    """A signed copy."""
    copy = shutil.copytree(released, tmp_path / "model")
    open_key(keys.secret, lambda: pytest.fail("asked for a password")).sign(copy)
    return copy


def test_a_signed_model_is_told_by_its_owners_key(model: Path, keys: Keys) -> None:
    found = mentum.verify(model, key=keys.public)
    assert (found.faults, found.signed) == ((), True)
    assert found.signed_with is not None
    assert len(found.signed_with) == 16
    assert mentum.verify(model, key=keys.line) == found
    assert mentum.verify(model).signed_with is None


def test_an_unsigned_model_is_refused_with_a_key_alone(released: Path, keys: Keys) -> None:
    assert not is_signed(Model.open(released))
    assert mentum.verify(released).faults == ()
    with pytest.raises(ModelError, match=r"is not signed \(found no model.json.minisig\), expected a signature"):
        mentum.verify(released, key=keys.public)


def test_the_key_of_another_is_refused(model: Path, tmp_path: Path) -> None:
    other = Keys(tmp_path / "theirs")
    with pytest.raises(ModelError, match=r"is signed with the key [0-9A-F]{16}, expected [0-9A-F]{16}; ask whoever"):
        require_signature(Model.open(model), other.public)


def test_a_model_that_was_changed_and_sealed_again_is_found_out(model: Path, keys: Keys) -> None:
    record = Model.open(model).record
    seal(record.model_copy(update={"version": "9.9"}), model)
    assert mentum.verify(model).faults == ()
    with pytest.raises(ModelError, match="was changed after it was signed"):
        mentum.verify(model, key=keys.public)


def test_a_signature_of_another_model_does_not_fit(model: Path, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / RECORD).write_text("another")
    open_key(keys.secret, str).sign(tmp_path / "other")
    shutil.copy(tmp_path / "other" / SIGNATURE, model / SIGNATURE)
    with pytest.raises(ModelError, match="was changed after it was signed"):
        mentum.verify(model, key=keys.public)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"untrusted comment: x\nRWQ\n", b"a\nb\nc\nd\n", b"\x00" * 20_000])
def test_a_damaged_signature(model: Path, keys: Keys, content: bytes) -> None:
    (model / SIGNATURE).write_bytes(content)
    with pytest.raises(ModelError, match=r"not readable as a signature of minisign \(.*\); get the model again"):
        require_signature(Model.open(model), keys.public)


@pytest.mark.parametrize("given", ["RWnonsense", "gone.pub", "", "{secret}"])
def test_what_is_no_public_key(model: Path, keys: Keys, given: str) -> None:
    with pytest.raises(SettingsError, match=r"found no public key of minisign \(.*\); give the file"):
        require_signature(Model.open(model), given.format(secret=keys.secret) or keys.secret.parent)


def test_a_key_behind_a_password(released: Path, tmp_path: Path) -> None:
    keys = Keys(tmp_path / "locked", b"secret")
    copy = shutil.copytree(released, tmp_path / "model")
    open_key(keys.secret, lambda: "secret").sign(copy)
    assert require_signature(Model.open(copy), keys.public)
    with pytest.raises(SettingsError, match="the key cannot be opened"):
        open_key(keys.secret, lambda: "guess")


def test_a_secret_key_that_others_may_read_is_warned_of(keys: Keys) -> None:
    assert open_key(keys.secret, str).notes == ()
    keys.secret.chmod(0o644)
    (note,) = open_key(keys.secret, str).notes
    assert f"run: chmod 600 {keys.secret}" in note


def test_what_is_no_secret_key(keys: Keys) -> None:
    with pytest.raises(SettingsError, match="found no secret key of minisign"):
        open_key(keys.public, str)


def test_the_standard_tool_agrees(model: Path, keys: Keys) -> None:
    if shutil.which("minisign") is None:
        pytest.skip("minisign is not installed")
    command = ["minisign", "-V", "-p", str(keys.public), "-m", str(model / RECORD)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    changed = json.loads((model / RECORD).read_text("utf-8")) | {"version": "9.9"}
    (model / RECORD).write_text(json.dumps(changed))
    assert subprocess.run(command, check=False, capture_output=True).returncode != 0


def test_the_commands_sign_and_ask_for_the_key(
    mentum_: Command, trained_run: Path, keys: Keys, tmp_path: Path, trained_data: Path
) -> None:
    out = tmp_path / "signed"
    found = mentum_("export", trained_run, "--out", out, "--sign", keys.secret, "--cache", trained_run.parent / "cache")
    assert found.code == 0
    assert f"signed; publish the public key where people know you: {keys.line}" in found.out
    told = mentum_("verify", out, "--key", keys.line)
    assert (told.code, "signed with the key" in told.out) == (0, True)
    other = Keys(tmp_path / "theirs")
    refused = mentum_("identify", out, trained_data / "images", "--key", other.public)
    assert (refused.code, "is signed with the key" in refused.err) == (2, True)
