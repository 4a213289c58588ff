"""Our side of the benchmarks: scans into new libraries, with networks that are loaded already."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facecluster import faces
from facecluster.machine import cores
from facecluster.pipeline.library import MAX_WORKERS
from facecluster.pipeline.networks import reader_of
from facecluster.pipeline.scan import Read, Scan, ScanResult
from facecluster.records import Float32, UInt8
from facecluster.store import Store


def scan_into(store: Store, read: Read, roots: Sequence[Path], workers: int) -> tuple[float, ScanResult]:
    """Seconds and result of a scan into an empty library."""
    store.faces.add_model("mark", "mark", 128)
    start = time.perf_counter()
    result = Scan(store, lambda: read, "mark", "", workers).run(roots)
    return time.perf_counter() - start, result


def scan_anew(read: Read, roots: Sequence[Path], workers: int | None = None) -> tuple[float, ScanResult]:
    """``scan_into`` a library that is thrown away; ``workers`` are as many as there are cores."""
    with tempfile.TemporaryDirectory() as place, Store(Path(place) / "library.db") as store:
        return scan_into(store, read, roots, workers or min(MAX_WORKERS, cores()))


def without_embedder(options: faces.DetectOptions) -> Read:
    """What ``pipeline.networks.reader`` returns, with an embedder that says the same of every face."""
    detector = faces.Detector.load("cpu", options)

    def same(chips: UInt8, landmarks: Float32, boxes: Float32) -> Float32:
        return np.eye(1, 128, dtype=np.float32).repeat(len(chips), 0)

    return reader_of(lambda images: faces.detect(images, detector), same, options.max_side)


def command(*arguments: str) -> list[str]:
    """A command line that runs facecluster."""
    return [sys.executable, "-m", "facecluster", *arguments]


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run by a process of its own: a child's peak memory begins with that of the process that it comes from."""


def peak_memory(folder: Path) -> float:
    """The most memory that ``facecluster scan`` of a folder has at a time, in GiB."""
    with tempfile.TemporaryDirectory() as place:
        scan = command("scan", str(folder), "--device", "cpu", "--db", f"{place}/library.db")
        told = subprocess.run([sys.executable, "-c", MEASURE, *scan], check=True, capture_output=True, text=True)
    return int(told.stdout) * (1 if sys.platform == "darwin" else 1024) / 2**30
