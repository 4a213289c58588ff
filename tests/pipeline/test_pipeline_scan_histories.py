"""Whatever happens to the files between scans, the library tells the truth after each, and counts add up."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from facecluster.pipeline import scan as scanning
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.pipeline.readers import read
from facecluster.pipeline.scan import Progress, Scan, ScanResult
from facecluster.records import FileEntry
from facecluster.store import Store
from tests.conftest import COLOURS, fake_detect, fake_embed

NAMES = ("a.png", "b.png", "c.png", "disk/d.png", "disk/e.png")
CONTENTS = 5
name, content = st.sampled_from(NAMES), st.integers(0, CONTENTS - 1)
STEPS = st.one_of(
    st.tuples(st.just("write"), name, content),
    st.tuples(st.sampled_from(["move", "copy"]), name, name),
    st.tuples(st.sampled_from(["delete", "touch"]), name),
    st.tuples(st.sampled_from(["scan", "scan", "stop early"])),
)


@cache
def picture(number: int) -> bytes:
    """A photo with a face; number 0 is none."""
    if number == 0:
        return b"not a photo"
    image = Image.new("RGB", (160, 120), (100, 100, 100 + number))
    image.paste(COLOURS["red"], (20, 50, 80, 110))
    image.save(data := io.BytesIO(), "PNG")
    return data.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


GOOD = {digest(picture(i)) for i in range(1, CONTENTS)}


class Disk:
    """Files whose every change shows in their modification time."""

    def __init__(self, root: Path) -> None:
        self.root, self.time = root, 0
        (root / "disk").mkdir(parents=True)

    def do(self, action: str, name: str, other: str | int = "") -> None:
        file = self.root / name
        if action == "write":
            file.write_bytes(picture(int(other)))
            self._touch(file)
        elif not file.exists() or name == other:
            return
        elif action == "move":
            file.replace(self.root / str(other))
        elif action == "copy":
            self._touch(Path(shutil.copy(file, self.root / str(other))))
        elif action == "delete":
            file.unlink()
        else:
            self._touch(file)

    def _touch(self, file: Path) -> None:
        self.time += 1
        os.utime(file, ns=(self.time, self.time))

    def truth(self) -> dict[Path, str]:
        return {file: digest(file.read_bytes()) for file in self.root.rglob("*.png")}


class Watched:
    """A library that is checked after each scan."""

    def __init__(self, store: Store, disk: Disk) -> None:
        self.store, self.disk = store, disk
        with store.transaction():
            store.faces.add_model("mark", "fake", 128)

    def scan(self, stop_after: int | None = None) -> ScanResult:
        stop, searched = threading.Event(), list[str]()

        def work(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
            outcomes = read(entries, claims, 1000, fake_detect, fake_embed)
            searched.extend(outcome.photo.sha256 for outcome in outcomes if outcome.photo)
            return outcomes

        def on_progress(progress: Progress) -> None:
            if stop_after is not None and progress.done >= stop_after:
                stop.set()

        known, missing = self.store.photos.contents(), self._missing()
        result = Scan(self.store, lambda: work, "mark", "", 1, on_progress, stop).run([self.disk.root])
        assert not known & set(searched), "a known photo was searched again"
        assert missing <= self.store.photos.contents(), "a missing photo was forgotten"
        assert min(value for value in asdict(result).values() if isinstance(value, int | float)) >= 0, result
        assert result.photos == len(searched) == result.faces
        if not result.stopped:
            self._check(result)
        return result

    def _missing(self) -> set[str]:
        rows = self.store.db.execute(
            """SELECT sha256 FROM photos
               WHERE NOT replaced AND id NOT IN (SELECT photo_id FROM paths WHERE NOT missing)"""
        )
        return {row[0] for row in rows}

    def _check(self, result: ScanResult) -> None:
        truth = self.disk.truth()
        photos = self.store.photos.all()
        held = {
            path: photos[known.photo_id].sha256
            for path, known in self.store.photos.known_files().items()
            if known.photo_id and not known.missing
        }
        assert held == {path: sha256 for path, sha256 in truth.items() if sha256 in GOOD}
        assert {bad.path for bad in self.store.photos.unreadable()} == truth.keys() - held.keys()
        assert len(self.store.faces.all()) == len(photos)
        kinds = (result.unchanged, result.returned, result.photos, result.copies, result.moved, result.unreadable)
        assert sum(kinds) == len(truth), "every file is counted once"


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans may be stopped between any two files."""
    monkeypatch.setattr(scanning, "CHUNK", 1)


