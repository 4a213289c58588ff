"""Scanning with a fake detector and embedder: what is read, kept, moved, forgotten and found again."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from facecluster.errors import UsageError
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.pipeline.readers import read
from facecluster.pipeline.scan import CHUNK, LARGE, Progress, Scan, ScanResult, portions
from facecluster.records import FileEntry
from facecluster.store import Store
from tests.conftest import as_root, fake_detect, fake_embed

Paint = Callable[..., Path]


class Reader:
    """The fake networks, counting the files that were read."""

    def __init__(self) -> None:
        self.read: list[Path] = []

    def __call__(self, entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        self.read += [entry.path for entry in entries]
        return read(entries, claims, 1000, fake_detect, fake_embed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def scan(store: Store, *roots: Path, reader: Reader | None = None, workers: int = 1) -> ScanResult:
    with store.transaction():
        store.faces.add_model("mark", "fake", 128)
    return Scan(store, lambda: reader or Reader(), "mark", "fake options", workers).run(roots)


def test_photos_faces_and_vectors_are_kept(store: Store, folder: Path, paint: Paint) -> None:
    paint(folder / "a.png", "red", "blue")
    paint(folder / "b.png")
    result = scan(store, folder)
    assert (result.photos, result.faces) == (2, 2)
    first, second = store.faces.all()
    assert first.face.box.x0 == pytest.approx(20)
    assert second.face.box.x0 == pytest.approx(100)
    assert first.face.sharpness >= 0
    assert len(store.faces.vectors("mark")[0]) == 2


def test_an_unchanged_library_is_not_read_again(store: Store, folder: Path, paint: Paint) -> None:
    paint(folder / "a.png", "red")
    (folder / "bad.jpg").write_bytes(b"not a photo")
    scan(store, folder)
    reader = Reader()
    result = scan(store, folder, reader=reader)
    assert reader.read == []
    assert (result.unchanged, result.photos, result.unreadable) == (2, 0, 0)


def test_a_moved_file_is_recognised(store: Store, folder: Path, paint: Paint) -> None:
    paint(folder / "a.png", "red")
    scan(store, folder)
    before = store.faces.all()
    (folder / "trip").mkdir()
    (folder / "a.png").rename(folder / "trip" / "renamed.png")
    result = scan(store, folder)
    assert (result.moved, result.photos, result.copies, result.missing, result.edited) == (1, 0, 0, 0, 0)
    assert [face.id for face in store.faces.all()] == [face.id for face in before]
    assert list(store.photos.paths().values()) == [folder / "trip" / "renamed.png"]


def test_a_copy_is_one_photo_with_two_paths(store: Store, folder: Path, paint: Paint) -> None:
    original = paint(folder / "a.png", "red")
    (folder / "copy.png").write_bytes(original.read_bytes())
    result = scan(store, folder, workers=2)
    assert (result.photos, result.copies, result.faces) == (1, 1, 1)
    assert len(store.photos.known_files()) == 2
    (folder / "later.png").write_bytes(original.read_bytes())
    assert scan(store, folder).copies == 1


def test_an_edited_file_drops_its_stale_faces(store: Store, folder: Path, paint: Paint) -> None:
    paint(folder / "a.png", "red", "blue")
    scan(store, folder)
    paint(folder / "a.png", "green")
    result = scan(store, folder)
    assert (result.edited, result.photos, result.faces) == (1, 1, 1)
    assert len(store.faces.all()) == 1
    assert len(store.photos.all()) == 1


def test_two_files_that_swap_names_lose_nothing(store: Store, folder: Path, paint: Paint) -> None:
    a, b = paint(folder / "a.png", "red"), paint(folder / "b.png", "blue", "green")
    scan(store, folder)
    faces = {face.id for face in store.faces.all()}
    a.rename(folder / "c")
    b.rename(a)
    (folder / "c").rename(b)
    os.utime(a, ns=(1, 1))
    os.utime(b, ns=(2, 2))
    scan(store, folder)
    assert {face.id for face in store.faces.all()} == faces


def test_a_vanished_file_comes_back_whole(store: Store, folder: Path, paint: Paint) -> None:
    file = paint(folder / "a.png", "red")
    paint(folder / "b.png", "blue")
    scan(store, folder)
    faces = [face.id for face in store.faces.all()]
    hidden = file.rename(folder.parent / "a.png")
    assert scan(store, folder).missing == 1
    assert (store.counts().photos, store.counts().missing) == (1, 1)
    hidden.rename(file)
    reader = Reader()
    result = scan(store, folder, reader=reader)
    assert (result.returned, result.photos, result.missing) == (1, 0, 0)
    assert reader.read == []
    assert [face.id for face in store.faces.all()] == faces


def test_another_folder_is_not_missed(store: Store, folder: Path, tmp_path: Path, paint: Paint) -> None:
    paint(folder / "a.png", "red")
    paint(tmp_path / "other" / "b.png", "blue")
    scan(store, folder)
    assert scan(store, tmp_path / "other").missing == 0
    assert store.counts().photos == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.jpg", b"", "empty"),
        ("text.jpg", b"Dear diary, these are not pixels.", "not a picture"),
        ("cut.png", b"PNG", "ends early|damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_noted_and_the_run_goes_on(
    store: Store, folder: Path, paint: Paint, name: str, content: bytes, reason: str
) -> None:
    good = paint(folder / "good.png", "red")
    (folder / name).write_bytes(good.read_bytes()[:300] if content == b"PNG" else content)
    result = scan(store, folder)
    assert (result.photos, result.unreadable) == (1, 1)
    (bad,) = store.photos.unreadable()
    assert bad.path == folder / name
    assert re.search(reason, bad.reason)


def test_a_repaired_file_is_read(store: Store, folder: Path, paint: Paint) -> None:
    (folder / "a.png").write_bytes(b"")
    scan(store, folder)
    paint(folder / "a.png", "red")
    assert scan(store, folder).photos == 1
    assert store.photos.unreadable() == []


def test_copies_of_an_unreadable_file_are_all_noted(store: Store, folder: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(b"the same nonsense")
    assert scan(store, folder).unreadable == 2
    assert len(store.photos.unreadable()) == 2


@pytest.mark.skipif(as_root(), reason="permissions do not bind root")
def test_a_file_without_permission_is_noted(store: Store, folder: Path, paint: Paint) -> None:
    paint(folder / "a.png", "red").chmod(0)
    assert scan(store, folder).unreadable == 1


def test_content_counts_and_not_the_suffix(store: Store, folder: Path, paint: Paint) -> None:
    paint(folder / "photo.png", "red").rename(folder / "photo.xyz")
    (folder / "notes.txt").write_text("not a photo, and not called one")
    result = scan(store, folder)
    assert (result.photos, result.unreadable) == (1, 0)


def test_a_folder_that_does_not_exist_is_named(store: Store, folder: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        scan(store, folder / "nowhere")


def test_a_stopped_scan_keeps_its_work_and_goes_on_later(store: Store, folder: Path, paint: Paint) -> None:
    for i in range(5 * CHUNK):
        paint(folder / f"{i:03d}.png", "red", seed=i)
    stop, seen = threading.Event(), []

    def on_progress(progress: Progress) -> None:
        seen.append(progress.done)
        if progress.done:
            stop.set()

    with store.transaction():
        store.faces.add_model("mark", "fake", 128)
    first = Scan(store, Reader, "mark", "", 1, on_progress, stop).run([folder])
    assert first.stopped
    assert 0 < first.photos < 5 * CHUNK
    assert first.photos == store.counts().photos
    reader = Reader()
    second = scan(store, folder, reader=reader)
    assert not second.stopped
    assert len(reader.read) == 5 * CHUNK - first.photos
    assert store.counts().photos == 5 * CHUNK


def test_a_large_photo_is_searched_small_and_boxes_are_full_size(store: Store, folder: Path, paint: Paint) -> None:
    small = Image.open(paint(folder / "a.png", "red"))
    large = small.resize((small.width * 4, small.height * 4), Image.Resampling.NEAREST)
    large.save(folder / "a.png")

    def reader(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        return read(entries, claims, small.width, fake_detect, fake_embed)

    with store.transaction():
        store.faces.add_model("mark", "fake", 128)
    Scan(store, lambda: reader, "mark", "").run([folder])
    (found,) = store.faces.all()
    assert found.face.box.x0 == pytest.approx(80)
    assert found.face.box.width == pytest.approx(240)
    assert found.face.landmarks[0].tolist() == pytest.approx([160, 280])


@pytest.mark.parametrize(("size", "most"), [(LARGE - 1, CHUNK), (LARGE, CHUNK // 2)])
def test_fewer_large_files_are_taken_at_a_time(size: int, most: int) -> None:
    todo = [FileEntry(Path(str(i)), size, 0) for i in range(200)]
    parts = list(portions(todo, 2))
    assert [entry for part in parts for entry in part] == todo
    assert len(parts[0]) == most
    assert max(map(len, parts)) == most


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 5, 48, 100])
def test_portions_are_all_files_in_order_and_ever_fewer(count: int, workers: int) -> None:
    todo = [FileEntry(Path(str(i)), 0, 0) for i in range(count)]
    parts = list(portions(todo, workers))
    assert [entry for part in parts for entry in part] == todo
    sizes = [len(part) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert all(0 < size <= CHUNK for size in sizes)
    assert all(size == 1 or size * 2 * workers <= sum(sizes[i:]) for i, size in enumerate(sizes))
