"""The library's own join distance: chosen from made-up people, stored, used, forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from facecluster.errors import UsageError
from facecluster.evaluation import val_at_far
from facecluster.nets.specs import spec_of
from facecluster.pipeline import Library
from facecluster.pipeline.calibrate import Calibration, calibrate
from facecluster.records import Box, Face, Photo
from facecluster.store import Store

MODEL = "mark"
PRESENT = 1.05


def photo_of(store: Store, *vectors: Sequence[float], sharpness: float = 100.0) -> list[int]:
    """A photo with a face for each vector."""
    with store.transaction():
        store.faces.add_model(MODEL, "facenet", len(vectors[0]))
        store.faces.use_model(MODEL)
        photo = store.photos.add(Photo(f"{len(store.photos.all()):064}", "JPEG", 400, 300), "")
        face = Face(Box(0, 0, 99, 99), np.zeros((5, 2), np.float32), 0.99, sharpness, 1.0)
        ids = [store.faces.add(photo, face, b"chip") for _ in vectors]
        unit = np.array(vectors, np.float32)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        store.faces.add_vectors(ids, unit, MODEL)
    return ids


def confirm(store: Store, *faces: int) -> int:
    with store.transaction():
        person = store.people.add()
        store.people.assign(faces, person)
    return person


def three(store: Store) -> list[list[int]]:
    """Three people with four equal faces each, 2 apart: 24 comparisons."""
    own = [[photo_of(store, axis)[0] for _ in range(4)] for axis in np.eye(4)[:3].tolist()]
    for faces in own:
        confirm(store, *faces)
    return own


def at(distance: float, axis: int) -> list[float]:
    """A direction in four dimensions at that squared distance from an axis, and 2 from the other two people."""
    vector = [0.0, 0.0, 0.0, np.sqrt(1 - (1 - distance / 2) ** 2)]
    vector[axis] = 1 - distance / 2
    return vector


def found(store: Store, rate: float) -> Calibration:
    return calibrate(store, MODEL, PRESENT, rate)


def test_the_distance_is_the_largest_that_the_rate_allows(store: Store) -> None:
    own = three(store)
    assert (found(store, 0.05).found.join_distance, found(store, 0.05).others) == (0.0, 24)
    for faces, distance in zip(own, (0.8, 0.9), strict=False):
        (stranger,) = photo_of(store, at(distance, own.index(faces)))
        with store.transaction():
            store.people.reject([stranger], own.index(faces) + 1)
    result = found(store, 0.04)  # one of 26
    assert result.found.join_distance == pytest.approx(0.8)
    assert (result.found.own, result.found.others) == (1.0, 1 / 26)
    assert found(store, 0.1).found.join_distance == pytest.approx(0.9)
    assert found(store, 2 / 26).found.others == 2 / 26
    assert (result.present.join_distance, result.present.own, result.present.others) == (PRESENT, 1.0, 2 / 26)
    assert (result.people, result.own, result.others) == (3, 12, 26)
    assert (result.own_histogram[0], sum(result.own_histogram), sum(result.others_histogram)) == (12, 12, 26)


def test_faces_of_one_photo_are_of_two_people(store: Store) -> None:
    three(store)
    anna, _ = photo_of(store, [1, 0, 0, 0], at(1.0, 0))
    assert found(store, 0.05).others == 24  # nobody said whose either of them is
    with store.transaction():
        store.people.assign([anna], 1)
    result = found(store, 1 / 27)
    assert (result.own, result.others) == (13, 27)
    assert result.found.join_distance == pytest.approx(1.0)


@pytest.mark.parametrize("why", ["a mirror", "theirs", "blurred", "confirmed for another"])
def test_what_is_beside_a_person_may_be_no_stranger(store: Store, why: str) -> None:
    three(store)
    near = 0.3 if why == "a mirror" else 1.0  # the limit is 0.35 of the join distance
    anna, beside = photo_of(store, [1, 0, 0, 0], at(near, 0), sharpness=1.0 if why == "blurred" else 100.0)
    with store.transaction():
        store.people.assign([anna], 1)
        if why == "theirs":
            store.people.assign([beside], 1, confirmed=False)
        if why == "confirmed for another":
            store.people.assign([beside], 2)
            store.people.reject([beside], 1)
    expected = {"blurred": 24, "confirmed for another": 28}  # once, as every confirmed face is compared
    assert found(store, 0.05).others == expected.get(why, 26)


def test_it_is_val_at_far_of_all_comparisons(store: Store) -> None:
    random = np.random.default_rng(5)
    centres = random.normal(size=(12, 6))
    vectors = (np.repeat(centres, 6, axis=0) + 0.7 * random.normal(size=(72, 6))).astype(np.float32)
    faces = [photo_of(store, vector)[0] for vector in vectors.tolist()]
    for person in range(12):
        confirm(store, *faces[6 * person : 6 * person + 6])
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(float)
    distances, same = [], []
    for i, person in np.ndindex(72, 12):
        members = [m for m in range(6 * person, 6 * person + 6) if m != i]
        distances.append(np.square(unit[i] - unit[members]).sum(axis=1).mean())
        same.append(i // 6 == person)
    for rate in (0.002, 0.01, 0.05, 0.1):
        expected = val_at_far(np.array(distances, np.float32), np.array(same), rate)
        result = found(store, rate).found
        assert result.join_distance == pytest.approx(expected.threshold, abs=1e-5)
        assert (result.own, result.others) == pytest.approx((expected.val, expected.far))
        assert 0 < result.own < 1


def test_too_little_says_what_there_is_and_what_is_needed(store: Store) -> None:
    with pytest.raises(UsageError, match=r"0 of at least 2 people with 3 .* 0 of at least 1,000 comparisons"):
        found(store, 0.001)
    three(store)
    sentence = r"3 of at least 2 people .* 24 of at least 1,000 comparisons .* or ask for --rate 0\.05\.$"
    with pytest.raises(UsageError, match=sentence):
        found(store, 0.001)
    assert found(store, 0.05).others == 24
    for rate in (0.0, 0.11, -1.0, float("nan")):
        with pytest.raises(UsageError, match="ask for more than 0 and at most"):
            found(store, rate)


def test_one_person_cannot_be_told_from_nobody(store: Store) -> None:
    confirm(store, *[photo_of(store, [1, 0])[0] for _ in range(9)])
    confirm(store, *[photo_of(store, [0, 1])[0] for _ in range(2)])
    with pytest.raises(
        UsageError, match=r"1 of at least 2 people .* 11 of at least 10 .*`facecluster people"
    ) as no:
        found(store, 0.1)
    assert "or ask for" not in str(no.value)


def test_two_people_with_equal_faces_cannot_be_told_apart(store: Store) -> None:
    for _ in range(2):
        confirm(store, *[photo_of(store, [1, 0])[0] for _ in range(5)])
    with pytest.raises(UsageError, match="No distance tells these people apart"):
        found(store, 0.1)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Three people; a stranger was rejected from each, 0.8, 0.9 and 1.95 away."""
    made = Library(tmp_path / "library.db")
    three(made.store)
    for axis, distance in enumerate((0.8, 0.9, 1.95)):
        (stranger,) = photo_of(made.store, at(distance, axis))
        with made.store.transaction():
            made.store.people.reject([stranger], axis + 1)
    return made


