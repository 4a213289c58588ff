"""What is lost where P- and R-Net look in a hurry, in 8-bit integers, before they decide in float32.

    python benchmarks/hurry.py ../shared/data/train

takes every 200th face there, at its size and at twice that, and counts for some limits what R-Net's sieve lets
pass of all candidates, and loses of those that R-Net accepts; and what P-Net's scout marks of all places, and
loses of those that P-Net accepts, alone and with the patches of places that are looked at again together. The
limits in use are ``REFINE - DOUBT`` and ``SCENT`` of ``faces/cascade.py``. On a processor with bfloat16 there
is no sieve.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from facecluster import faces
from facecluster.faces import cascade
from facecluster.faces.candidates import probability
from facecluster.faces.cascade import PROPOSE, REFINE, SCENT
from facecluster.faces.summed import Table, look, table_of
from facecluster.faces.tiles import FIELD, STRIDE, cells, draw, lay_out, pyramid
from facecluster.nets import catalogue
from facecluster.nets.catalogue import PATCH, TILE
from facecluster.nets.runtime import Network, bytes_are_quicker, network
from facecluster.records import Float32, UInt8

SIFTED = (0.3, REFINE - cascade.DOUBT, 0.5, 0.6)
SCENTED = (SCENT - 0.1, SCENT, SCENT + 0.1, SCENT + 0.2)


class Recorder:
    """A network that keeps its last results."""

    def __init__(self, net: Network) -> None:
        self.net, self.kept = net, list[Float32]()

    def __call__(self, given: Float32 | UInt8, /) -> list[Float32]:
        results = self.net(given)
        self.kept.append(results[-1])
        return results


def sifted(images: list[UInt8]) -> tuple[Float32, Float32]:
    """What the sieve and R-Net say of the same candidates, (N,) each."""
    loaded = faces.Detector.load("cpu")
    assert isinstance(loaded.nets, cascade.Mtcnn)
    sieve, refine = network(catalogue.sieve(), "cpu"), Recorder(loaded.nets.refine)
    seen: list[Float32] = []

    def everything(pixels: Float32 | UInt8, /) -> list[Float32]:
        seen.append(probability(sieve(pixels)[0]))
        return [np.ones(len(pixels), np.float32)]

    nets = replace(loaded.nets, sieve=everything, refine=refine)
    faces.detect(images, replace(loaded, nets=nets))
    return np.concatenate(seen), probability(np.concatenate(refine.kept))


def scented(table: Table, nets: cascade.Mtcnn) -> list[tuple[Float32, Float32]]:
    """What the scout (log-odds) and P-Net (probability) say of all places, level by level."""
    levels = list(pyramid(0, table, 20))
    maps = {level: np.zeros(tuple(map(cells, level.shape)), np.float32) for level in levels}
    tiles = lay_out(levels, TILE)
    for tile, seen in zip(tiles, *nets.scout(draw(tiles, [table], TILE)), strict=True):
        for block, top, left in tile.blocks:
            (row, column), (height, width) = block.first, block.cells
            part = seen[top // STRIDE :, left // STRIDE :][:height, :width]
            maps[block.level][row : row + height, column : column + width] = part
    return [(maps[level], exact(table, level.shape, nets)) for level in levels]


def exact(table: Table, shape: tuple[int, int], nets: cascade.Mtcnn) -> Float32:
    height, width = map(cells, shape)
    rows, columns = -(-height // PATCH), -(-width // PATCH)
    corners = PATCH * STRIDE * np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), 2).reshape(-1, 2)
    side = FIELD + STRIDE * (PATCH - 1)
    _, log_odds = nets.propose(look(table, np.tile(np.array(shape), (len(corners), 1)), corners, side))
    whole = probability(log_odds).reshape(rows, columns, PATCH, PATCH).transpose(0, 2, 1, 3)
    return whole.reshape(rows * PATCH, columns * PATCH)[:height, :width]


def patches(marked: np.ndarray) -> np.ndarray:
    """All places of the patches that have a marked one."""
    height, width = marked.shape
    padded = np.pad(marked, ((0, -height % PATCH), (0, -width % PATCH)))
    whole = padded.reshape(padded.shape[0] // PATCH, PATCH, -1, PATCH).any((1, 3))
    return np.repeat(np.repeat(whole, PATCH, 0), PATCH, 1)[:height, :width]


def report_sieve(seen: Float32, true: Float32) -> None:
    print(f"R-Net: {len(true)} candidates, {(true > REFINE).sum()} accepted")
    for limit in SIFTED:
        print(f"  from {limit:.2f}: {(seen >= limit).mean():.1%} pass, {(seen[true > REFINE] < limit).sum()} lost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with labels.csv, whose column 'path' lists the faces")
    parser.add_argument("--every", type=int, default=200)
    given = parser.parse_args()
    with (given.data / "labels.csv").open(newline="") as file:
        files = [given.data / row["path"] for row in csv.DictReader(file)][:: given.every]
    pictures = [Image.open(file).convert("RGB") for file in files]
    pictures += [each.resize((2 * each.width, 2 * each.height)) for each in pictures]
    images = [np.asarray(each) for each in pictures]
    print(f"{len(images)} pictures")
    if bytes_are_quicker("cpu"):
        report_sieve(*sifted(images))
    nets = faces.Detector.load("cpu").nets
    assert isinstance(nets, cascade.Mtcnn)
    pairs = [pair for image in track(images) for pair in scented(table_of(image), nets)]
    accepted = sum((p >= PROPOSE).sum() for _, p in pairs)
    print(f"P-Net: {sum(p.size for _, p in pairs)} places, {accepted} accepted")
    for limit in SCENTED:
        marked = [(s >= limit, p >= PROPOSE) for s, p in pairs]
        alone, together = (
            sum((good & ~chosen).sum() for chosen, good in each)
            for each in (marked, [(patches(m), good) for m, good in marked])
        )
        share = sum(m.sum() for m, _ in marked) / accepted
        lost = f"{alone / accepted:.2%} lost, {together / accepted:.2%} in patches"
        print(f"  from {limit:.2f}: {share:.2f} times as many, {lost}")


if __name__ == "__main__":
    main()
