"""How far FaceNet's embeddings are from float32 with some of its layers in 8-bit integers, and what that saves.

    python benchmarks/in_bytes.py ../shared/data/train

takes every 60th face there. The ranges of all layers are observed on the first half of them; on the other half,
the network is measured with all layers in bytes, with all but one group of them, with those that are shipped (see
``fit_ranges.py``), and with none: 1 minus the cosine to float32, and milliseconds a face on one core, eight at a
time, the best of three rounds.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
from fit_ranges import PRECISE
from portraits import asked_for, chips_of

from facecluster.embeddings import crops
from facecluster.nets import catalogue
from facecluster.nets.graphs import Graph, graph_file
from facecluster.nets.quantise import Ranges, observe, write_ranges
from facecluster.nets.runtime import network
from facecluster.nets.specs import spec_of
from facecluster.records import Float32

TRUNK, BATCH, ROUNDS = "net.trunk.", 8, 3
GROUPS = {
    "first layers, to conv2d_3b": PRECISE,
    "conv2d_4a and 4b": ("conv2d_4",),
    "Inception-ResNet-A": ("repeat_1",),
    "Reduction-A": ("mixed_6a",),
    "Inception-ResNet-B": ("repeat_2",),
    "Reduction-B": ("mixed_7a",),
    "Inception-ResNet-C": ("repeat_3", "block8"),
}


def without(ranges: Ranges, names: tuple[str, ...]) -> Ranges:
    return {layer: ends for layer, ends in ranges.items() if not layer.removeprefix(TRUNK).startswith(names)}


def choices(ranges: Ranges) -> Iterator[tuple[str, Ranges]]:
    yield "all in bytes", ranges
    for name, layers in GROUPS.items():
        yield f"all but {name}", without(ranges, layers)
    yield "none", {}


def measure(graph: Graph, shown: Float32, right: Float32) -> str:
    net, seconds = network(graph, "cpu"), []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        (found,) = net(shown)
        seconds.append(time.perf_counter() - start)
    off = 1 - (found * right).sum(1) / np.linalg.norm(found, axis=1)
    share = f"mean {off.mean():.1e}, 99 % {np.quantile(off, 0.99):.1e}, most {off.max():.1e}"
    return f"{share}; {1000 * min(seconds) / len(shown):.2f} ms"


def main() -> None:
    files = asked_for(__doc__, 60)
    seen, spec = chips_of(files), spec_of("facenet")
    shown = crops(seen.chips, seen.landmarks, seen.sides, spec).astype(np.float32)
    graph = replace(catalogue.embedder(spec), shape=(BATCH, spec.size, spec.size, 3), slow=False, wide=(BATCH,))
    plain = replace(graph, ranges=None)
    half = len(shown) // 2 // BATCH * BATCH
    model = openvino.Core().read_model(graph_file(plain))
    ranges = observe(model, np.split(shown[:half], half // BATCH))
    shown = shown[half : len(shown) // BATCH * BATCH]
    (right,) = network(plain, "cpu", exact=True)(shown)
    print(f"{len(shown)} faces")
    with tempfile.TemporaryDirectory() as place:
        os.environ["FACECLUSTER_CACHE"] = place
        for number, (name, some) in enumerate(choices(ranges)):
            file = Path(place) / f"{number}.json"
            write_ranges(some, file)
            print(f"{name}: {measure(replace(graph, ranges=file if some else None), shown, right)}", flush=True)


if __name__ == "__main__":
    main()
