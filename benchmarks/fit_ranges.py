"""Observe what FaceNet's convolutions are given on training faces, for its 8-bit version.

    python benchmarks/fit_ranges.py ../shared/data/train

writes ``facecluster/nets/facenet_ranges.json`` from every 60th face there.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino
from portraits import portrait_chips

import facecluster.nets
from facecluster.embeddings import centre
from facecluster.nets import catalogue
from facecluster.nets.graphs import graph_file
from facecluster.nets.quantise import observe, write_ranges
from facecluster.nets.specs import spec_of
from facecluster.records import Float32

RANGES = Path(facecluster.nets.__file__).with_name("facenet_ranges.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with labels.csv, whose column 'path' lists the faces")
    parser.add_argument("--every", type=int, default=60)
    options = parser.parse_args()
    with (options.data / "labels.csv").open(newline="") as file:
        files = [options.data / row["path"] for row in csv.DictReader(file)][:: options.every]
    graph = catalogue.embedder(spec_of("facenet"))
    chips = portrait_chips(files).chips
    model = openvino.Core().read_model(graph_file(graph))
    write_ranges(observe(model, batches(chips, graph.shape)), RANGES)
    print(f"{len(files)} faces; wrote {RANGES}")


def batches(chips: np.ndarray, shape: tuple[int, ...]) -> Iterator[Float32]:
    for i in range(0, len(chips) - shape[0] + 1, shape[0]):
        yield centre(chips[i : i + shape[0]], shape[1]).astype(np.float32)


if __name__ == "__main__":
    main()
