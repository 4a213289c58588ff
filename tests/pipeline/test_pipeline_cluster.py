"""People in the database before and after clustering, with vectors that are directions of a plane."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from facecluster import people
from facecluster.people import ClusterOptions
from facecluster.pipeline.cluster import ClusterResult, QualityGate, apart, cluster
from facecluster.records import Box, Face, Photo
from facecluster.store import Assignment, Store

MODEL = "mark"
OPTIONS = ClusterOptions(min_size=2, join_distance=0.5)


def add(store: Store, degrees: Iterable[float], model: str | None = MODEL) -> list[int]:
    """A face in a photo of its own for every direction; without ``model`` it is not embedded."""
    ids = []
    with store.transaction():
        for known in (MODEL, "other"):
            store.faces.add_model(known, known, 2)
        for angle in np.radians(list(degrees)):
            sha256 = f"{len(store.photos.all()):064}"
            photo = store.photos.add(Photo(sha256, "JPEG", 400, 300), "")
            face = Face(Box(0, 0, 99, 99), np.zeros((5, 2), np.float32), 0.99, 100.0, 1.0)
            ids.append(store.faces.add(photo, face, b"chip"))
            if model:
                vector = np.array([[np.cos(angle), np.sin(angle)]], np.float32)
                store.faces.add_vectors(ids[-1:], vector, model)
    return ids


def confirm(store: Store, face_ids: list[int], person: int) -> None:
    """What a user's word does; no command says it yet."""
    store.db.execute("INSERT OR IGNORE INTO people (id) VALUES (?)", [person])
    for face_id in face_ids:
        store.db.execute(
            """INSERT OR REPLACE INTO assignments (face_id, person_id, kind, distance)
               VALUES (?, ?, 'confirmed', 9)""",
            [face_id, person],
        )


def run(store: Store, dry_run: bool = False, anew: bool = False) -> ClusterResult:
    return cluster(store, MODEL, OPTIONS, QualityGate(), dry_run, anew)


def owners(store: Store, face_ids: list[int]) -> list[int | None]:
    after = store.people.assignments()
    return [after[face_id].person_id for face_id in face_ids]


def test_the_group_of_a_confirmed_face_takes_its_person(store: Store) -> None:
    near, far = add(store, (0, 1, 2)), add(store, (90, 91, 92, 93))
    confirm(store, near[:1], 7)
    confirm(store, far, 7)
    store.db.execute("UPDATE assignments SET kind = 'auto' WHERE face_id != ?", [near[0]])
    result = run(store, anew=True)
    assert owners(store, near) == [7, 7, 7]
    assert owners(store, far) == [8, 8, 8, 8]
    assert (result.joined, result.moved, result.new, result.gone) == (2, 4, 1, 0)


def test_a_group_of_confirmed_faces_alone_makes_nobody_new(store: Store) -> None:
    first, second, third = add(store, (0, 1)), add(store, (90, 91)), add(store, (180, 181))
    confirm(store, [*first, *second], 5)
    result = run(store)
    assert owners(store, [*first, *second]) == [5] * 4
    assert owners(store, third) == [6, 6]
    assert result.new == 1
    assert list(store.people.all()) == [5, 6]
    assert store.people.next_id() == 7


