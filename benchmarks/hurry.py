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
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from portraits import listed
from rich.progress import track

from facecluster import faces
from facecluster.faces import hurried
from facecluster.faces.candidates import cut, inside
from facecluster.faces.cascade import PROPOSE, REFINE, Mtcnn, proposals
from facecluster.faces.odds import Hasty, log_odds
from facecluster.faces.summed import look, table_of, tables_of
from facecluster.faces.tiles import FIELD, STRIDE, cells, draw, lay_out, pyramid
from facecluster.nets import runtime
from facecluster.nets.catalogue import PATCH, TILE
from facecluster.nets.runtime import Network
from facecluster.records import Float32, UInt8

Pair = tuple[Float32, Float32]
"""Log-odds of the same candidates: hurried ones and exact ones."""

MIN_FACE, MIN_SCORE = faces.DetectOptions().min_face, faces.DetectOptions().min_score

NEAR = 1.0
"""Log-odds below a limit from which on errors count: what lies further down is refused by all."""


def sifted(images: list[UInt8], nets: Mtcnn, sieve: Hasty) -> Pair:
    """What the sieve and R-Net say of the same candidates, of which the sieve sees grey levels rounded."""
    tables = tables_of(images, np.empty(0, np.int32))
    candidates = inside(tables, *proposals(tables, nets, MIN_FACE))
    (seen,) = sieve.net(cut(tables, *candidates, 24, whole=True))
    return seen, nets.refine(cut(tables, *candidates, 24))[1]


def guessed(images: list[UInt8], nets: Mtcnn, guess: Hasty) -> Pair:
    """What O-Net says of its candidates in a hurry and exactly; how far it is off with their sides is printed."""
    candidates = nets.candidates(images, MIN_FACE, np.empty(0, np.int32))
    (offsets, _, seen), (true_offsets, _, true) = guess.net(candidates.pixels), nets.output(candidates.pixels)
    moves = np.abs(offsets - true_offsets)[true > 0]
    print(f"O-Net: sides are moved by up to {moves.max(initial=0):.2%} of the box more or less")
    return seen, true


def scented(image: UInt8, nets: Mtcnn, scout: Network) -> list[Pair]:
    """What the scout and P-Net say of all places, level by level, each (rows, columns)."""
    table = table_of(image)
    levels = list(pyramid(0, table, MIN_FACE))
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
    shares = ", ".join(f"{np.quantile(wrong, share) if wrong.size else 0:.2f}" for share in (0.5, 0.99, 1))
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
    files = listed(given.data, given.every)
    pictures = [Image.open(file).convert("RGB") for file in files]
    pictures += [each.resize((2 * each.width, 2 * each.height)) for each in pictures]
    images = [np.asarray(each) for each in pictures]
    if given.bytes:
        for module in (hurried, runtime):
            vars(module)["has_bfloat16"] = lambda: False
    nets = faces.Detector.load("cpu").nets
    assert isinstance(nets, Mtcnn)
    print(f"{len(images)} pictures")
    maps = [pair for image in track(images) for pair in scented(image, nets, nets.scout.net)]
    report("P-Net", maps, PROPOSE, nets.scout, patches)
    if nets.sieve:
        report("R-Net", [sifted(images, nets, nets.sieve)], REFINE, nets.sieve, lambda mark: mark)
    if nets.guess:
        report("O-Net", [guessed(images, nets, nets.guess)], MIN_SCORE, nets.guess, lambda mark: mark)


if __name__ == "__main__":
    main()
