"""Who released a model: a signature of its record, and so of all its files, in the format of minisign."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mentum.errors import ModelError, SettingsError
from mentum.files import whole
from mentum.model.folder import RECORD, SIGNATURE, Model
from mentum.stored import in_a_clause, read_bytes

if TYPE_CHECKING:
    from minisign import PublicKey, SecretKey, Signature

_LARGEST = 10_000
"""Bytes of a key or a signature; they have a few hundred."""


@dataclass(frozen=True)
class Signer:
    """A secret key, ready to sign.

    Attributes:
        public_key: as its owner publishes it, in one line.
        notes: what the owner should know of the file, in words.
    """

    key: SecretKey
    public_key: str
    notes: tuple[str, ...]

    @property
    def key_id(self) -> str:
        """Sixteen digits by which people tell keys apart."""
        return _id_of(self.public_key.encode())

    def sign(self, folder: Path) -> None:
        """Write the signature of a model's record beside it."""
        content = read_bytes(folder / RECORD)
        signature = self.key.sign(content, untrusted_comment="signature of a model by Mentum")
        with whole(folder / SIGNATURE) as beside:
            beside.write_bytes(bytes(signature) + b"\n")


def open_key(file: Path, password: Callable[[], str]) -> Signer:
    """Read a secret key as `minisign -G` makes it.

    Args:
        file: of the key.
        password: asked for where the key is protected by one.

    Raises:
        SettingsError: if it is none, or the password is wrong.
    """
    _require_package()
    from minisign import Error, SecretKey

    try:
        key = SecretKey.from_bytes(read_bytes(file, _LARGEST))
    except (OSError, ValueError) as reason:
        raise SettingsError(
            f"{file}: found no secret key of minisign ({in_a_clause(reason)}); make one with `minisign -G`."
        ) from reason
    if key.is_encrypted():
        try:
            key.decrypt(password())
        except (Error, MemoryError) as reason:
            raise SettingsError(f"{file}: the key cannot be opened ({in_a_clause(reason)}); give it again.") from reason
    return Signer(key, key.get_public_key().to_base64().decode(), _loose(file))


def _loose(file: Path) -> tuple[str, ...]:
    if not file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return ()
    return (f"{file}: others on this machine may read this secret key; run: chmod 600 {file}",)


def public_key(given: str | Path) -> PublicKey:
    """Read a public key of minisign: a file, or the line in it that begins with RW.

    Raises:
        SettingsError: if it is none.
    """
    _require_package()
    from minisign import Error, PublicKey

    try:
        if not Path(given).exists() and str(given).startswith("RW"):
            return PublicKey.from_base64(str(given))
        content = read_bytes(Path(given), _LARGEST)
        in_lines = len(content.strip().splitlines()) > 1  # the first is a comment
        return PublicKey.from_bytes(content) if in_lines else PublicKey.from_base64(content.strip())
    except (OSError, ValueError, Error) as reason:
        raise SettingsError(
            f"{given}: found no public key of minisign ({in_a_clause(reason)}); give the file that ends in .pub, or "
            "its line that begins with RW."
        ) from reason


def require_signature(model: Model, given: str | Path) -> str:
    """Make sure that the owner of a key has signed a model as it is.

    Args:
        model: the model.
        given: the public key of whoever released it, as a file or a line.

    Returns:
        The key's sixteen digits.

    Raises:
        ModelError: if nobody, or somebody else, has signed the model, or it was changed since.
        SettingsError: if the key is none.
    """
    key = public_key(given)
    signature = _signature(model.path)
    expected, found = _id_of(key.to_base64()), _id_of(bytes(signature).splitlines()[1])
    if found != expected:
        raise ModelError(
            f"{model.path}: is signed with the key {found}, expected {expected}; ask whoever released it which key is "
            "theirs, and take the model for a stranger's until then."
        )
    try:
        key.verify(read_bytes(model.path / RECORD), signature)
    except ValueError as reason:
        raise ModelError(
            f"{model.path}: {RECORD} was changed after it was signed with the key {expected}, or another has signed in "
            "its name; get the model again from whoever released it."
        ) from reason
    return expected


def is_signed(model: Model) -> bool:
    """Whether a model carries a signature, by whomever."""
    return (model.path / SIGNATURE).exists()


def _signature(folder: Path) -> Signature:
    from minisign import Signature

    file = folder / SIGNATURE
    if not file.exists():
        raise ModelError(
            f"{folder}: is not signed (found no {SIGNATURE}), expected a signature by the key given; get the signed "
            "model from whoever released it, or leave --key out."
        )
    try:
        return Signature.from_bytes(read_bytes(file, _LARGEST))
    except (OSError, ValueError) as reason:
        raise ModelError(
            f"{file}: not readable as a signature of minisign ({in_a_clause(reason)}); get the model again from "
            "whoever released it."
        ) from reason


def _id_of(encoded: bytes) -> str:
    """The digits of a key, as minisign prints them, from a key or a signature in one line."""
    return base64.b64decode(encoded)[2:10][::-1].hex().upper()


def _require_package() -> None:
    try:
        import minisign  # noqa: F401
    except ModuleNotFoundError as error:
        raise SettingsError(
            "signatures need the package py-minisign, which is not installed; run: pip install 'mentum[sign]'"
        ) from error
