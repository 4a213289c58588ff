from __future__ import annotations

import os
import sqlite3
import stat
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from facecluster.errors import StoreError, UsageError
from facecluster.records import Box, Face, FileEntry, Photo
from facecluster.store import Assignment, Store, describe
from facecluster.store.schema import migrations

PHOTO = Photo("a" * 64, "JPEG", 400, 300, datetime(2020, 5, 1, 12, 30), "Canon EOS", has_gps=True)


def entry(path: str, size: int = 10, mtime_ns: int = 5) -> FileEntry:
    return FileEntry(Path(path), size, mtime_ns)


def face(x: float = 0.0) -> Face:
    return Face(Box(x, 1, x + 9, 12), np.arange(10, dtype=np.float32).reshape(5, 2), 0.99, 120.5, 0.8)


def test_the_file_is_private_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "library.db"
    with Store(path) as store:
        store.photos.add(PHOTO, "")
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_goes_in_comes_out_after_reopening(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as store:
        photo = store.photos.add(PHOTO, "options")
        store.photos.link(entry("/p/one.jpg"), photo)
        face_id = store.faces.add(photo, face(), b"jpeg")
        store.faces.add_model("mark", "facenet", 3)
        store.faces.use_model("mark")
        store.faces.add_vectors([face_id], np.array([[0.6, 0.8, 0]], np.float32), "mark")
    with Store(tmp_path / "a.db") as store:
        assert store.photos.all() == {photo: PHOTO}
        assert store.photos.paths() == {photo: Path("/p/one.jpg")}
        (found,) = store.faces.all()
        assert (found.id, found.photo_id, found.face.box) == (face_id, photo, Box(0, 1, 9, 12))
        np.testing.assert_array_equal(found.face.landmarks, face().landmarks)
        ids, vectors = store.faces.vectors("mark")
        assert ids.tolist() == [face_id]
        np.testing.assert_array_equal(vectors, np.array([[0.6, 0.8, 0]], np.float32))
        assert list(store.faces.chips([face_id])) == [(face_id, b"jpeg")]
        assert store.faces.model() == ("mark", "facenet")


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail_half_way() -> None:
        with store.transaction():
            photo = store.photos.add(PHOTO, "")
            store.faces.add_model("mark", "facenet", 3)
            store.faces.add_vectors([store.faces.add(photo, face(), b"")], np.ones((1, 3), np.float32), "mark")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert store.photos.all() == {}
    assert store.faces.all() == []


def test_a_path_that_is_not_utf8_survives(store: Store) -> None:
    path = Path(os.fsdecode(b"/p/caf\xe9.jpg"))
    store.photos.link(FileEntry(path, 1, 2), store.photos.add(PHOTO, ""))
    store.photos.add_unreadable(FileEntry(path.with_suffix(".png"), 1, 2), "why")
    assert set(store.photos.known_files()) == {path, path.with_suffix(".png")}
    assert store.photos.unreadable()[0].path == path.with_suffix(".png")


def test_dropping_a_photo_drops_its_faces_chips_and_embeddings(store: Store) -> None:
    photo = store.photos.add(PHOTO, "")
    face_id = store.faces.add(photo, face(), b"")
    store.faces.add_model("mark", "m", 3)
    store.faces.add_vectors([face_id], np.ones((1, 3), np.float32), "mark")
    store.people.replace_auto([Assignment(face_id, 1)], [1])
    store.photos.link(entry("/a.jpg"), photo)
    store.photos.add_unreadable(entry("/a.jpg", 11), "damaged by an edit")
    assert store.photos.drop_replaced() == 1
    assert store.faces.all() == []
    assert store.people.assignments() == {}
    assert len(store.faces.vectors("mark")[0]) == 0
    assert list(store.faces.chips([face_id])) == []


def test_a_moved_photo_keeps_one_path(store: Store) -> None:
    photo = store.photos.add(PHOTO, "")
    for path in ("/a.jpg", "/b.jpg"):
        store.photos.link(entry(path), photo)
    store.photos.set_missing([Path("/a.jpg")], True)
    store.photos.forget_moved()
    assert list(store.photos.known_files()) == [Path("/b.jpg")]


def test_a_missing_photo_keeps_its_path_and_faces(store: Store) -> None:
    photo = store.photos.add(PHOTO, "")
    store.faces.add(photo, face(), b"")
    store.photos.link(entry("/a.jpg"), photo)
    store.photos.set_missing([Path("/a.jpg")], True)
    store.photos.forget_moved()
    assert store.photos.drop_replaced() == 0
    assert store.photos.paths() == {}
    assert (store.counts().photos, store.counts().missing, store.counts().faces) == (0, 1, 1)
    store.photos.set_missing([Path("/a.jpg")], False)
    assert store.photos.paths() == {photo: Path("/a.jpg")}


def test_confirmed_faces_keep_their_person_and_ids_are_never_used_twice(store: Store) -> None:
    photo = store.photos.add(PHOTO, "")
    first, second = (store.faces.add(photo, face(x), b"") for x in (0.0, 20.0))
    store.people.replace_auto([Assignment(first, 1, 0.2), Assignment(second, 2, 0.3)], [1, 2])
    store.db.execute("UPDATE assignments SET kind = 'confirmed' WHERE face_id = ?", [first])
    store.people.replace_auto([Assignment(each, None, reason="alone") for each in (first, second)], [])
    assert store.people.assignments()[first] == Assignment(first, 1, 0.2, confirmed=True)
    assert store.people.assignments()[second] == Assignment(second, None, reason="alone")
    assert list(store.people.all()) == [1]
    assert store.people.next_id() == 3


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as store:
        store.db["_sqlite_migrations"].insert(  # type: ignore[union-attr]
            {"migration_set": migrations.name, "name": "m999_future", "applied_at": "2030"}
        )
    with pytest.raises(StoreError, match="newer facecluster"):
        Store(tmp_path / "a.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to look like a header that is not SQLite's" * 20)
    with pytest.raises(StoreError, match=r"notes\.txt cannot be opened"):
        Store(path)
    assert path.read_text().startswith("not a database")


def test_the_description_makes_the_same_tables(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as store, sqlite3.connect(":memory:") as other:
        other.executescript(describe())
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%sqlite_%'"
        assert set(other.execute(tables)) == set(store.db.execute(tables))
    other.close()


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "recipes.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    with pytest.raises(StoreError, match="another program"):
        Store(path)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    other.close()


def test_a_photo_is_found_by_its_content(store: Store) -> None:
    assert store.photos.find(PHOTO.sha256) is None
    photo = store.photos.add(PHOTO, "")
    assert store.photos.find(PHOTO.sha256) == photo


def test_a_transaction_waits_for_another_process(tmp_path: Path) -> None:
    """The right to write is taken at the start, so two writers never deadlock half-way."""
    with Store(tmp_path / "a.db") as first, Store(tmp_path / "a.db") as second:
        second.db.execute("PRAGMA busy_timeout = 50")
        with first.transaction(), pytest.raises(StoreError, match="locked"), second.transaction():
            pytest.fail("two transactions at once")
        with second.transaction():
            second.photos.add(PHOTO, "")
        assert len(first.photos.all()) == 1


def test_one_at_a_time_is_alone(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as first, Store(tmp_path / "a.db") as second:
        with first.alone():
            with pytest.raises(UsageError, match="Another facecluster"), second.alone():
                pytest.fail("two at once")
            assert stat.S_IMODE((tmp_path / "a.db.lock").stat().st_mode) == 0o600
            assert second.photos.all() == {}
        with second.alone():
            pass


def test_a_database_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Store(path).close()
    path.chmod(0o644)
    Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_dropped_bytes_are_gone_from_the_file(tmp_path: Path) -> None:
    path, chip = tmp_path / "a.db", b"nobody may see this face " * 40
    with Store(path) as store:
        photo = store.photos.add(PHOTO, "")
        store.faces.add(photo, face(), chip)
        store.photos.link(entry("/a.jpg"), photo)
    assert b"nobody may see" in path.read_bytes()
    with Store(path) as store:
        store.photos.add_unreadable(entry("/a.jpg", 11), "damaged by an edit")
        store.photos.drop_replaced()
    assert b"nobody may see" not in path.read_bytes()


def test_an_error_of_the_database_is_a_sentence_and_ends_the_transaction(store: Store) -> None:
    with pytest.raises(StoreError, match="cannot be written"), store.transaction():
        store.photos.link(entry("/a.jpg"), 99)
    with store.transaction():
        store.photos.add(PHOTO, "")


def test_a_commit_that_fails_ends_the_transaction(store: Store) -> None:
    store.db.execute("CREATE TABLE late (id REFERENCES photos(id) DEFERRABLE INITIALLY DEFERRED)")

    def fail_at_the_end() -> None:
        with store.transaction():
            store.photos.add(PHOTO, "")
            store.db.execute("INSERT INTO late VALUES (99)")

    with pytest.raises(StoreError, match="FOREIGN KEY"):
        fail_at_the_end()
    assert not store.db.conn.in_transaction
    assert store.photos.all() == {}


def test_ids_of_photos_are_never_used_twice(store: Store) -> None:
    photo = store.photos.add(PHOTO, "")
    store.photos.link(entry("/a.jpg"), photo)
    store.photos.add_unreadable(entry("/a.jpg", 11), "damaged by an edit")
    store.photos.drop_replaced()
    assert store.photos.add(PHOTO, "") > photo


def test_a_model_counts_once_there_are_photos(store: Store) -> None:
    store.faces.add_model("mark", "facenet", 3)
    store.faces.use_model("mark")
    assert store.faces.model() is None
    store.photos.add(PHOTO, "")
    assert store.faces.model() == ("mark", "facenet")
