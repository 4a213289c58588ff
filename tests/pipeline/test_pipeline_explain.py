"""Why a face is where it is, against slow oracles and against what clustering does."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from facecluster.errors import UsageError
from facecluster.people import ClusterOptions
from facecluster.people.joining import CHOICES
from facecluster.pipeline.cluster import QualityGate, cluster
from facecluster.pipeline.explain import PEOPLE, explain
from facecluster.pipeline.explanation import Explanation, Near, Rule
from facecluster.records import Box, Face, FileEntry, Photo
from facecluster.store import Store
from tests.pipeline.test_pipeline_people import MODEL, add, clustered, people_of

OPTIONS = ClusterOptions(min_size=2, join_distance=0.5)


def add_photo(
    store: Store, *vectors: np.ndarray, taken_at: datetime | None = None, score: float = 0.99
) -> list[int]:
    """One photo with a face for every vector."""
    with store.transaction():
        store.faces.add_model(MODEL, MODEL, len(vectors[0]))
        number = len(store.photos.all())
        photo = store.photos.add(Photo(f"{number:064}", "JPEG", 400, 300, taken_at), "")
        store.photos.link(FileEntry(Path(f"/photos/{number}.jpg"), 1, 1), photo)
        face = Face(Box(0, 0, 99, 120), np.zeros((5, 2), np.float32), score, 100.0, 0.5)
        ids = [store.faces.add(photo, face, b"chip") for _ in vectors]
        store.faces.add_vectors(ids, np.array(vectors, np.float32), MODEL)
    return ids


def at(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def why(store: Store, face: int, options: ClusterOptions = OPTIONS) -> Explanation:
    return explain(store, MODEL, face, options, QualityGate())


def against(store: Store, face: int, person: int) -> Near:
    return next(near for near in why(store, face).people if near.person_id == person)


def random_library(store: Store, seed: int, photos: int = 60) -> None:
    """Photos with one to three faces of seven people, or of nobody else."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(7, 5))
    for _ in range(photos):
        who = rng.integers(0, 7, rng.integers(1, 4))
        vectors = centres[who] + 0.35 * rng.normal(size=(len(who), 5))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        taken_at = datetime(2010 + int(rng.integers(10)), 5, 5)
        add_photo(store, *vectors, taken_at=taken_at, score=0.99 if rng.random() < 0.8 else 0.9)


def test_distances_are_mean_squared_distances_without_the_face_itself(store: Store) -> None:
    random_library(store, seed=1)
    cluster(store, MODEL, OPTIONS, QualityGate())
    people_of(store).confirm("1")
    ids, vectors = store.faces.vectors(MODEL)
    vector = dict(zip(ids.tolist(), vectors.astype(float), strict=True))
    now = store.people.assignments()
    persons = store.people.all()
    assert len(persons) > PEOPLE
    for face in ids.tolist()[::7]:

        def far(other: int, face: int = face) -> float:
            return float(np.square(vector[face] - vector[other]).sum())

        members = {id_: [f for f, a in now.items() if a.person_id == id_ and f != face] for id_ in persons}
        mean = {id_: sum(map(far, of)) / len(of) for id_, of in members.items() if of}
        nearest = sorted(mean, key=lambda id_: mean[id_])
        shown = [i for i in nearest if i in nearest[:PEOPLE] or i == now[face].person_id]
        told = why(store, face)
        assert [near.person_id for near in told.people] == shown
        for near in told.people:
            assert near.distance == pytest.approx(mean[near.person_id], abs=1e-5)
            assert near.faces == len(members[near.person_id])
            assert near.within == sum(far(other) <= OPTIONS.join_distance for other in members[near.person_id])
            assert near.owns == (near.person_id == now[face].person_id)
            assert ("far" in near.against) == (mean[near.person_id] > OPTIONS.join_distance)
        own = now[face].person_id
        assert told.distance == (pytest.approx(mean[own], abs=1e-5) if own in mean else None)
        sure = sorted((far(f), f) for f, a in now.items() if a.confirmed and f != face)[:5]
        assert [(c.face_id, c.person_id) for c in told.confirmed_faces] == [(f, now[f].person_id) for _, f in sure]
        assert [c.distance for c in told.confirmed_faces] == pytest.approx([d for d, _ in sure], abs=1e-5)


def rules_of_nobodys(store: Store) -> set[str]:
    """Cluster, and tell all that keeps faces of nobody from people: at least one thing for each who is near."""
    cluster(store, MODEL, OPTIONS, QualityGate())
    told = [why(store, a.face_id) for a in store.people.assignments().values() if a.person_id is None]
    assert told
    assert all(near.against for face in told for near in face.people)
    return {rule for face in told for near in face.people for rule in near.against}


def test_a_face_of_nobody_is_kept_from_everybody_near(tmp_path: Path) -> None:
    """What clustering leaves to nobody has a rule against each person that it tries; also after corrections."""
    assert PEOPLE == CHOICES
    rules: set[str] = set()
    for seed in range(6):
        with Store(tmp_path / f"{seed}.db") as store:
            random_library(store, seed)
            assert rules_of_nobodys(store) <= {"far", "same photo"}
            people = people_of(store)
            for person in people.all()[:3]:
                faces = [face.face_id for face in people.show(str(person.id))[1]]
                people.reject(faces[:2], str(person.id))
            people.born(str(people.all()[0].id), "2014-01-01")
            rules |= rules_of_nobodys(store)
    assert rules == {"far", "same photo", "rejected", "born later"}


