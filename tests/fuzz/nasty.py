"""Values that a program seldom expects."""

from __future__ import annotations

import random
from typing import Any

NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "-0.0",
    "0.5",
    "1e300",
    "-1e300",
    "1e-320",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "9" * 30,
    "9" * 5000,
    "-" + "9" * 5000,
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551616",
    "99999999",
    "5000",
    "1_000",
    "0x10",
    "1e5",
    "1.5",
    "٣",
    "½",
    "１２",
    "1,5",
    "1e",
    "--1",
    "+1",
    " 7 ",
    "7px",
    "10%",
)
"""Numbers, near numbers and what looks like one."""

WORDS = (
    "",
    " ",
    "x",
    "none",
    "None",
    "null",
    "true",
    "TRUE",
    "auto",
    "Ａuto",
    "аuto",
    "\x1b[31mred\x1b[0m",
    "a\nb",
    "\u202eoxe",
    "a\u200bb",
    "\udcff\udcfe",
    "é" * 300,
    "a" * 5000,
    "'",
    '"',
    "${HOME}",
    "$(id)",
    "`id`",
    "%s%n",
    "{0}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "/dev/null",
    "/dev/zero",
    "C:\\x",
    "~",
    ".",
    "..",
    "/",
    "-",
    "--",
    "=",
    "\ufeffx",
    "💥",
    "\U0010ffff",
    "[red]x[/red]",
    "http://127.0.0.1:1/x",
    "file:///etc/passwd",
    "ﬁ",
    "İ",
    "ß",
)
"""Words; a command line can hold none with a NUL."""

PATHS = (
    "",
    ".",
    "/",
    "/nonexistent/deep/path",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/proc/self/mem",
    "/proc/self/fd/0",
    "/etc/hostname",
    "a" * 300,
    "b/" * 3000,
    "\udcff",
    "x\ny",
    "\x1b[2J",
    "~root",
    "-",
    "http://127.0.0.1:1/x",
    "…",
    "a:b",
    " ",
)
"""Paths that lead nowhere good."""

TOML = (
    '""',
    '"x"',
    "true",
    "[]",
    "[1]",
    "[[1]]",
    "{}",
    "{a=1}",
    "1979-05-27",
    "07:32:00",
    "[1, 'a']",
    "'''a\nb'''",
    "0b1",
    "1e400",
    "[" * 3000 + "]" * 3000,
    "{a=" * 2000 + "1" + "}" * 2000,
    '"\\u0000"',
    '"\\ud800"',
    "[nan, inf]",
    "[-1, -1]",
    "[1e300, 1e300]",
    '["genus", "genus"]',
    '["", ""]',
    "[0.5, 1.5, 2.5]",
    '{ "a.b" = 1 }',
)
"""Values in TOML that are no plain numbers."""


def json_value(chance: random.Random) -> Any:
    """A value that no field of a JSON file expects."""
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    return chance.choice(
        (
            None,
            True,
            False,
            0,
            -1,
            1.5,
            -1e300,
            1e300,
            10**30,
            2**63,
            float("nan"),
            float("inf"),
            -float("inf"),
            "",
            "x",
            "\x00",
            "\ud800",
            "a" * 10_000,
            "\x1b[31m",
            "../../x",
            "/dev/zero",
            [],
            [None],
            [[]],
            {},
            {"a": None},
            deep,
            [1, 2, 3],
            ["a", "b"],
            {"counts": "x", "size": [1, 1]},
            [1e300] * 8,
            [-5.0] * 6,
            list(range(7)),
        )
    )


def places(tree: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a tree of lists and mappings."""
    found = [prefix] if prefix else []
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        found += places(value, (*prefix, key))
    return found


def damage(tree: Any, chance: random.Random, times: int = 1) -> Any:
    """A tree, some of whose values are replaced, taken away or doubled; the tree itself is changed."""
    for _ in range(times):
        where = places(tree)
        if not where:
            return json_value(chance)
        *way, last = chance.choice(where)
        holder = tree
        for key in way:
            holder = holder[key]
        deed = chance.randrange(4)
        if deed == 0:
            del holder[last]
        elif deed == 1 and isinstance(holder, list):
            holder.append(holder[last])
        else:
            holder[last] = json_value(chance)
    return tree


def flipped(content: bytes, chance: random.Random, times: int) -> bytes:
    """Bytes, some of which are others."""
    changed = bytearray(content)
    for _ in range(times if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)