def test_what_is_stored_is_used_until_it_is_forgotten(library: Library) -> None:
    with library:
        models = spec_of("facenet").join_distance
        result = library.calibrate(0.04)
        assert (result.saved, result.present.join_distance) == (False, models)
        assert library.cluster_options().join_distance == models
        assert library.status().calibrated is None
        assert library.calibrate(0.04, save=True).saved
        assert library.cluster_options().join_distance == pytest.approx(0.8)
        kept = library.status().calibrated
        assert kept is not None
        assert (kept.join_distance, kept.rate) == (library.cluster_options().join_distance, 0.04)
        again = library.calibrate(0.08, save=True)
        assert again.present.join_distance == pytest.approx(0.8)
        assert library.cluster_options().join_distance == pytest.approx(0.9)
        assert library.forget_calibration()
        assert not library.forget_calibration()
        assert library.cluster_options().join_distance == models


def test_another_models_value_is_not_used(library: Library) -> None:
    with library:
        library.calibrate(0.04, save=True)
        with library.store.transaction():
            library.store.faces.add_model("other", "sface", 4)
            library.store.faces.use_model("other")
        assert library.cluster_options().join_distance == spec_of("sface").join_distance
        assert library.status().calibrated is None
        assert not library.forget_calibration()
        library.store.faces.use_model(MODEL)
        assert library.cluster_options().join_distance == pytest.approx(0.8)


def test_a_strange_distance_is_shown_but_not_stored(library: Library) -> None:
    with library:
        models = library.cluster_options().join_distance
        result = calibrate(library.store, MODEL, PRESENT, 0.1)
        assert result.doubt is None
        far = library.store.people.rejections()[:2]
        for face, person in far:  # the user takes the two near ones back
            with library.store.transaction():
                library.store.people.assign([face], person, confirmed=False)
        result = library.calibrate(0.04)
        assert result.found.join_distance == pytest.approx(1.95)
        assert result.doubt is not None
        assert "1.95, cannot be stored" in result.doubt
        assert "too different" in result.doubt
        with pytest.raises(UsageError, match="cannot be stored"):
            library.calibrate(0.04, save=True)
        assert library.cluster_options().join_distance == models


def test_too_near_is_strange_too(store: Store) -> None:
    three(store)
    result = found(store, 0.05)
    assert (result.found.join_distance, "one person is there twice" in (result.doubt or "")) == (0.0, True)


def test_an_empty_library_is_to_be_scanned(tmp_path: Path) -> None:
    with Library(tmp_path / "new.db") as library:
        with pytest.raises(UsageError, match="facecluster scan"):
            library.calibrate()
        assert not library.forget_calibration()