def test_the_rules_are_told(store: Store) -> None:
    first = [add_photo(store, at(angle))[0] for angle in (0, 1, 2, 3)]
    one, twin, other = add_photo(store, at(1), at(1.5), at(30), taken_at=datetime(2012, 3, 4, 5, 6))
    clustered(store)
    assert {store.people.assignments()[face].person_id for face in (*first, one, twin)} == {1}
    told = why(store, other)
    assert (told.person_id, told.reason, told.taken_at) == (None, "same photo", datetime(2012, 3, 4, 5, 6))
    assert told.paths == [Path("/photos/4.jpg")]
    near = against(store, other, 1)
    assert (near.against, near.rivals) == (("same photo",), (one, twin))
    assert against(store, one, 1).against == (), "nearly equal faces of one photo may be one person's"

    people_of(store).reject([other], "1")
    people_of(store).born("1", "2012-03-05")
    store.db.execute("INSERT INTO links (one, other, same) VALUES (?, ?, 0)", [first[0], other])
    store.db.execute("INSERT INTO links (one, other, same) VALUES (?, ?, 1)", [first[1], other])
    near = against(store, other, 1)
    assert near.against == ("rejected", "told apart", "same photo", "born later")
    assert (near.rivals, near.born) == ((first[0], one, twin), "2012-03-05")
    assert against(store, first[0], 1).against == (), "an undated photo is older than nobody"
    people_of(store).born("1", "2012-03-04")
    assert "born later" not in against(store, other, 1).against
    assert "far" in why(store, other, ClusterOptions(join_distance=0.1)).people[0].against


def test_a_confirmed_face_stays_whatever_speaks_against_it(store: Store) -> None:
    add(store, [0, 1, 2, 90, 91, 92])
    clustered(store)
    people_of(store).move([1], "2")
    told = why(store, 1)
    assert (told.person_id, told.title, told.confirmed) == (2, "Person 002", True)
    assert [(near.person_id, near.owns, near.against) for near in told.people] == [
        (1, False, ("rejected",)),
        (2, True, ("far",)),
    ]
    assert told.distance == told.people[1].distance == pytest.approx(2, abs=0.1)
    assert told.paths == []


def test_whose_the_face_is_is_told_however_far(store: Store) -> None:
    for face in add(store, [0, 0, 30, 60, 90, 120, 150, 180])[1:]:
        store.people.assign([face], store.people.add())
    people_of(store).move([1], "7")
    assert [near.person_id for near in why(store, 1).people] == [1, 2, 3, 4, 7]


def test_a_face_alone_has_no_distance_to_itself(store: Store) -> None:
    add(store, [0, 1, 2, 90])
    clustered(store)
    people_of(store).split("1", [1])
    told = why(store, 1)
    assert told.title == "Person 002"
    assert told.distance is None
    near = told.people[0]
    assert (near.person_id, near.owns, near.faces, near.distance) == (2, True, 0, None)
    assert [face.face_id for face in told.confirmed_faces] == []


def test_a_face_without_an_embedding_or_a_person(store: Store) -> None:
    add(store, [0, 1])
    assert why(store, 1).reason is None
    clustered(store)
    store.db.execute("DELETE FROM embeddings WHERE face_id = 2")
    told = why(store, 2)
    assert (told.embedded, told.people, told.confirmed_faces, told.distance) == (False, [], [], None)
    assert told.person_id == 1
    with pytest.raises(UsageError, match="There is no face 3; `facecluster people show`"):
        why(store, 3)


def test_quality_is_beside_the_gate(store: Store) -> None:
    good, bad = add_photo(store, at(0))[0], add_photo(store, at(1), score=0.9)[0]
    told = why(store, good)
    assert (told.quality.score, told.quality.width, told.quality.sharpness) == (0.99, 99, 100)
    assert (told.quality.frontality, told.quality.may_form) == (0.5, True)
    assert not why(store, bad).quality.may_form
    assert told.gate == QualityGate()


def test_a_hundred_thousand_faces_take_less_than_a_second(store: Store) -> None:
    count, rng = 100_000, np.random.default_rng(0)
    vectors = rng.normal(size=(count, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.transaction():
        store.faces.add_model(MODEL, MODEL, 128)
        photo = store.photos.add(Photo("0" * 64, "JPEG", 400, 300), "")
        face = Face(Box(0, 0, 99, 99), np.zeros((5, 2), np.float32), 0.99)
        for _ in range(count):
            store.faces.add(photo, face, b"chip")
        store.faces.add_vectors(range(1, count + 1), vectors, MODEL)
        for person in range(2000):
            store.people.add()
            store.people.assign(range(person * 40 + 1, person * 40 + 41), person + 1, confirmed=person % 2 == 0)
    begun = time.perf_counter()
    told = why(store, 5)
    assert time.perf_counter() - begun < 1
    assert told.person_id == 1


def test_a_child_is_compared_at_the_age_of_the_face(store: Store) -> None:
    for degrees, year in ((0, 2001), (1, 2001), (60, 2009), (61, 2009), (2, 2009), (30, 2005)):
        add_photo(store, at(degrees), taken_at=datetime(year, 7, 1))
    people = people_of(store)
    with store.transaction():
        store.people.assign([1, 2, 3, 4], store.people.add())
    assert against(store, 5, 1).distance == pytest.approx(
        np.mean([2 - 2 * np.cos(np.radians(a)) for a in (2, 1, 58, 59)]), abs=1e-4
    )
    people.born("1", "2000-07-01")
    near = against(store, 5, 1)
    assert near.distance == pytest.approx(np.mean([2 - 2 * np.cos(np.radians(a)) for a in (58, 59)]), abs=1e-4)
    assert near.against == (Rule.FAR,)
    nothing = against(store, 6, 1)  # at five there is no face within a year and two thirds
    assert (nothing.distance, nothing.against) == (None, (Rule.OTHER_AGE,))
