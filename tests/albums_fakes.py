"""A library of text files that stand for photos, and exports of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PIL import Image

from facecluster import albums
from facecluster.albums import ExportOptions, ExportPlan, ExportResult
from facecluster.records import Album, AlbumFace, Box

COPY = ExportOptions("copy")
HARD = ExportOptions("hardlink")


def chip(colour: str = "tan") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (224, 224), colour).save(out, "JPEG")
    return out.getvalue()


def photo(tmp_path: Path, name: str, content: str | None = None) -> Path:
    path = tmp_path / "library" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content or name)
    return path


def face(path: Path, number: int = 1) -> AlbumFace:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    box = Box(10, 20, 110, 220)
    seen = (path.stat().st_size, path.stat().st_mtime_ns)
    return AlbumFace(number, path, sha256, 400, 300, box, datetime(2019, 5, 12), 0.41, seen=seen)


def album(person: int, title: str, *paths: Path) -> Album:
    return Album(person, title, tuple(face(path, person * 100 + i) for i, path in enumerate(paths)))


def export(people: Sequence[Album], dest: Path, options: ExportOptions | None = None) -> ExportResult:
    return apply(albums.plan(people, dest, options))


def apply(plan: ExportPlan) -> ExportResult:
    """With one chip for all faces."""
    jpeg = chip()
    return albums.apply(plan, lambda face_id: jpeg)


def tree(dest: Path) -> set[str]:
    """Everything in ``dest`` but the files beside the people's folders."""
    paths = {path.relative_to(dest).as_posix() for path in dest.rglob("*")}
    return paths - {".nomedia", ".facecluster.json", "index.html", "index.json"}
