"""Texts of users as every output can bear them: no invisible characters, no file name that is too long."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of Unicode: control and format characters, bytes that are not UTF-8, separators of lines, paragraphs."""
_JOINERS = {"\u200c", "\u200d"}
"""What some scripts need between two letters; it has no effect elsewhere."""

LONGEST_STEM = 120
"""Bytes of the name of a file that is named after something; systems allow 255, some encrypted disks 143."""


def is_invisible(character: str) -> bool:
    r"""Whether a character shows nothing, or steers what shows the text.

    >>> [is_invisible(each) for each in ("a", " ", "\x1b", "\n", "\u202e", "\u200b", "\udcf6")]
    [False, False, True, True, True, True, True]
    """
    if character in "\ufffe\uffff":  # no characters at all, and forbidden in XML
        return True
    return unicodedata.category(character) in _INVISIBLE and character not in _JOINERS


def composed(text: str) -> str:
    r"""A text with each letter and its accent in one character, as disks and tables differ in how they write them.

    >>> composed("He\u0301ron") == "H\xe9ron"
    True
    """
    return unicodedata.normalize("NFC", text)


def printable(text: str, keep: str = "") -> str:
    r"""A text with its invisible characters written out, which no terminal and no file takes for an order.

    Args:
        text: any text.
        keep: characters that stay as they are, such as line ends.

    >>> printable("Sal\x1bix alba\n"), printable("H\udcf6ngg"), printable("two\nlines", keep="\n")
    ('Sal\\x1bix alba\\n', 'H\\xf6ngg', 'two\nlines')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(each) if is_invisible(each) and each not in keep else each for each in text)


def visible(text: str) -> str:
    r"""A user's text for a message: blanks other than the space, and characters that cannot be seen, are spelt out.

    >>> print(visible("Salix\u00a0alba"), visible("a\ufeff\tb"), visible("Höngg 3"))
    Salix\u00a0alba a\ufeff\tb Höngg 3
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escape(each) for each in text)


def in_brief(error: BaseException) -> str:
    r"""What a library or the system says of a failure, in one line, without numbers that only programmers know.

    >>> in_brief(FileNotFoundError(2, "No such file or directory", "a")), in_brief(ValueError("odd\nin two lines"))
    ('No such file or directory', 'odd')
    >>> in_brief(MemoryError())
    'MemoryError'
    """
    if isinstance(error, OSError) and error.strerror:
        return visible(error.strerror)
    return visible((str(error).strip().splitlines() or [type(error).__name__])[0])


_MARKUP = re.compile(r"[\\`*_\[\]<>|~$&#]")


def in_markdown(text: str) -> str:
    r"""A text as a part of a line of Markdown, in which no sign of it is mark-up.

    >>> print(in_markdown("a|b <i> [x](y) `c`\n# d"))
    a\|b \<i\> \[x\](y) \`c\` \# d
    """
    return _MARKUP.sub(r"\\\g<0>", _on_one_line(text))


def code_in_markdown(text: str) -> str:
    r"""A text as code in a line of Markdown, whatever backticks it has.

    >>> print(code_in_markdown("mentum train"), code_in_markdown("a`b``c"))
    `mentum train` ``` a`b``c ```
    """
    line = _on_one_line(text)
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence, blank = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{blank}{line}{blank}{fence}"


def _on_one_line(text: str) -> str:
    return " ".join(text.splitlines())


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
    return "".join(each if each.isascii() else _escape(each) for each in text)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte of a file's name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return character.encode("unicode_escape").decode()
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def without_invisible(text: str) -> str:
    r"""A text without its invisible characters; where one of them separates words, a blank stands.

    >>> without_invisible("Sal\x1bix\talba\u200b")
    'Salix alba'
    """
    if text.isprintable():
        return text
    kept = (" " if each.isspace() else "" if is_invisible(each) else each for each in text)
    return " ".join("".join(kept).split())


def is_utf8(text: str) -> bool:
    r"""Whether a text can be written in UTF-8, which the name of a file may not be.

    >>> is_utf8("Hönggerberg"), is_utf8("H\udcf6nggerberg")
    (True, False)
    """
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)


def short_stem(text: str) -> str:
    r"""A name for a file that no system finds too long, without slashes and invisible characters.

    A longer text loses its middle to a part of its hash, so that two texts never get one name.

    >>> short_stem("Salix alba_01"), short_stem("a/b\n")
    ('Salix alba_01', 'a_b_')
    >>> len(short_stem("é" * 200).encode()) <= LONGEST_STEM
    True
    """
    stem = "".join("_" if each == "/" or is_invisible(each) else each for each in text)
    encoded = stem.encode()
    if len(encoded) <= LONGEST_STEM:
        return stem
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    head, tail = encoded[: LONGEST_STEM // 2 - 14], encoded[-LONGEST_STEM // 2 :]
    return f"{head.decode(errors='ignore')}-{digest}-{tail.decode(errors='ignore')}"
