"""How much of what a model is shown of training photos is no photo, since its crop leaves them.

    python benchmarks/surroundings.py ../shared/data/train --every 20

``labels.csv`` in that folder has the columns ``path`` and ``set``. Beyond a photo its edge is repeated, so photos
that were cut at the face teach a network that faces are surrounded by stripes; those of a library are not. The
table tells how large a share of each crop that a FaceNet is given here lies outside of the photos, on average.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import get_args

import numpy as np
from portraits import chips_of

from facecluster.nets.card import Crop
from facecluster.nets.framing import Frames, frames
from facecluster.pipeline.portraits import Chips
from facecluster.records import CHIP_SIZE

SIZE, GRID = 160, 16
CROPS = tuple(crop for crop in get_args(Crop) if crop != "five-point 112")


def outside(seen: Chips, crop: Crop) -> float:
    """The mean share of the ``crop`` that lies outside of the photos."""
    where = frames(crop, SIZE, seen.landmarks, seen.sides)
    rows = np.flatnonzero(seen.found)
    return float(np.mean([_outside(seen, int(row), where[row]) for row in rows]))


def _outside(seen: Chips, row: int, frame: Frames) -> float:
    """The same of one face, counted on a grid of points."""
    x0, y0, x1, y1 = seen.extents[row]
    ticks = (np.arange(GRID) + 0.5) * SIZE / GRID
    x, y = np.meshgrid(ticks, ticks)
    in_chip = np.stack([x, y, np.ones_like(x)], -1) @ frame.T
    shown = in_chip.clip(0, CHIP_SIZE)
    beyond = (shown < [x0, y0]) | (shown > [x1, y1])
    return float(beyond.any(-1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=20)
    options = parser.parse_args()
    with (options.data / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    print("| set | photos | " + " | ".join(f"outside of {crop}" for crop in CROPS) + " |")
    print("|---|--:|" + "--:|" * len(CROPS))
    for name in sorted({row["set"] for row in rows}):
        files = [options.data / row["path"] for row in rows if row["set"] == name]
        seen = chips_of(files[:: options.every])
        shares = " | ".join(f"{100 * outside(seen, crop):.0f} %" for crop in CROPS)
        print(f"| {name} | {len(files):,} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