def written(store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[int, Assignment]:
    """Cluster, and the assignments that the store is given."""
    given: list[Assignment] = []
    monkeypatch.setattr(store.people, "replace_auto", lambda after, new: given.extend(after))
    run(store)
    return {assignment.face_id: assignment for assignment in given}


def test_distances_are_to_the_mean_of_whoever_owns_the_face(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = add(store, (0, 2, 4)) + add(store, (90, 91))
    confirm(store, [faces[0], faces[3]], 5)
    after = written(store, monkeypatch)
    angles = np.radians((0, 2, 4, 90, 91))
    vectors = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    for person in {a.person_id for a in after.values() if a.person_id}:
        mine = [i for i, face in enumerate(faces) if after[face].person_id == person]
        for i in mine:
            expected = float(np.square(vectors[i] - vectors[mine].mean(axis=0)).sum())
            assert after[faces[i]].distance == pytest.approx(expected, abs=1e-5)
    assert after[faces[3]].confirmed
    assert after[faces[3]].person_id == after[faces[0]].person_id == 5


def test_faces_that_the_model_has_not_embedded_are_reported(store: Store) -> None:
    embedded, other = add(store, (0, 1)), add(store, (2, 3, 4), model="other")
    confirm(store, other[:1], 5)
    result = run(store)
    assert (result.faces, result.nobody) == (5, {"not embedded": 2})
    assert owners(store, [*embedded, *other]) == [6, 6, 5, None, None]
    assert run(store).new == run(store).moved == 0


def test_everything_is_read_in_one_transaction(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another connection that drops a photo after the vectors were read has to wait for the other reads."""
    faces = add(store, (0, 1, 2))
    vectors = store.faces.vectors
    refused = []

    def then_drop(model: str) -> object:
        read = vectors(model)
        other = sqlite3.connect(store.path, timeout=0)
        try:
            other.execute("DELETE FROM faces WHERE id = ?", [faces[0]])
            other.commit()
        except sqlite3.OperationalError as error:
            refused.append(str(error))
        finally:
            other.close()
        return read

    monkeypatch.setattr(store.faces, "vectors", then_drop)
    assert run(store).people[0].faces == 3
    assert refused == ["database is locked"]


def test_grouping_does_not_keep_the_database_locked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, (0, 1, 2))
    inside: list[bool] = []
    transaction = store.transaction

    @contextmanager
    def watched() -> Iterator[None]:
        with transaction():
            inside.append(True)
            yield
        inside.pop()

    def grouped(*arguments: Any) -> object:
        assert not inside
        return people_cluster(*arguments)

    people_cluster = people.cluster
    monkeypatch.setattr(store, "transaction", watched)
    monkeypatch.setattr(people, "cluster", grouped)
    assert run(store, dry_run=True).joined == 3
    assert store.people.all() == {}


def test_people_grow_and_keep_their_faces(store: Store) -> None:
    """A new face between two people joins one; it does not make them one, nor do faces change sides."""
    left, right = add(store, (0, 4, 8)), add(store, (60, 64, 68))
    run(store)
    one, two = owners(store, left)[0], owners(store, right)[0]
    new = add(store, (20, 22, 40, 42))
    result = run(store)
    assert owners(store, left) == [one] * 3
    assert owners(store, right) == [two] * 3
    assert owners(store, new) == [one, one, two, two]
    assert (result.joined, result.moved, result.new, result.gone) == (4, 0, 0, 0)


def test_people_who_are_near_become_one_only_anew_and_untouched(store: Store) -> None:
    first, second = add(store, (0, 1)), add(store, (3, 4))
    with store.transaction():
        store.people.replace_auto(
            [Assignment(face, 1 + (face in second)) for face in (*first, *second)], new_people=(1, 2)
        )
    assert run(store, dry_run=True).moved == 0
    assert run(store, dry_run=True, anew=True).gone == 1
    store.people.change(1, name="Anna")
    assert run(store, dry_run=True, anew=True).gone == 1  # the other, untouched one joins her
    store.people.change(2, name="Her twin")
    assert run(store, anew=True).moved == 0
    assert owners(store, [*first, *second]) == [1, 1, 2, 2]


def test_a_touched_person_without_faces_stays(store: Store) -> None:
    add(store, (0, 1))
    run(store)
    store.people.assign([1, 2], None, reason="rejected")
    store.people.reject([1, 2], 1)
    store.people.change(1, name="Anna")
    run(store)
    assert store.people.all()[1].name == "Anna"
    assert owners(store, [1, 2]) == [2, 2]


def test_no_face_from_before_a_birth_joins(store: Store) -> None:
    known = add(store, (0, 1, 2))
    run(store)
    store.people.change(1, born="2010-06-01")
    with store.transaction():
        for day, sha256 in ((31, "a" * 64), (1, "b" * 64)):
            taken = datetime(2010, 5 if day == 31 else 6, day, 12)
            photo = store.photos.add(Photo(sha256, "JPEG", 400, 300, taken), "")
            face = store.faces.add(
                photo, Face(Box(0, 0, 99, 99), np.zeros((5, 2), np.float32), 0.99, 100.0, 1.0), b""
            )
            store.faces.add_vectors([face], np.array([[1.0, 0.0]], np.float32), MODEL)
            known.append(face)
    run(store)
    assert owners(store, known) == [1, 1, 1, None, 1]


def test_faces_from_before_a_birth_leave_unless_they_are_confirmed(store: Store) -> None:
    known = add(store, (0, 1, 2, 3))
    run(store)
    store.db.execute("UPDATE photos SET taken_at = '2009-01-01T00:00:00' WHERE id IN (3, 4)")
    store.people.change(1, born="2010-06-01")
    with store.transaction():
        store.people.assign(known[3:], 1)
    run(store)
    assert owners(store, known) == [1, 1, None, 1]


def test_apart_takes_the_nearest_groups_apart(store: Store) -> None:
    faces = add(store, (0, 1, 2, 30, 31))
    assert apart(store, MODEL, faces, OPTIONS) == [faces[:3], faces[3:]]
    assert apart(store, MODEL, faces[:1], OPTIONS) == [faces[:1]]
    other = add(store, (5,), model="other")
    assert apart(store, MODEL, [*faces, *other], OPTIONS) == [[*faces[:3], *other], faces[3:]]
