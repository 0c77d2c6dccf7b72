"""What a person sees of a command that met a hostile input, and whether that is enough."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

VERBS = (
    "give",
    "write",
    "rename",
    "remove",
    "correct",
    "make",
    "check",
    "use",
    "install",
    "choose",
    "save",
    "convert",
    "leave",
    "set",
    "put",
    "add",
    "export",
    "train",
    "run",
    "delete",
    "name",
    "take",
    "update",
    "draw",
    "move",
    "shorten",
    "unpack",
    "copy",
    "restore",
    "open",
    "replace",
    "download",
    "start",
    "wait",
    "close",
    "free",
    "lower",
    "name",
    "split",
    "mark",
    "tell",
    "look",
    "go",
    "report",
    "unlock",
    "merge",
    "fill",
    "collect",
    "ask",
    "end",
    "keep",
    "state",
    "turn",
    "identify",
    "annotate",
    "see",
    "divide",
)
"""What a message may ask for."""
_ACT = re.compile(
    rf"(?:;|\.|\)|,? or|,? and|,? then|,? so|,? else)\s+(?:please |first |either |rather )?(?:{'|'.join(VERBS)})\b",
    re.IGNORECASE,
)
"""An imperative where a clause begins: after a semicolon, a full stop, a bracket, or a word that joins clauses."""
_BARE = re.compile(
    r"Traceback \(most recent call last\)|\[Errno -?\d+\]|\b[A-Z]\w+(?:Error|Exception|Warning)\b|\bos error \d+"
    r"|panicked at|Segmentation fault|core dumped"
)
"""What only a programmer understands."""


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
        code: of the process; below zero where a signal ended it.
        seconds: on a clock; `busy` of them the processor worked.
        mebibytes: the most memory it held.
        overtime: whether it had to be ended.
    """

    code: int
    out: str
    err: str
    seconds: float
    busy: float
    mebibytes: int
    overtime: bool = False


@dataclass
class Verdict:
    """What is wrong with an ending.

    Attributes:
        faults: "traceback", "hang", "memory", "exit code" or "silent".
        messages: what was said of errors, each once.
        without_act: those that do not say what to do.
    """

    faults: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    without_act: list[str] = field(default_factory=list)


def says_what_to_do(message: str) -> bool:
    """Whether a message holds an imperative, or names the word that was probably meant.

    >>> says_what_to_do("a.csv: found no rows; give a table with rows.")
    True
    >>> says_what_to_do("a.csv: not readable."), says_what_to_do("pixels.size: found 8, input should be at least 32")
    (False, False)
    """
    return bool(_ACT.search(message)) or "did you mean" in message.lower()


def messages(command: str, ending: Ending) -> list[str]:
    """Everything that was said of errors, in the order in which it was said."""
    lines = [line for line in ending.err.splitlines() if line.strip()]
    if any(line.startswith("╭─ Error") for line in lines):  # the parser's own box
        boxed = " ".join(line.strip("│╭╰─╮╯ ") for line in lines if line.startswith("│"))
        said = [" ".join(boxed.split())]
    else:
        said = ["\n".join(lines)] if ending.code == 2 and lines else []
    if command == "check" and ending.out.startswith("{"):
        said += [fault["message"] for fault in json.loads(ending.out)["faults"] if fault["severity"] == "error"]
    return list(dict.fromkeys(said))


def judge(command: str, ending: Ending, seconds: float, mebibytes: int) -> Verdict:
    """What is wrong with an ending, against the limits of processor time and memory."""
    verdict = Verdict()
    if ending.overtime or ending.busy > seconds:
        verdict.faults.append("hang")
    if ending.mebibytes > mebibytes or "MemoryError" in ending.err or "bad_alloc" in ending.err:
        verdict.faults.append("memory")
    if _BARE.search(ending.err) or _BARE.search(ending.out):
        verdict.faults.append("traceback")
    if ending.code not in {0, 1, 2} and not verdict.faults:
        verdict.faults.append("exit code")
    verdict.messages = messages(command, ending)
    if ending.code == 2 and not (verdict.messages or verdict.faults or ending.out):
        verdict.faults.append("silent")
    verdict.without_act = [message for message in verdict.messages if not says_what_to_do(message)]
    return verdict
