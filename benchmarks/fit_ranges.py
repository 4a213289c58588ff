"""Observe what the convolutions of FaceNet, P- and R-Net are given on training faces, for their 8-bit versions.

    python benchmarks/fit_ranges.py ../shared/data/train

writes ``facenet_ranges.json``, ``scout_ranges.json`` and ``sieve_ranges.json`` in ``facecluster/nets``, from every
60th face there. FaceNet's first layers get none: in bytes, they make half of its error and save no time (see
``in_bytes.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
from PIL import Image
from portraits import asked_for, chips_of

import facecluster.nets
from facecluster import faces
from facecluster.embeddings import crops
from facecluster.faces.cascade import Mtcnn
from facecluster.faces.odds import Hasty
from facecluster.faces.summed import table_of
from facecluster.faces.tiles import draw, lay_out, pyramid
from facecluster.nets import catalogue
from facecluster.nets.graphs import Graph, graph_file
from facecluster.nets.quantise import observe, write_ranges
from facecluster.nets.specs import spec_of
from facecluster.pipeline.portraits import Chips
from facecluster.records import Float32, UInt8

MIN_FACE = 20

GREY_LEVELS = 0.0, 255.0

PRECISE = "conv2d_1", "conv2d_2", "conv2d_3"
"""How the names of the layers begin that are not quantised, after ``net.trunk.``."""

SCOUTED = 0.5
"""Share of the extremes from which on P-Net's values are cut off: they are rare, and smaller steps matter more."""


def main() -> None:
    files = asked_for(__doc__, 60)
    fit(catalogue.scout(), tiles(files), "scout", SCOUTED)
    fit(catalogue.sieve(), candidates(files), "sieve")
    graph = catalogue.embedder(spec_of("facenet"))
    fit(graph, batches(chips_of(files), graph.shape), "facenet")
    print(f"{len(files)} faces")


def fit(graph: Graph, given: Iterable[Float32 | UInt8], name: str, share: float = 1) -> None:
    model = openvino.Core().read_model(graph_file(replace(graph, ranges=None)))
    ranges = {
        layer: ends if ends == GREY_LEVELS else (ends[0] * share, ends[1] * share)
        for layer, ends in observe(model, given).items()
        if not layer.removeprefix("net.trunk.").startswith(PRECISE)
    }
    write_ranges(ranges, Path(facecluster.nets.__file__).with_name(f"{name}_ranges.json"))


def tiles(files: Iterable[Path]) -> Iterator[UInt8]:
    tables = [table_of(np.asarray(Image.open(file).convert("RGB"))) for file in files]
    levels = [level for i, table in enumerate(tables) for level in pyramid(i, table, MIN_FACE)]
    for drawn in draw(lay_out(levels, catalogue.TILE), tables, catalogue.TILE):
        yield drawn[None]


def candidates(files: Iterable[Path]) -> Iterator[UInt8]:
    """What P-Net lets pass, in batches."""
    seen: list[UInt8] = []

    def note(pixels: Float32 | UInt8, /) -> list[Float32]:
        seen.append(pixels.astype(np.uint8))
        return [np.ones(len(pixels), np.float32)]

    detector = faces.Detector.load("cpu")
    assert isinstance(detector.nets, Mtcnn)
    faces.detect(
        [np.asarray(Image.open(file).convert("RGB")) for file in files],
        replace(detector, nets=replace(detector.nets, sieve=Hasty(note, 0.0))),
    )
    pixels, batch = np.concatenate(seen), catalogue.sieve().shape[0]
    for i in range(0, len(pixels) - batch + 1, batch):
        yield pixels[i : i + batch]


def batches(seen: Chips, shape: tuple[int, ...]) -> Iterator[Float32]:
    for i in range(0, len(seen.chips) - shape[0] + 1, shape[0]):
        part = slice(i, i + shape[0])
        yield crops(seen.chips[part], seen.landmarks[part], seen.sides[part], spec_of("facenet"))


if __name__ == "__main__":
    main()
