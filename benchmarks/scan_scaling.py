"""Photos per second by the number of workers and of photos, as a table and a picture.

    python benchmarks/scan_scaling.py ../shared/data/train scaling.png

Each point is a scan into a new library, with networks that are loaded already and the database included. The
photos are drawn at random, and a larger library holds those of the smaller ones.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from libraries import chosen
from own import scan_anew
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table

from facecluster.faces import DetectOptions
from facecluster.machine import cores
from facecluster.pipeline.networks import reader
from facecluster.pipeline.scan import Read

mpl.use("Agg")
from matplotlib import pyplot as plt

WORKERS = (1, 2)
STEPS = (100, 300, 1000, 3000, 10_000)
WARM = 32
"""Photos that are scanned before anything is timed."""

Rates = dict[int, list[float]]
"""Photos per second for each size of library, by workers."""


def sizes(most: int, there: int) -> list[int]:
    last = min(most, there)
    return [*(step for step in STEPS if step < last), last]


def measure(files: Sequence[Path], counts: Sequence[int], read: Read) -> Rates:
    rates: Rates = {workers: [] for workers in WORKERS}
    scan_anew(read, files[:WARM], max(WORKERS))
    for file in files[: counts[-1]]:  # none of them comes from the disk
        file.read_bytes()
    for count in counts:
        for workers in WORKERS:
            seconds, result = scan_anew(read, files[:count], workers)
            rates[workers].append(result.photos / seconds)
            told = f"{result.photos} photos, {result.faces} faces, {seconds:.1f} s"
            print(f"{told}: {rates[workers][-1]:.1f} photos/s with {label(workers)}", flush=True)
    return rates


def label(workers: int) -> str:
    return f"{workers} worker{'s' * (workers > 1)}"


def table(counts: Sequence[int], rates: Rates) -> Table:
    made = Table("photos", *map(label, WORKERS), "ratio", box=box.SIMPLE)
    for i, count in enumerate(counts):
        one, two = (rates[workers][i] for workers in WORKERS)
        made.add_row(f"{count:,}", f"{one:.1f}", f"{two:.1f}", f"{two / one:.2f}")
    return made


def draw(counts: Sequence[int], rates: Rates, title: str, file: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for workers, marker in zip(WORKERS, "os", strict=True):
        axes.plot(counts, rates[workers], marker=marker, label=label(workers))
    axes.set(xscale="log", xlabel="photos in the library", ylabel="photos per second", title=title)
    axes.set_ylim(0, 1.1 * max(map(max, rates.values())))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(file, dpi=150)
    plt.close(figure)


def typical_size(files: Sequence[Path]) -> str:
    pixels = [Image.open(file).size for file in files[:: max(1, len(files) // 200)]]
    width, height = (median(side) for side in zip(*pixels, strict=True))
    return f"{width:.0f} × {height:.0f} pixels"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--most", type=int, default=20_000)
    parser.add_argument("--model", default="facenet")
    options = parser.parse_args()
    files = chosen(options.folder)
    if not files:
        raise SystemExit(f"There are no photos in {options.folder}.")
    random.Random(0).shuffle(files)
    counts = sizes(options.most, len(files))
    title = f"{cores()} cores, {options.model}, photos of {typical_size(files)} (median)"
    print(title)
    rates = measure(files, counts, reader(options.model, "cpu", DetectOptions()))
    Console().print(table(counts, rates))
    draw(counts, rates, title, options.out)


if __name__ == "__main__":
    main()
