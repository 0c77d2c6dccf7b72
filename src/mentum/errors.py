"""Every error raised for a user's material: files, tables, settings, models, images.

    MentumError
    ├── DataError        a table, a folder of images, a taxonomy
    ├── ImageError       one image that cannot be read
    ├── SettingsError    a recipe or an override
    ├── BackboneError    a network that cannot be loaded
    ├── RunError         a run folder
    └── ModelError       a model folder

Each message says where, what was found, what was expected and what to do.
"""

import unicodedata

_SPELT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class MentumError(ValueError):
    """A user's material is not as Mentum needs it."""


class DataError(MentumError):
    """A specimen table, a taxonomy or a folder of images is faulty."""


class ImageError(MentumError):
    """One image cannot be read."""


class SettingsError(MentumError):
    """A recipe or an override is faulty."""


class BackboneError(MentumError):
    """A backbone network cannot be loaded or cannot be used."""


class RunError(MentumError):
    """A run folder is missing, incomplete or belongs to another command."""


class ModelError(MentumError):
    """A model folder is missing, changed or of another version."""


def visible(text: str) -> str:
    r"""A user's text for a message: blanks other than the space, and characters that cannot be seen, are spelt out.

    >>> print(visible("Salix\u00a0alba"), visible("a\ufeff\tb"), visible("Höngg 3"))
    Salix\u00a0alba a\ufeff\tb Höngg 3
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _SPELT.get(each) or _code(each) for each in text)


def told_apart(one: str, other: str) -> tuple[str, str]:
    r"""Two texts for a message, such that a reader sees in what they differ.

    >>> print(*told_apart("Drina", "Neretva"))
    Drina Neretva
    >>> print(*told_apart("Z\u00fcrich", "Zu\u0308rich"))
    Z\u00fcrich Zu\u0308rich
    """
    one, other = visible(one), visible(other)
    if unicodedata.normalize("NFKC", one) != unicodedata.normalize("NFKC", other):
        return one, other
    return _in_codes(one), _in_codes(other)


def _in_codes(text: str) -> str:
    return "".join(each if each.isascii() else _code(each) for each in text)


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"
