"""Photos per second of a scan, against the script that most people would write, on the same photos in turn.

    python benchmarks/scan_speed.py ../shared/data/photos
    python benchmarks/scan_speed.py ../shared/data/photos --large 40

The plain script opens each photo with Pillow, calls facenet-pytorch's ``MTCNN.detect`` on it (smallest face 20
pixels), cuts each face and runs InceptionResnetV1 in float32, photo by photo. Ours is ``facecluster scan`` with
its defaults, database writes included. Both are timed without loading their networks. ``--large N`` makes N photos
of 12 megapixels first, each a mosaic of four of the given ones. The plain script's boxes are then looked for among
ours: found where a box of ours has an intersection over union of one half or more with it. Not all of its boxes
are faces, so YuNet is asked about each.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from judge import Judge
from libraries import chosen, mosaic
from own import scan_into
from PIL import Image, ImageFile
from rich.progress import track
from rivals import Boxes, Plain, upright

from facecluster import faces
from facecluster.machine import cores
from facecluster.nets.runtime import has_bfloat16
from facecluster.pipeline.networks import reader
from facecluster.records import Box
from facecluster.store import Store


def ours(folder: Path, model: str, options: faces.DetectOptions) -> Iterator[tuple[float, Boxes]]:
    read = reader(model, "cpu", options)
    while True:
        with tempfile.TemporaryDirectory() as place, Store(Path(place) / "library.db") as store:
            seconds, _ = scan_into(store, read, [folder], cores())
            by_photo: dict[int, list[Box]] = {}
            for face in store.faces.all():
                by_photo.setdefault(face.photo_id, []).append(face.face.box)
            known = store.photos.known_files()
        yield seconds, {path: by_photo.get(file.photo_id or -1, []) for path, file in known.items()}


def report_faces(theirs: Boxes, own: Boxes) -> None:
    """How many of the plain script's boxes were found, of all and of those that YuNet takes for faces, too."""
    judge = Judge()
    hits = {True: [0, 0], False: [0, 0]}
    for file in track(theirs, description="asking YuNet"):
        image = upright(file)
        for box in theirs[file]:
            counts = hits[judge.is_face(image, box)]
            counts[0] += any(box.overlap(mine) >= 0.5 for mine in own.get(file, []))
            counts[1] += 1
    hit, wanted = (sum(pair) for pair in zip(*hits.values(), strict=True))
    print(f"of its {wanted} boxes: {hit} found, {hit / wanted:.2%}")
    good, faces = hits[True]
    print(f"of the {faces} that YuNet takes for faces: {good} found, {good / faces:.2%}")
    print(f"boxes in all: plain {wanted}, facecluster {sum(map(len, own.values()))}")


def make_large(files: list[Path], folder: Path, count: int) -> list[Path]:
    """Mosaics of four photos each, 4,000 × 3,000 pixels, JPEG quality 90."""
    made = []
    for i in track(range(count), description="making 12-megapixel photos"):
        four = [Image.open(files[(4 * i + place) % len(files)]).convert("RGB") for place in range(4)]
        made.append(folder / f"{i:04d}.jpg")
        mosaic(four).save(made[-1], quality=90)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--large", type=int, default=0, metavar="N")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--every", type=int, default=1, help="take every n-th photo of the folder")
    parser.add_argument("--model", default="facenet")
    parser.add_argument("--max-side", type=int, default=faces.DetectOptions().max_side)
    options = parser.parse_args()
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    print(f"{cores()} cores, torch {torch.__version__}, bfloat16 {has_bfloat16()}")
    sources = chosen(options.folder, options.every)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if options.large:
            files = make_large(sources, folder, options.large)
        else:
            files = [folder / f"{i:05d}{file.suffix}" for i, file in enumerate(sources)]
            for link, file in zip(files, sources, strict=True):
                link.symlink_to(file)
        compare(files, folder, options.model, options.rounds, faces.DetectOptions(max_side=options.max_side))


def compare(files: list[Path], folder: Path, model: str, rounds: int, detect: faces.DetectOptions) -> None:
    plain, runs, ratios = Plain(), ours(folder, model, detect), []
    next(runs)
    for turn in range(rounds):
        start = time.perf_counter()
        theirs = plain(files)
        plain_seconds = time.perf_counter() - start
        seconds, own = next(runs)
        ratios.append(plain_seconds / seconds)
        rates = f"plain {len(files) / plain_seconds:.2f} photos/s, facecluster {len(files) / seconds:.2f}"
        print(f"round {turn + 1}: {rates}, ratio {ratios[-1]:.2f}", flush=True)
    print(f"{len(files)} photos, median ratio {statistics.median(ratios):.2f}")
    report_faces(theirs, own)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB, both sides' networks")


if __name__ == "__main__":
    main()
