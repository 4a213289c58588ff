"""Build the albums of a thousand drawn people: how long it takes, and how large the contact sheet is.

    python benchmarks/contact_sheet.py FOLDER [--people 1000] [--faces 30]

FOLDER/albums/index.html is the page to open; FOLDER/photos holds one small file per photo.
"""

from __future__ import annotations

import argparse
import colorsys
import hashlib
import io
import random
import time
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from facecluster import albums
from facecluster.records import CHIP_SIZE, Album, AlbumFace, Box

FIRST = ["Ada", "Bela", "Chidi", "Dana", "Emil", "Farah", "Goro", "Ines", "Jun", "Kofi", "Lena", "Noor", "Rosa"]
LAST = ["Berg", "Costa", "Diaz", "Eze", "Gupta", "Haas", "Ito", "Jansen", "Khan", "Lind", "Novak", "Rossi"]


def drawn_chip(rng: random.Random, hue: float) -> bytes:
    """A face of circles before a coloured ground, grainy as photos are, so that its JPEG weighs as much."""
    side = CHIP_SIZE
    skin, ground, hair = (
        tuple(int(255 * value) for value in colorsys.hsv_to_rgb(*hsv))
        for hsv in (
            (0.03 + hue * 0.06, 0.35 + hue * 0.3, 0.95 - hue * 0.5),
            (hue, 0.3, rng.uniform(0.5, 0.95)),
            (hue * 0.1, 0.5, 0.15 + hue * 0.3),
        )
    )
    image = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(image)
    x, y = (side / 2 + rng.uniform(-8, 8) for _ in range(2))
    draw.ellipse((x - 90, y + 70, x + 90, y + 260), fill=ground[::-1])
    draw.ellipse((x - 66, y - 90, x + 66, y + 60), fill=hair)
    draw.ellipse((x - 54, y - 62, x + 54, y + 78), fill=skin)
    for eye in (-22, 22):
        draw.ellipse((x + eye - 6, y - 10, x + eye + 6, y + 2), fill=hair)
    draw.arc((x - 24, y + 14, x + 24, y + 48), 20, 160, fill=hair, width=4)
    grain = Image.effect_noise((side, side), 34).convert("RGB")
    image = Image.blend(image.filter(ImageFilter.GaussianBlur(1)), grain, 0.16)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def drawn_album(folder: Path, number: int, faces: int, rng: random.Random, chips: dict[int, bytes]) -> Album:
    """A person with ``faces`` photos over some years; one face in ten is confirmed. Adds to ``chips``."""
    hue = rng.random()
    drawn = [drawn_chip(rng, hue) for _ in range(6)]
    begin = datetime(2004, 1, 1) + timedelta(days=rng.randrange(3000))
    times = sorted(begin + timedelta(days=rng.random() * 4000) for _ in range(faces))
    found = []
    for i, taken_at in enumerate(times):
        photo = folder / f"IMG_{number:04d}_{i:03d}.jpg"
        photo.write_bytes(photo.name.encode())
        chips[number * 1000 + i] = rng.choice(drawn)
        found.append(
            AlbumFace(
                face_id=number * 1000 + i,
                photo=photo,
                sha256=hashlib.sha256(photo.name.encode()).hexdigest(),
                width=4032,
                height=3024,
                box=Box(1000, 800, 1300, 1180),
                taken_at=taken_at,
                distance=rng.uniform(0.1, 0.9),
                confirmed=rng.random() < 0.1,
            )
        )
    named = number % 3 == 0
    title = f"{rng.choice(FIRST)} {rng.choice(LAST)}" if named else f"Person {number:03d}"
    return Album(number, title, tuple(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--faces", type=int, default=30, help="per person")
    asked = parser.parse_args()
    rng = random.Random(7)
    photos = asked.folder / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    chips: dict[int, bytes] = {}
    people = [drawn_album(photos, number, asked.faces, rng, chips) for number in range(1, asked.people + 1)]
    for run in ("first export", "the same again"):
        begin = time.perf_counter()
        plan = albums.plan(people, asked.folder / "albums")
        planned = time.perf_counter() - begin
        result = albums.apply(plan, chips.get)
        took = time.perf_counter() - begin
        print(f"{run}: {len(result.added)} links added, plan {planned:.1f} s, all {took:.1f} s")
    print(f"{result.sheet}: {result.sheet.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
