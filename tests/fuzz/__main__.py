"""Try the corpus: `make fuzz`; some of it with `--count 300`, one case with `--only images/bomb/0`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from fuzz.cases import Case, Ground
from fuzz.corpus import FAILED_ONCE, FAMILIES, corpus
from fuzz.running import load_everything, run_case
from support.command_line import sets, start
from support.drawn_data import write_drawn

SHOWN = 300


def main() -> None:
    """Run the cases one after the other and print what is wrong, then the counts."""
    given = _arguments()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        ground = Ground(*given.ground) if given.ground else _ground(folder / "ground")
        load_everything()
        cases = [Case.named(name) for name in given.only] or _cases(given.count, given.family)
        counts = _try_all(cases, ground, folder / "case", given)
    print(json.dumps(counts))
    sys.exit(
        any(counts[kind] for kind in ("traceback", "hang", "memory", "exit code", "silent", "not made"))
        or counts["without act"] * 100 >= counts["messages"]
    )


def _cases(number: int, families: list[str] | None) -> list[Case]:
    chosen = [*map(Case.named, FAILED_ONCE), *corpus(number)]
    return list(dict.fromkeys(case for case in chosen if case.family in (families or FAMILIES)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="inputs")
    parser.add_argument("--seed", type=int, default=0, help="other inputs of the same kinds")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="FAMILY/TRICK/NUMBER",
        help="this input; shows all that was printed",
    )
    parser.add_argument("--family", action="append", choices=FAMILIES, help="these only")
    parser.add_argument(
        "--ground",
        nargs=3,
        type=Path,
        metavar=("DATA", "RUN", "MODEL"),
        help="what is in order, where it is already made",
    )
    parser.add_argument("--log", type=Path, help="a line in JSON for each input")
    return parser.parse_args()


def _ground(folder: Path) -> Ground:
    data = write_drawn(folder / "data", per_taxon=(5, 5, 5, 5), views=1)
    cache = ("--cache", folder / "cache")
    commands = (
        ["train", data, "--out", folder / "run", "--recipe", "quick", *cache, "--seed", "3", *sets()],
        ["evaluate", folder / "run"],
        ["export", folder / "run", "--out", folder / "model", *cache],
    )
    for command in commands:
        done = start(*command)
        if done.code:
            raise RuntimeError(f"{command}: {done.err}")
    return Ground(data, folder / "run", folder / "model")


def _try_all(cases: list[Case], ground: Ground, folder: Path, given: argparse.Namespace) -> dict[str, int]:
    counts: Counter[str] = Counter(
        dict.fromkeys(
            ("inputs", "traceback", "hang", "memory", "exit code", "silent", "not made", "messages", "without act"), 0
        )
    )
    began = time.monotonic()
    with (given.log or Path(os.devnull)).open("w", encoding="utf-8") as log:
        for case in cases:
            command, ending, verdict = run_case(case, ground, folder, given.seed, show=bool(given.only))
            counts.update(["inputs", *verdict.faults])
            counts.update({"messages": len(verdict.messages), "without act": len(verdict.without_act)})
            told = {
                "case": str(case),
                "faults": verdict.faults,
                "without": verdict.without_act,
                "command": command,
                "code": ending.code,
                "busy": round(ending.busy, 2),
                "mebibytes": ending.mebibytes,
                "err": ending.err[-3000:],
                "messages": verdict.messages,
            }
            log.write(json.dumps(told) + "\n")
            log.flush()
            if verdict.faults or verdict.without_act:
                last = (ending.err.strip().splitlines() or [""])[-1]
                print(
                    f"{case}: {', '.join(verdict.faults) or 'no act'}: {(verdict.without_act or [last])[0][:SHOWN]!a}",
                    flush=True,
                )
    print(f"{len(cases)} inputs in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return dict(counts)


if __name__ == "__main__":
    main()
