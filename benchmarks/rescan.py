"""How long it takes to scan what has not changed, against walking and stat-ing the same files.

    python benchmarks/rescan.py

Small JPEG files are made, a hundred contents under many paths, five hundred to a folder, and scanned once (copies
are hashed, not decoded again). Then ``facecluster scan`` runs again, as a whole process, in turn with ``os.walk``
and ``os.stat`` in this one. Its profile must say that no time went into reading. The median of the rounds
counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from own import command
from PIL import Image
from rich.progress import track

CONTENTS, IN_FOLDER = 100, 500
TOLD = ("unchanged", "seconds", "workers", "profile")

BAR = 5.0
"""Seconds for 50,000 files."""


def make(folder: Path, count: int) -> None:
    contents = [jpeg(np.random.default_rng(seed)) for seed in range(CONTENTS)]
    for i in track(range(count), description="making files"):
        place = folder / f"{i // IN_FOLDER:04d}"
        if i % IN_FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"{i:06d}.jpg").write_bytes(contents[i % CONTENTS])


def jpeg(rng: np.random.Generator) -> bytes:
    buffer = BytesIO()
    pixels = rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def scan(folder: Path, db: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of the process, and what it says that it did."""
    start = time.perf_counter()
    told = subprocess.run(
        command("scan", str(folder), "--db", str(db), "--json"), check=True, capture_output=True, text=True
    )
    return time.perf_counter() - start, json.loads(told.stdout)


def walk(folder: Path) -> tuple[float, int]:
    """Seconds, and how many files there are."""
    start, count = time.perf_counter(), 0
    for place, _, names in os.walk(folder):
        for name in names:
            os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118 - the quickest way there is
            count += 1
    return time.perf_counter() - start, count


def check(result: dict[str, Any], count: int) -> None:
    others = {name: n for name, n in result.items() if name not in TOLD and n}
    if result["unchanged"] != count or others or result["profile"]["read"]:
        raise SystemExit(f"Not all of the {count} files were unchanged: {result}")


def compare(folder: Path, db: Path, rounds: int) -> None:
    scans, walks = [], []
    for turn in range(rounds):
        seconds, result = scan(folder, db)
        walked, count = walk(folder)
        check(result, count)
        scans.append(seconds)
        walks.append(walked)
        print(f"round {turn + 1}: scan {seconds:.2f} s, walk and stat {walked:.2f} s", flush=True)
    print(f"{count} files, all unchanged, none read: scan {median(scans):.2f} s (bar: {BAR:g} s for 50,000),")
    print(f"walk and stat {median(walks):.2f} s; met: {'yes' if median(scans) <= BAR else 'NO'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, db = Path(place) / "photos", Path(place) / "library.db"
        make(folder, options.files)
        seconds, result = scan(folder, db)
        print(f"first scan: {seconds:.1f} s, {result['photos']} photos and {result['copies']} copies", flush=True)
        compare(folder, db, options.rounds)


if __name__ == "__main__":
    main()
