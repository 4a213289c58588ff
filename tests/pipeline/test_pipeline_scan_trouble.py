"""Scans in trouble: files out of reach, networks that fail, stops and crashes; what is kept and tried again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path

import pytest
from PIL import Image

from facecluster import photos
from facecluster.errors import StoreError, UnreadablePhotoError, UsageError
from facecluster.faces import DetectOptions
from facecluster.pipeline import networks, readers
from facecluster.pipeline.library import Library
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.pipeline.readers import Detect, Embed, read
from facecluster.pipeline.scan import CHUNK, Progress, Read, Scan, ScanResult, portions
from facecluster.records import Face, FileEntry, Float32, UInt8
from facecluster.store import Store
from tests.conftest import fake_detect, fake_embed

Paint = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def scan(
    store: Store, folder: Path, detect: Detect = fake_detect, embed: Embed = fake_embed, read: Read | None = None
) -> ScanResult:
    with store.transaction():
        store.faces.add_model("mark", "fake", 128)
    work = read or partial(readers.read, max_side=1000, detect=detect, embed=embed)
    return Scan(store, lambda: work, "mark", "").run([folder])


def face_ids(store: Store) -> list[int]:
    return [face.id for face in store.faces.all()]


class Barrier:
    """Makes reading one file fail, until it is lifted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path, error: Exception) -> None:
        self.path, self.error, self.read_bytes = path, error, Path.read_bytes
        monkeypatch.setattr(Path, "read_bytes", lambda path: self._read(path))

    def _read(self, path: Path) -> bytes:
        if path == self.path:
            raise self.error
        return self.read_bytes(path)

    def lift(self) -> None:
        self.path = Path()


OUT_OF_REACH = [PermissionError(13, "forbidden"), OSError(5, "Input/output error"), MemoryError()]


