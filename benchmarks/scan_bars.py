"""Everything that was promised of the speed of a scan, measured by one command.

    python benchmarks/scan_bars.py ../shared/data/photos

Two libraries are made of the photos in the folder (see ``libraries.py``): one of small photos with a face or so
each, one of 12-megapixel photos with four. In each round all sides scan both of them in turn: the two scripts of
``rivals.py``, OpenCV's once more where it reduces large photos before it searches them, ours with two models,
decoding alone, and ours with an embedder that does nothing; then ours again with ``--detector yunet``.
Ours is ``facecluster scan`` with its defaults, database included. The photos are kind to all: their faces are
large enough to be found at any of the scales, and 12-megapixel photos are enlarged from web photos, so there is
less to decode in them than in a phone's. Loading networks is left out on all sides. The
medians of the rounds count; a ratio is the median of those within a round. Memory is that of a whole process.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import torch
from libraries import chosen, find_faces, make_large, make_small
from own import peak_memory, scan_anew, without_embedder
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table
from rivals import OpenCv, Plain, decode_alone

from facecluster import photos
from facecluster.faces import DetectOptions
from facecluster.machine import cores
from facecluster.nets.runtime import has_bfloat16
from facecluster.pipeline.networks import reader
from facecluster.pipeline.scan import Read

MEMORY = 2.0
WARM = 16
"""Small photos that each side is shown before it is timed."""

Side = Callable[[Sequence[Path]], int | None]
"""Does its work on some photos; the number of faces that it found."""


@dataclass(frozen=True)
class Bar:
    side: str
    own: str
    least: float | None
    """How many times as fast as ``side`` ``own`` should be; None where nothing was promised."""


BARS = {
    "small": (
        Bar("plain", "facenet", 10),
        Bar("opencv", "facenet", 1.5),
        Bar("opencv", "sface", 3),
        Bar("decode", "no embedder", None),
        Bar("plain", "yunet, facenet", 10),
        Bar("opencv", "yunet, facenet", 1.5),
        Bar("opencv", "yunet, sface", 3),
        Bar("decode", "yunet, no embedder", None),
    ),
    "large": (
        Bar("plain", "facenet", 40),
        Bar("opencv", "facenet", 3),
        Bar("opencv", "sface", 5),
        Bar("opencv reduced", "facenet", None),
        Bar("opencv reduced", "sface", None),
        Bar("decode", "no embedder", 0.5),
        Bar("plain", "yunet, facenet", 40),
        Bar("opencv", "yunet, facenet", 3),
        Bar("opencv", "yunet, sface", 5),
        Bar("opencv reduced", "yunet, facenet", None),
        Bar("opencv reduced", "yunet, sface", None),
        Bar("decode", "yunet, no embedder", 0.5),
    ),
}


def sides(opencv: OpenCv) -> dict[str, Side]:
    plain, options, quick = Plain(), DetectOptions(), DetectOptions(detector="yunet")
    reducing = OpenCv(options.max_side)
    return {
        "plain": lambda files: sum(map(len, plain(files).values())),
        "opencv": lambda files: sum(map(len, opencv(files).values())),
        "opencv reduced": lambda files: sum(map(len, reducing(files).values())),
        "facenet": ours(reader("facenet", "cpu", options)),
        "sface": ours(reader("sface", "cpu", options)),
        "decode": decode_alone,
        "no embedder": ours(without_embedder(options)),
        "yunet, facenet": ours(reader("facenet", "cpu", quick)),
        "yunet, sface": ours(reader("sface", "cpu", quick)),
        "yunet, no embedder": ours(without_embedder(quick)),
    }


def ours(read: Read) -> Side:
    def scan(files: Sequence[Path]) -> int:
        _, result = scan_anew(read, files)
        if result.photos != len(files):
            raise SystemExit(f"Of {len(files)} different photos, {result.photos} were searched.")
        return result.faces

    return scan


class Course:
    """A library, and how long each side took for it in each round."""

    def __init__(self, name: str, files: list[Path]) -> None:
        self.name, self.files = name, files
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.faces: dict[str, int | None] = {}

    def wanted(self, sides: Iterable[str]) -> list[str]:
        """Those of the sides that a bar is about."""
        asked = {name for bar in BARS[self.name] for name in (bar.side, bar.own)}
        return [name for name in sides if name in asked]

    def run(self, name: str, side: Side) -> None:
        start = time.perf_counter()
        self.faces[name] = side(self.files)
        self.seconds[name].append(time.perf_counter() - start)
        print(f"  {self.name}, {name}: {len(self.files) / self.seconds[name][-1]:.2f} photos/s", flush=True)

    def rate(self, name: str) -> float:
        return len(self.files) / median(self.seconds[name])

    def ratios(self, bar: Bar) -> list[float]:
        return [theirs / own for theirs, own in zip(self.seconds[bar.side], self.seconds[bar.own], strict=True)]

    def describe(self) -> None:
        pixels = [Image.open(file).size for file in self.files]
        megapixels = sum(width * height for width, height in pixels) / len(pixels) / 1e6
        size = sum(file.stat().st_size for file in self.files) / len(self.files) / 1e6
        count = len({photos.read_file(file).sha256 for file in self.files})
        print(f"{self.name}: {count} different photos of {megapixels:.2f} megapixels, {size:.2f} MB each")

    def describe_faces(self) -> None:
        found = [
            f"{name} {count / len(self.files):.2f}" for name, count in self.faces.items() if count is not None
        ]
        print(f"{self.name}: faces found in a photo by {', '.join(found)}")


def table(courses: Sequence[Course], memory: float) -> Table:
    heads = ("photos", "side", "photos/s", "ours", "photos/s", "ratio", "(range)", "bar", "met")
    made = Table(*heads, box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for course in courses:
        for bar in BARS[course.name]:
            made.add_row(*row(course, bar))
        made.add_section()
    made.add_row("large", "", "", "memory", "", f"{memory:.2f}", "GiB", f"≤ {MEMORY:g}", met(memory <= MEMORY))
    return made


def row(course: Course, bar: Bar) -> list[str]:
    ratios = course.ratios(bar)
    wanted = ["–", ""] if bar.least is None else [f"≥ {bar.least:g}", met(median(ratios) >= bar.least)]
    theirs, own = (f"{course.rate(name):.4g}" for name in (bar.side, bar.own))
    spread = f"{min(ratios):.3g}–{max(ratios):.3g}"
    return [course.name, bar.side, theirs, bar.own, own, f"{median(ratios):.3g}", spread, *wanted]


def met(is_met: bool) -> str:
    return "yes" if is_met else "NO"


def make(options: argparse.Namespace, opencv: OpenCv, place: Path) -> list[Course]:
    faces = find_faces(chosen(options.folder), opencv)
    small, large = place / "small", place / "large"
    return [
        Course("small", make_small(faces, small, options.small)),
        Course("large", make_large(faces, large, options.large)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", type=int, default=1000, metavar="N")
    parser.add_argument("--large", type=int, default=100, metavar="N")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    versions = f"torch {torch.__version__}, OpenCV {cv2.__version__}"
    print(f"{cores()} cores, bfloat16 {has_bfloat16()}, {versions}")
    opencv = OpenCv()
    with tempfile.TemporaryDirectory() as place:
        courses = make(options, opencv, Path(place))
        for course in courses:
            course.describe()
        compare(courses, sides(opencv), options.rounds)
        Console().print(table(courses, peak_memory(Path(place) / "large")))


def compare(courses: Sequence[Course], all_sides: dict[str, Side], rounds: int) -> None:
    for side in all_sides.values():
        side(courses[0].files[:WARM])
    for turn in range(rounds):
        print(f"round {turn + 1}", flush=True)
        for course in courses:
            for name in course.wanted(all_sides):
                course.run(name, all_sides[name])
    for course in courses:
        course.describe_faces()


if __name__ == "__main__":
    main()
