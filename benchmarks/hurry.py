"""How wrong MTCNN's nets are where they look in a hurry, before they decide in float32.

    python benchmarks/hurry.py ../shared/data/train

takes every 200th face there, at its size and at twice that, and compares the log-odds of a face that each net in
a hurry gives with those of the exact one: how far they are from each other near the limit and above it, what
passes at ``Hasty.below``, and what of that which the exact net accepts is lost. P-Net looks again at all four
places of a patch, so what one of them loses another one may save. A processor with bfloat16 hurries in that,
another one in 8-bit integers; ``--bytes`` has those on any.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from facecluster import faces
from facecluster.faces import hurried
from facecluster.faces.candidates import judge
from facecluster.faces.cascade import PROPOSE, REFINE, Mtcnn
from facecluster.faces.odds import Hasty, log_odds
from facecluster.faces.summed import look, table_of
from facecluster.faces.tiles import FIELD, STRIDE, cells, draw, lay_out, pyramid
from facecluster.nets.catalogue import PATCH, TILE
from facecluster.nets.runtime import Network
from facecluster.records import Float32, UInt8

Pair = tuple[Float32, Float32]
"""Log-odds of the same candidates: hurried ones and exact ones."""

MIN_SCORE = faces.DetectOptions().min_score

NEAR = 1.0
"""Log-odds below a limit from which on errors count: what lies further down is refused by all."""


class Pairs:
    """A hurried net that lets all candidates pass, and what it and the exact one have said of them."""

    def __init__(self, hasty: Hasty, exact: Network) -> None:
        self.hasty, self.exact, self.seen = hasty, exact, list[Pair]()

    def __call__(self, pixels: Float32 | UInt8, /) -> list[Float32]:
        results, true = self.hasty.net(pixels), self.exact(pixels.astype(np.float32))
        self.seen.append((results[-1], true[-1]))
        return true

    def all(self) -> Pair:
        hasty, true = zip(*self.seen, strict=True)
        return np.concatenate(hasty), np.concatenate(true)


def sifted(images: list[UInt8], nets: Mtcnn, hasty: Hasty, of: str) -> Pair:
    """What the sieve and R-Net, or the guess and O-Net, say of the same candidates."""
    pairs = Pairs(hasty, nets.refine if of == "R-Net" else nets.output)
    if of == "R-Net":
        sieve = Hasty(lambda pixels: pairs(pixels)[-1:], 0.0)
        replace(nets, sieve=sieve).candidates(images, 20, np.empty(0, np.int32))
    else:
        judge(nets.candidates(images, 20, np.empty(0, np.int32)), pairs, MIN_SCORE)
    return pairs.all()


def scented(image: UInt8, nets: Mtcnn, scout: Network) -> list[Pair]:
    """What the scout and P-Net say of all places, level by level, each (rows, columns)."""
    table = table_of(image)
    levels = list(pyramid(0, table, 20))
    maps = {level: np.zeros(tuple(map(cells, level.shape)), np.float32) for level in levels}
    tiles = lay_out(levels, TILE)
    for tile, seen in zip(tiles, *scout(draw(tiles, [table], TILE)), strict=True):
        for block, top, left in tile.blocks:
            (row, column), (height, width) = block.first, block.cells
            part = seen[top // STRIDE :, left // STRIDE :][:height, :width]
            maps[block.level][row : row + height, column : column + width] = part
    return [(maps[level], exact(image, level.shape, nets)) for level in levels]


def exact(image: UInt8, shape: tuple[int, int], nets: Mtcnn) -> Float32:
    height, width = map(cells, shape)
    rows, columns = -(-height // PATCH), -(-width // PATCH)
    corners = PATCH * STRIDE * np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), 2).reshape(-1, 2)
    side = FIELD + STRIDE * (PATCH - 1)
    shapes = np.tile(np.array(shape), (len(corners), 1))
    _, seen = nets.propose(look(table_of(image), shapes, corners, side))
    whole = seen.reshape(rows, columns, PATCH, PATCH).transpose(0, 2, 1, 3)
    return whole.reshape(rows * PATCH, columns * PATCH)[:height, :width]


def patches(marked: np.ndarray) -> np.ndarray:
    """All places of the patches that have a marked one."""
    height, width = marked.shape
    padded = np.pad(marked, ((0, -height % PATCH), (0, -width % PATCH)))
    whole = padded.reshape(padded.shape[0] // PATCH, PATCH, -1, PATCH).any((1, 3))
    return np.repeat(np.repeat(whole, PATCH, 0), PATCH, 1)[:height, :width]


def report(
    name: str, pairs: list[Pair], limit: float, hasty: Hasty, grown: Callable[[np.ndarray], np.ndarray]
) -> None:
    seen, true = (np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1))
    least = log_odds(limit)
    near, accepted = true > least - NEAR, true > least
    wrong = np.abs(seen - true)[near]
    shares = ", ".join(f"{np.quantile(wrong, share):.2f}" for share in (0.5, 0.99, 1))
    print(f"{name}: {true.size:,} candidates, {accepted.sum():,} accepted; {near.sum():,} near the limit or above")
    print(f"  log-odds are wrong by {shares} (median, 99 %, all); {hasty.among} is trusted among rivals")
    marked = [(hasty.likely(each, limit), one > least) for each, one in pairs]
    alone, together = (
        sum((good & ~mark).sum() for mark, good in each)
        for each in (marked, [(grown(mark), good) for mark, good in marked])
    )
    passed = sum(mark.sum() for mark, _ in marked)
    print(f"  from {hasty.below} below the limit: {passed:,} pass; {alone} lost, {together} of them for good")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with labels.csv, whose column 'path' lists the faces")
    parser.add_argument("--every", type=int, default=200)
    parser.add_argument("--bytes", action="store_true", help="8-bit integers where there is bfloat16, too")
    given = parser.parse_args()
    with (given.data / "labels.csv").open(newline="") as file:
        files = [given.data / row["path"] for row in csv.DictReader(file)][:: given.every]
    pictures = [Image.open(file).convert("RGB") for file in files]
    pictures += [each.resize((2 * each.width, 2 * each.height)) for each in pictures]
    images = [np.asarray(each) for each in pictures]
    if given.bytes:
        vars(hurried)["has_bfloat16"] = lambda: False
    nets = faces.Detector.load("cpu").nets
    assert isinstance(nets, Mtcnn)
    print(f"{len(images)} pictures")
    maps = [pair for image in track(images) for pair in scented(image, nets, nets.scout.net)]
    report("P-Net", maps, PROPOSE, nets.scout, patches)
    for name, hasty, limit in (("R-Net", nets.sieve, REFINE), ("O-Net", nets.guess, MIN_SCORE)):
        if hasty:
            report(name, [sifted(images, nets, hasty, name)], limit, hasty, lambda mark: mark)


if __name__ == "__main__":
    main()