@pytest.mark.parametrize("error", OUT_OF_REACH, ids=repr)
def test_a_file_out_of_reach_is_tried_again(
    store: Store, folder: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    barrier = Barrier(monkeypatch, paint(folder / "a.png", "red"), error)
    for _ in range(2):
        assert scan(store, folder).unreadable == 1
    assert len(store.photos.unreadable()) == 1
    barrier.lift()
    assert scan(store, folder).photos == 1
    assert store.photos.unreadable() == []


@pytest.mark.parametrize("error", OUT_OF_REACH, ids=repr)
def test_a_known_file_out_of_reach_keeps_its_faces(
    store: Store, folder: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    file = paint(folder / "a.png", "red")
    scan(store, folder)
    before, known = face_ids(store), file.stat()
    file.touch()
    barrier = Barrier(monkeypatch, file, error)
    assert scan(store, folder).unreadable == 1
    assert face_ids(store) == before
    assert [bad.path for bad in store.photos.unreadable()] == list(store.photos.paths().values()) == [file]
    barrier.lift()
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    result = scan(store, folder)
    assert (result.unchanged, result.photos, face_ids(store)) == (1, 0, before)
    assert store.photos.unreadable() == []


def test_a_file_that_goes_between_the_walk_and_the_reading_is_missing(
    store: Store, folder: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = paint(folder / "a.png", "red")
    scan(store, folder)
    file.touch()
    barrier = Barrier(monkeypatch, file, FileNotFoundError(2, "gone"))
    result = scan(store, folder)
    assert (result.missing, result.unreadable, result.stopped) == (1, 0, False)
    barrier.lift()
    assert scan(store, folder).returned == 1
    assert len(face_ids(store)) == 1


@pytest.mark.parametrize("content", [b"", b"no photo"], ids=["emptied", "overwritten"])
def test_an_edit_that_ruins_a_photo_drops_its_faces(
    store: Store, folder: Path, paint: Paint, content: bytes
) -> None:
    file = paint(folder / "a.png", "red")
    scan(store, folder)
    file.write_bytes(content)
    assert scan(store, folder).unreadable == 1
    assert face_ids(store) == []
    assert scan(store, folder).unchanged == 1


def green_breaks_it(images: Sequence[UInt8]) -> list[list[Face]]:
    if any(image[80, 50].tolist() == [30, 200, 40] for image in images):
        raise RuntimeError("out of memory\nwith details")
    return fake_detect(images)


def test_a_photo_that_breaks_the_detector_costs_no_other(store: Store, folder: Path, paint: Paint) -> None:
    for i, colour in enumerate(("red", "green", "blue")):
        paint(folder / f"{i}.png", colour, seed=i)
    (folder / "copy.png").write_bytes((folder / "1.png").read_bytes())
    result = scan(store, folder, green_breaks_it)
    assert (result.photos, result.faces, result.unreadable) == (2, 2, 2)
    assert {bad.reason for bad in store.photos.unreadable()} == {"the search for faces failed (out of memory)"}
    result = scan(store, folder)
    assert (result.photos, result.copies, result.unreadable, result.unchanged) == (1, 1, 0, 2)


def test_a_batch_too_large_for_the_embedder_is_embedded_one_by_one(
    store: Store, folder: Path, paint: Paint
) -> None:
    def embed(chips: UInt8, landmarks: Float32, boxes: Float32) -> Float32:
        if len(chips) > 1:
            raise MemoryError
        return fake_embed(chips, landmarks, boxes)

    for i in range(3):
        paint(folder / f"{i}.png", "red", seed=i)
    assert scan(store, folder, embed=embed).faces == 3


def test_chips_are_cut_from_the_small_picture_when_the_large_one_fails(
    store: Store, folder: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(folder / "a.png", "red")
    with Image.open(folder / "a.png") as small:
        small.resize((1280, 960), Image.Resampling.NEAREST).save(folder / "a.png")
    decode, asked = photos.decode, []

    def only_small(
        raw: photos.RawPhoto, max_side: int | None = None, memory: photos.Memory | None = None
    ) -> photos.OpenPhoto:
        asked.append(max_side)
        if max_side != 320 * readers.DETAIL:
            raise UnreadablePhotoError(raw.path, "too much")
        return decode(raw, max_side, memory)

    monkeypatch.setattr(photos, "decode", only_small)
    monkeypatch.setattr(readers, "SHARP_BOX", 200)
    work = partial(readers.read, max_side=320, detect=fake_detect, embed=fake_embed)
    assert scan(store, folder, read=work).faces == 1
    assert store.faces.all()[0].face.box.width == pytest.approx(240)
    assert len(asked) == 2


def test_a_stop_during_the_walk_loads_no_networks(
    store: Store, folder: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(4):
        paint(folder / f"{i}.png", "red", seed=i)
    stop, walk, met = threading.Event(), photos.walk, []

    def slow_walk(*args: object) -> object:
        for entry in walk(*args):  # type: ignore[arg-type]
            met.append(entry)
            if len(met) == 2:
                stop.set()
            yield entry

    def never() -> Read:
        pytest.fail("the networks were loaded")

    monkeypatch.setattr(photos, "walk", slow_walk)
    assert Scan(store, never, "mark", "", stop=stop).run([folder]).stopped
    assert len(met) == 2
    stop.clear()
    result = Scan(store, never, "mark", "", on_progress=lambda _: stop.set(), stop=stop).run([folder])
    assert (result.stopped, result.missing) == (True, 0)


def test_chunks_that_were_not_begun_are_not_read_after_a_stop_or_an_error(
    store: Store, folder: Path, paint: Paint
) -> None:
    for i in range(6 * CHUNK):
        paint(folder / f"{i:03d}.png", seed=i)
    stop, begun = threading.Event(), []

    def stopping(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        begun.append(entries)
        stop.set()
        return read(entries, claims, 1000, fake_detect, fake_embed)

    result = Scan(store, lambda: stopping, "mark", "", stop=stop).run([folder])
    assert (result.stopped, result.photos, len(begun)) == (True, CHUNK, 1)

    def broken(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        begun.append(entries)
        raise StoreError("no more")

    with pytest.raises(StoreError, match="no more"):
        Scan(store, lambda: broken, "mark", "").run([folder])
    assert len(begun) <= 3
    assert len(store.photos.all()) == CHUNK


def test_a_slow_chunk_does_not_hold_back_the_others(store: Store, folder: Path, paint: Paint) -> None:
    for i in range(8 * CHUNK):
        paint(folder / f"{i:03d}.png", seed=i)
    go, kept = threading.Event(), []

    def first_is_slow(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        if entries[0].path.name == "000.png":
            assert go.wait(30)
        return read(entries, claims, 1000, fake_detect, fake_embed)

    def on_progress(progress: Progress) -> None:
        kept.append(len(store.photos.all()))
        if progress.done == 7 * CHUNK:
            go.set()

    Scan(store, lambda: first_is_slow, "mark", "", 2, on_progress).run([folder])
    first, *others = map(len, portions([FileEntry(Path(), 0, 0)] * (8 * CHUNK), 2))
    assert kept == [0, *accumulate([*others, first])]


def test_a_failed_first_scan_leaves_the_choice_of_model_open(
    tmp_path: Path, folder: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(folder / "a.png", "red")

    def no_network(*args: object, **kwargs: object) -> Read:
        raise StoreError("no network")

    marks = {"sface": "one", "facenet": "two"}
    monkeypatch.setattr("facecluster.pipeline.opened.fingerprint", marks.__getitem__)
    with Library(tmp_path / "a.db") as library:
        monkeypatch.setattr(networks, "reader", no_network)
        with pytest.raises(StoreError, match="no network"):
            library.scan([folder], model="sface")
        assert library.status().model is None
        work = partial(read, max_side=1000, detect=fake_detect, embed=fake_embed)
        monkeypatch.setattr(networks, "reader", lambda *args, **kwargs: work)
        assert library.scan([folder]).photos == 1
        assert library.store.faces.model() == ("two", "facenet")


def test_only_photos_that_are_met_count_as_searched_otherwise(store: Store, tmp_path: Path, paint: Paint) -> None:
    paint(tmp_path / "one" / "a.png", "red")
    paint(tmp_path / "two" / "b.png", "blue")
    scan(store, tmp_path / "one")
    scan(store, tmp_path / "two")
    work = partial(read, max_side=1000, detect=fake_detect, embed=fake_embed)
    assert Scan(store, lambda: work, "mark", "").run([tmp_path / "one"]).otherwise == 0
    assert Scan(store, lambda: work, "mark", "finer").run([tmp_path / "one"]).otherwise == 1


def test_options_have_a_key_that_is_for_ever() -> None:
    assert DetectOptions().key() == "max_side=1000 min_face=20 min_score=0.7"
    assert DetectOptions(detector="yunet").key() == "max_side=1000 min_face=20 min_score=0.7 detector=yunet"


def test_a_library_is_scanned_by_one_at_a_time(
    tmp_path: Path, folder: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(folder / "a.png", "red")
    said = []

    def slow(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        with Library(tmp_path / "a.db") as other:
            for attempt in (lambda: other.scan([folder]), lambda: other.migrate("facenet")):
                with pytest.raises(UsageError, match="Another facecluster") as refused:
                    attempt()
                said.append(str(refused.value))
            assert other.status().counts.photos == 0
        return read(entries, claims, 1000, fake_detect, fake_embed)

    monkeypatch.setattr(networks, "reader", lambda *args, **kwargs: slow)
    monkeypatch.setattr("facecluster.pipeline.opened.fingerprint", lambda name: "mark")
    monkeypatch.setattr("facecluster.embeddings.Embedder.load", lambda *args, **kwargs: None)
    with Library(tmp_path / "a.db") as library:
        assert library.scan([folder]).photos == 1
        assert len(said) == 2
        assert library.scan([folder]).unchanged == 1
