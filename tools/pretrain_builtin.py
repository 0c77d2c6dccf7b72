"""Pre-train the backbone in the box on pictures drawn from formulas; needs what `mentum[train]` installs.

    python tools/pretrain_builtin.py --out FOLDER                       # the plan of the shipped weights; wants a GPU
    python tools/pretrain_builtin.py --out FOLDER --rounds 1 --things 384 --batch 96 --passes 4  # a trial
    python tools/pretrain_builtin.py --out FOLDER --look                # only draw a sheet of pictures, FOLDER/look.png

FOLDER gets a checkpoint after every round; the same command goes on from it. FOLDER/backbone is in Hugging Face format:
judge it with benchmarks/backbones.py, and copy it to src/mentum/weights/builtin to ship it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import fields
from pathlib import Path

import torch
from PIL import Image

from pretraining.architecture import ARCHITECTURES
from pretraining.formulas import Draws, draw_siblings
from pretraining.learning import Plan, pretrain
from pretraining.objectives import OBJECTIVES
from pretraining.scenes import draw_scenes

CHOICES = {"architecture": list(ARCHITECTURES), "objective": list(OBJECTIVES)}


def main() -> None:
    """Run the plan that the options describe."""
    parser = make_parser()
    options = vars(parser.parse_args())
    folder, device = options.pop("out"), torch.device(options.pop("device"))
    until, look = options.pop("until"), options.pop("look")
    torch.set_num_threads(options.pop("threads"))
    start = time.perf_counter()
    try:
        plan = Plan(**options)
        if look:
            write_sheet(folder / "look.png", plan, device)
            return
        report = lambda line: print(f"{time.perf_counter() - start:.0f} s, {line}", flush=True)  # noqa: E731
        pretrain(plan, folder, device, plan.rounds if until is None else until, report)
    except (ValueError, ArithmeticError) as reason:
        parser.error(str(reason))


def make_parser() -> argparse.ArgumentParser:
    """The options, each with its default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--until", type=int, help="stop after this round; the schedule stays that of all rounds")
    parser.add_argument("--look", action="store_true", help="draw a sheet of pictures instead")
    for field in fields(Plan):
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=type(field.default), default=field.default, choices=CHOICES.get(field.name))
    return parser


def write_sheet(file: Path, plan: Plan, device: torch.device) -> None:
    """Draw groups of siblings: a group a row, three pictures of each sibling."""
    groups, siblings, drawings, size = 8, 3, 3, plan.picture
    draws = Draws.seeded(plan.seed, 0, device)
    things = draw_siblings(groups, siblings, draws)
    which = torch.arange(len(things), device=device).repeat_interleave(drawings)
    pictures = draw_scenes(things.take(which), size, draws).view(groups, siblings * drawings, 3, size, size)
    sheet = pictures.permute(0, 3, 1, 4, 2).reshape(groups * size, siblings * drawings * size, 3)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet.cpu().numpy()).save(file)


if __name__ == "__main__":
    main()