@pytest.mark.usefixtures("one_by_one")
@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STEPS, min_size=4, max_size=30))
def test_any_history_ends_in_the_truth(steps: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "library.db") as store:
        disk = Disk(Path(folder) / "photos")
        library = Watched(store, disk)
        for step in [*steps, ("scan",)]:
            if step[0] == "scan":
                library.scan()
            elif step[0] == "stop early":
                library.scan(stop_after=1)
            else:
                disk.do(*step)


Counts = dict[str, int]
HISTORIES: dict[str, tuple[list[tuple[str, ...]], Counts]] = {
    "moved over a known file": ([("move", "a.png", "b.png")], {"moved": 1, "edited": 1}),
    "one of two copies deleted, the other touched": (
        [("copy", "a.png", "c.png"), ("scan",), ("delete", "a.png"), ("touch", "c.png")],
        {"unchanged": 2},
    ),
    "copied, and the original deleted": (
        [("copy", "a.png", "c.png"), ("copy", "a.png", "disk/d.png"), ("delete", "a.png")],
        {"moved": 1, "copies": 1, "unchanged": 1},
    ),
    "two copies moved": (
        [("copy", "a.png", "c.png"), ("scan",), ("move", "a.png", "disk/d.png"), ("move", "c.png", "disk/e.png")],
        {"moved": 2, "unchanged": 1},
    ),
    "a new photo under the name of a missing one": (
        [("delete", "a.png"), ("scan",), ("write", "a.png", "3")],
        {"photos": 1, "faces": 1, "unchanged": 1},
    ),
    "a missing photo whose name was taken comes back": (
        [("delete", "a.png"), ("scan",), ("write", "a.png", "3"), ("scan",), ("write", "disk/d.png", "1")],
        {"returned": 1, "unchanged": 2},
    ),
    "a missing photo comes back elsewhere": (
        [("delete", "a.png"), ("scan",), ("write", "c.png", "1")],
        {"moved": 1, "unchanged": 1},
    ),
    "a missing photo comes back newer": (
        [("delete", "a.png"), ("scan",), ("write", "a.png", "1")],
        {"returned": 1, "unchanged": 1},
    ),
    "edited to what was there before": ([("write", "a.png", "2")], {"edited": 1, "copies": 1, "unchanged": 1}),
    "edited to nonsense": ([("write", "a.png", "0")], {"unreadable": 1, "unchanged": 1}),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_counts_of_a_history(history: str, store: Store, tmp_path: Path) -> None:
    """In the beginning, ``a.png`` holds photo 1 and ``b.png`` photo 2; the counts are the last scan's."""
    steps, expected = HISTORIES[history]
    disk = Disk(tmp_path / "photos")
    library = Watched(store, disk)
    for step in (("write", "a.png", "1"), ("write", "b.png", "2"), ("scan",), *steps):
        if step[0] == "scan":
            library.scan()
        else:
            disk.do(*step)
    counts = {key: value for key, value in asdict(library.scan()).items() if isinstance(value, int) and value}
    assert counts == expected | {"workers": 1}


@pytest.mark.usefixtures("one_by_one")
def test_moves_in_a_stopped_scan_are_counted_once_and_lose_nothing(
    store: Store, tmp_path: Path, paint: Callable[..., Path]
) -> None:
    """Two files swap names, and the scan is stopped when the one photo has no name for a while."""
    disk = Disk(tmp_path / "photos")
    library = Watched(store, disk)
    for name, number in (("a.png", 1), ("b.png", 2), ("c.png", 3)):
        disk.do("write", name, number)
    library.scan()
    faces = [face.id for face in store.faces.all()]
    disk.do("move", "a.png", "disk/d.png")
    disk.do("move", "b.png", "a.png")
    disk.do("move", "disk/d.png", "b.png")
    disk.do("move", "c.png", "disk/e.png")
    first, second = library.scan(stop_after=1), library.scan()
    assert first.stopped
    assert 0 < first.moved < 3
    assert first.moved + second.moved == 3
    assert (first.copies, second.copies, second.missing, second.photos) == (0, 0, 0, 0)
    assert [face.id for face in store.faces.all()] == faces


@pytest.mark.usefixtures("one_by_one")
def test_a_copy_after_a_stopped_scan_is_no_move(store: Store, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "photos")
    library = Watched(store, disk)
    disk.do("write", "c.png", 1)
    library.scan()
    disk.do("move", "c.png", "a.png")
    for number, name in enumerate(("b.png", "disk/d.png", "disk/e.png"), 2):
        disk.do("write", name, number)
    first = library.scan(stop_after=1)
    assert (first.stopped, first.moved, first.copies) == (True, 1, 0)
    disk.do("copy", "a.png", "c.png")
    second = library.scan()
    assert (second.moved, second.copies) == (0, 1)
