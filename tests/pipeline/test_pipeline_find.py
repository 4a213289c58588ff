"""Who is in a photo, and who is together on one: known answers on made-up faces."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from facecluster.errors import ModelMismatchError, UnreadablePhotoError, UsageError
from facecluster.nets.far import FarCurve, far_curve
from facecluster.nets.weights import fingerprint
from facecluster.people import Gallery
from facecluster.pipeline import verify as verification
from facecluster.pipeline.find import LIKELY, SURE, Finder, Strangers, Verdict, together
from facecluster.pipeline.outcomes import Claims, Outcome, Seen
from facecluster.records import Box, Face, FileEntry, Float32, Photo
from facecluster.store import Store

POINTS = np.zeros((5, 2), np.float32)
CURVE = FarCurve((0.5, 0.1, 0.01, 0.001), (2.0, 1.6, 1.2, 1.0))


def face(x: float = 0, sharpness: float = 100.0, size: float = 80) -> Face:
    return Face(Box(x, 0, x + size, size), POINTS, 0.99, sharpness, 1.0)


def unit(*numbers: float) -> Float32:
    vector = np.zeros(128, np.float32)
    vector[: len(numbers)] = numbers
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def photo(number: int, taken_at: datetime | None = None) -> Photo:
    return Photo(f"{number:064}", "JPEG", 400, 300, taken_at)


@pytest.fixture
def library(store: Store) -> Store:
    """Anna (1) points along the first axis, Bea (2) along the second; photo 3 shows both, photo 4 a blur, too."""
    mark = fingerprint("facenet")
    with store.transaction():
        store.faces.add_model(mark, "facenet", 128)
        store.faces.use_model(mark)
        for name in ("Anna", "Bea"):
            store.people.change(store.people.add(), name=name)
        both: list[tuple[int | None, Float32]] = [(1, unit(1, 0.1)), (2, unit(0.1, 1))]
        shown: list[list[tuple[int | None, Float32]]] = [
            [(1, unit(1))],
            [(2, unit(0, 1))],
            both,
            [*both, (None, unit(0, 0, 1))],
        ]
        for number, faces in enumerate(shown, 1):
            id_ = store.photos.add(photo(number, datetime(2020 - number, 1, 1) if number < 4 else None), "")
            store.photos.link(FileEntry(Path(f"/p/{number}.jpg"), 1, 1), id_)
            for x, (person, vector) in enumerate(faces):
                face_id = store.faces.add(id_, face(100 * x, 1.0 if person is None else 100.0), b"")
                store.faces.add_vectors([face_id], vector[None], mark)
                store.people.assign([face_id], person, confirmed=number == 1)
    return store


def finder(store: Store, *seen: Seen, sha256: str = "new", join_distance: float = 1.05) -> Finder:
    def look(path: Path, claims: Claims) -> Outcome:
        entry = FileEntry(path, 0, 0)
        return Outcome(entry, sha256, photo(9), seen) if claims.claim(sha256) else Outcome(entry, sha256)

    return Finder(store, "facenet", join_distance, look)


def test_a_known_face_a_doubtful_one_and_a_stranger(library: Store) -> None:
    curve = far_curve("facenet", "person")
    assert curve
    doubtful = (curve.distance(LIKELY / 2) + curve.distance(SURE / 2)) / 2  # there are two people
    wanted = [0.2, doubtful, 1.99]
    mean = Gallery.of(*_assigned(library)).means[0].astype(np.float64)
    vectors = [_at(distance, mean) for distance in wanted]
    seen = [Seen(face(100 * (2 - i)), b"", vector) for i, vector in enumerate(vectors)]
    found = finder(library, *seen, join_distance=1.3)(Path("new.jpg"))
    assert [one.box.x0 for one in found.faces] == [0, 100, 200]
    stranger, maybe, anna = found.faces
    assert (anna.verdict, anna.person, anna.how) == (Verdict.YES, "Anna", "distance")
    assert (maybe.verdict, maybe.person) == (Verdict.MAYBE, "Anna")
    assert (stranger.verdict, stranger.person) == (Verdict.NOBODY, None)
    assert anna.people[0].distance == pytest.approx(0.2, abs=1e-3)
    assert anna.people[0].false_matches == pytest.approx(2 * curve.rate(0.2), rel=0.01)
    assert [near.title for near in anna.people] == ["Anna", "Bea"]


def _assigned(store: Store) -> tuple[Float32, np.ndarray]:
    ids, vectors = store.faces.vectors(fingerprint("facenet"))
    owner = store.people.assigned()
    return vectors, np.array([owner.get(id_, -1) for id_ in ids.tolist()])


def _at(distance: float, mean: np.ndarray) -> Float32:
    """A unit vector whose 2 - 2·x·mean is ``distance``; its other part lies along an axis of its own."""
    along = (1 - distance / 2) / np.linalg.norm(mean)
    vector = along * mean / np.linalg.norm(mean)
    vector[9] = np.sqrt(1 - along**2)
    return np.asarray(vector, np.float32)


def test_the_join_distance_bounds_what_is_sure(library: Store) -> None:
    seen = Seen(face(), b"", unit(1, 0.5))
    assert finder(library, seen)(Path("a")).faces[0].verdict is Verdict.YES
    assert finder(library, seen, join_distance=0.1)(Path("a")).faces[0].verdict is not Verdict.YES


def test_what_the_user_said_is_known(library: Store) -> None:
    anna = library.faces.of_photo(4, fingerprint("facenet"))[0].id
    with library.transaction():
        library.people.assign([anna], None)
        library.people.reject([anna], 1)
    (face, *_) = finder(library, sha256=photo(4).sha256)(Path("x")).faces
    assert (face.person, [near.title for near in face.people]) == (None, [])  # Bea is in the photo, too
    with library.transaction():
        library.people.accept(1)
        library.people.change(2, born="2015-01-01")
    unborn = photo(9, datetime(2014, 1, 1))

    def look(path: Path, claims: Claims) -> Outcome:
        return Outcome(FileEntry(path, 0, 0), "new", unborn, (Seen(face_(), b"", unit(0, 1)),))

    def face_() -> Face:
        return Face(Box(0, 0, 80, 80), POINTS, 0.99, 100.0, 1.0)

    (other,) = Finder(library, "facenet", 1.05, look)(Path("x")).faces
    assert [near.title for near in other.people] == ["Anna"]


def test_people_are_those_when_it_was_made(library: Store) -> None:
    made = finder(library, sha256=photo(1).sha256)
    with library.transaction():
        library.people.assign([1], library.people.add())
    assert [one.person for one in made(Path("x")).faces] == ["Anna"]


def test_a_curve_moves_to_where_the_people_of_a_library_are() -> None:
    moved = CURVE.adapted(1.5, 0.9)
    assert [moved.rate(1.5), moved.rate(0.9)] == pytest.approx([0.1, 0.01])
    assert CURVE.adapted(1.6, 1.2).distances == pytest.approx(CURVE.distances)
    rng = np.random.default_rng(0)
    people = rng.normal(size=(40, 128))
    vectors = np.repeat(people, 5, axis=0) + 0.3 * rng.normal(size=(200, 128)) + 2 * rng.normal(size=128) / 2
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    owner = np.arange(200) // 5
    gallery = Gallery.of(vectors, owner)
    slow = [
        np.mean([np.square(vectors[i] - vectors[k]).sum() for k in np.flatnonzero(owner == person)])
        for i in range(0, 200, 2)
        for person in range(40)
        if person != owner[i]
    ]
    assert sorted(gallery.strangers(vectors, owner, 100).tolist()) == pytest.approx(sorted(slow), abs=1e-5)
    alike = Strangers.of("facenet", gallery, vectors, owner)
    shipped = far_curve("facenet", "person")
    assert shipped
    tenth = float(np.quantile(gallery.strangers(vectors, owner, 2000), 0.1))
    assert alike.matches(tenth) == pytest.approx(40 * max(0.1, shipped.rate(tenth)), rel=1e-3)
    assert alike.matches(1.0) != pytest.approx(40 * shipped.rate(1.0))
    few = Strangers.of("facenet", Gallery.of(vectors[:10], owner[:10]), vectors[:10], owner[:10])
    assert few.matches(1.0) == pytest.approx(2 * shipped.rate(1.0))
    assert Strangers.of("facenet-vggface2", gallery, vectors, owner).matches(1.0) is None


def test_a_photo_of_the_library_is_not_searched_again(library: Store) -> None:
    alone = finder(library, sha256=photo(1).sha256)(Path("copy.jpg")).faces
    assert [(one.person, one.how, one.verdict) for one in alone] == [("Anna", "confirmed", "yes")]
    faces = finder(library, sha256=photo(4).sha256)(Path("copy.jpg")).faces
    assert [(one.person, one.how) for one in faces] == [
        ("Anna", "cluster"),
        ("Bea", "cluster"),
        (None, "distance"),
    ]


def test_a_file_that_is_no_photo_has_a_reason(library: Store) -> None:
    def look(path: Path, claims: Claims) -> Outcome:
        return Outcome(FileEntry(path, 0, 0), reason="it is empty")

    assert Finder(library, "facenet", 1.05, look)(Path("x.jpg")).reason == "it is empty"


def test_nobody_is_known_before_cluster(store: Store, library: Store) -> None:
    with store.transaction():
        store.people.assign(store.people.assigned(), None)
    with pytest.raises(UsageError, match="Nobody is known yet"):
        finder(store)
    with store.transaction():
        store.faces.add_model("older", "facenet", 128)
        store.faces.use_model("older")
    with pytest.raises(ModelMismatchError, match="migrate --model facenet"):
        finder(store)


def test_photos_of_people_together(library: Store) -> None:
    assert together(library, ["Anna"]) == ([Path("/p/3.jpg"), Path("/p/1.jpg"), Path("/p/4.jpg")], 0)
    assert together(library, ["Anna", "2"]) == ([Path("/p/3.jpg"), Path("/p/4.jpg")], 0)
    assert together(library, ["Anna"], only=True) == ([Path("/p/1.jpg")], 0)
    assert together(library, ["Anna", "Bea"], only=True)[0] == [Path("/p/3.jpg"), Path("/p/4.jpg")]
    library.db.execute("UPDATE faces SET sharpness = 100")  # the blur in photo 4 is a stranger after all
    assert together(library, ["Anna", "Bea"], only=True)[0] == [Path("/p/3.jpg")]
    library.photos.set_missing([Path("/p/3.jpg")], True)
    assert together(library, ["Anna", "Bea"]) == ([Path("/p/4.jpg")], 1)
    with pytest.raises(UsageError, match="no person 'Carl'"):
        together(library, ["Carl"])


def test_the_gallery_is_the_mean_squared_distance_to_every_face() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owner = rng.integers(-1, 5, 40) * 3
    owner[owner < 0] = -1
    ids, distances = Gallery.of(vectors, owner).nearest(vectors[:7], 3)
    for i in range(7):
        slow = {
            int(id_): float(np.mean([np.square(vectors[i] - v).sum() for v in vectors[owner == id_]]))
            for id_ in set(owner.tolist()) - {-1}
        }
        nearest = sorted(slow, key=lambda id_: slow[id_])[:3]
        assert ids[i].tolist() == nearest
        assert distances[i] == pytest.approx([slow[id_] for id_ in nearest], abs=1e-5)
    assert Gallery.of(vectors, np.full(40, -1)).nearest(vectors[:2], 3)[0].shape == (2, 0)


def test_far_lies_between_what_was_measured() -> None:
    assert [CURVE.rate(distance) for distance in (3, 2, 1.4, 1.2, 0.1)] == pytest.approx(
        [0.5, 0.5, 0.1**1.5, 0.01, 0.001]
    )
    for rate in (0.3, 0.05, 0.002):
        assert CURVE.rate(CURVE.distance(rate)) == pytest.approx(rate)


@pytest.mark.parametrize("model", ["facenet", "sface"])
def test_the_curves_of_the_models_rise(model: str) -> None:
    for curve in (far_curve(model, "face"), far_curve(model, "person")):
        assert curve
        assert list(curve.rates) == sorted(curve.rates, reverse=True)
        assert list(curve.distances) == sorted(curve.distances, reverse=True)
    assert far_curve("facenet-vggface2", "face") is None


def test_verify_compares_the_largest_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {
        "a": (Seen(face(size=50), b"", unit(0, 1)), Seen(face(size=90), b"", unit(1))),
        "b": (Seen(face(), b"", unit(1, 0.2)),),
        "c": (Seen(face(), b"", unit(0, 1)),),
        "none": (),
    }

    def look(path: Path, claims: Claims) -> Outcome:
        if path.name not in shown:
            return Outcome(FileEntry(path, 0, 0), reason="it is empty")
        return Outcome(FileEntry(path, 0, 0), "x", photo(1), shown[path.name])

    monkeypatch.setattr(verification, "looker", lambda *args: look)
    same = verification.verify(Path("a"), Path("b"))
    assert (same.same, same.faces) == (True, (2, 1))
    assert same.distance == pytest.approx(2 - 2 * float(unit(1) @ unit(1, 0.2)), abs=1e-5)
    other = verification.verify(Path("a"), Path("c"))
    assert (other.same, other.far) == (False, 0.001)
    assert other.distance == pytest.approx(2)
    assert other.far_here > other.far > same.far_here
    with pytest.raises(UsageError, match="No face was found in none"):
        verification.verify(Path("none"), Path("a"))
    with pytest.raises(UnreadablePhotoError, match="it is empty"):
        verification.verify(Path("a"), Path("text"))
    with pytest.raises(UsageError, match="--far must be between"):
        verification.verify(Path("a"), Path("b"), far=1e-9)
    with pytest.raises(UsageError, match="not measured"):
        verification.verify(Path("a"), Path("b"), model="facenet-vggface2")
