"""Forgetting a person: what is gone, also from the bytes of the file, what is refused later, and what stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facecluster.errors import StoreError, UsageError
from facecluster.pipeline import Library
from facecluster.pipeline.forget import Forgotten, forget
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.pipeline.readers import read
from facecluster.pipeline.scan import Scan
from facecluster.records import Box, Face, FileEntry, Photo, UInt8
from facecluster.store import Place, Store
from tests.conftest import fake_detect, fake_embed
from tests.pipeline.test_pipeline_people import contents, people_of

NAME, BORN = "Quetzalina Xanthippe", "1987-06-05"
CHIP = 9_000
"""Bytes of a chip: more than a page of the database."""


def noise(seed: int, size: int) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def direction(seed: int) -> Any:
    vector = np.random.default_rng(seed).normal(size=(1, 128)).astype(np.float32)
    return vector / np.linalg.norm(vector)


def add(store: Store, photos: int) -> None:
    """Photos of 640 × 480 with two faces each, whose chips and embeddings by two models are their own noise."""
    with store.transaction():
        for model in ("one", "two"):
            store.faces.add_model(model, model, 128)
        for i in range(photos):
            photo = store.photos.add(Photo(f"{i:064}", "JPEG", 640, 480), "")
            store.photos.link(FileEntry(Path(f"/photos/{i}.jpg"), 1, 1), photo)
            for x in (100.0, 400.0):
                points = np.random.default_rng(i).normal(size=(5, 2)).astype(np.float32)
                number = len(store.faces.all()) + 1
                face = store.faces.add(photo, Face(Box(x, 100, x + 80, 180), points, 0.99), noise(number, CHIP))
                store.faces.add_vectors([face], direction(number), "one")
                store.faces.add_vectors([face], direction(-number + 1000), "two")


@pytest.fixture
def two(store: Store) -> Store:
    """Person 1, with a name and birth date, has the left faces (odd numbers), person 2, Bob, the right ones."""
    add(store, 6)
    people = people_of(store)
    with store.transaction():
        for first in (1, 2):
            store.people.assign(range(first, 13, 2), store.people.add(), confirmed=False)
    people.name("1", NAME)
    people.born("1", BORN)
    people.name("2", "Bob")
    people.confirm("2", [2])
    people.reject([4], "1")
    store.db.execute("INSERT INTO links (one, other, same) VALUES (1, 2, 0), (2, 4, 1)")
    return store


def on_disk(store: Store) -> bytes:
    """Everything in the files of the database as they are now, with its log."""
    return b"".join(path.read_bytes() for path in sorted(store.path.parent.glob(f"{store.path.name}*")))


def traces(store: Store) -> dict[str, int]:
    """How many pieces of each kind of what is known of person 1 are in the files."""
    bytes_, own = on_disk(store), range(1, 13, 2)
    chips = [noise(face, CHIP)[i : i + 24] for face in own for i in range(0, CHIP - 24, 300)]
    rows = [direction(seed)[0] for face in own for seed in (face, 1000 - face)]
    vectors = [row[i : i + 6].tobytes() for row in rows for i in (0, 60)]
    texts = [NAME.encode(), BORN.encode()]
    found = {"texts": texts, "chips": chips, "vectors": vectors}
    return {kind: sum(piece in bytes_ for piece in pieces) for kind, pieces in found.items()}


def test_it_says_what_it_removes(two: Store) -> None:
    expected = Forgotten(1, NAME, NAME, BORN, faces=6, chips=6, embeddings=12, photos=6, changes=5)
    assert forget(two, NAME.upper(), dry_run=True) == expected
    assert forget(two, NAME) == expected
    with pytest.raises(UsageError, match="no person"):
        forget(two, NAME)


def test_a_rehearsal_changes_nothing(two: Store) -> None:
    before, history = contents(two), two.journal.all()
    forget(two, "1", dry_run=True)
    assert (contents(two), two.journal.all(), len(two.faces.all())) == (before, history, 12)
    assert not two.refusals.all().salts


@pytest.mark.parametrize("overwriting", ["ON", "OFF"])
def test_no_byte_of_the_person_is_left_in_the_files(two: Store, overwriting: str) -> None:
    two.db.execute(f"PRAGMA secure_delete = {overwriting}")  # without it, only writing the file anew helps
    before = traces(two)
    assert before["texts"] == 2
    assert before["chips"] > 150
    assert before["vectors"] == 24
    forget(two, "1")
    assert traces(two) == {"texts": 0, "chips": 0, "vectors": 0}
    assert b"Bob" in on_disk(two)
    assert noise(2, CHIP)[:24] in on_disk(two)


def test_names_that_were_taken_away_go_too(two: Store) -> None:
    people_of(two).name("1", None)
    assert NAME.encode() in on_disk(two)  # in the journal
    forget(two, "1")
    assert NAME.encode() not in on_disk(two)


def test_other_people_stay_as_they_are(two: Store) -> None:
    def of_bob(store: Store) -> Any:
        faces = {face.id: face.face.box for face in store.faces.all() if face.id % 2 == 0}
        known = [store.faces.vectors(model) for model in ("one", "two")]
        own = [rows[ids % 2 == 0].tolist() for ids, rows in known]
        assigned = {face: a for face, a in store.people.assignments().items() if face in faces}
        links = store.db.execute("SELECT one, other, same FROM links WHERE one != 1").fetchall()
        chips = list(store.faces.chips(faces))
        return store.people.all()[2], faces, own, assigned, links, chips, store.photos.all(), store.photos.paths()

    before = of_bob(two)
    forget(two, "1")
    assert of_bob(two) == before
    assert [face.id for face in two.faces.all()] == [2, 4, 6, 8, 10, 12]
    assert two.people.assignments().keys() == {2, 4, 6, 8, 10, 12}
    assert two.people.rejections() == []
    assert two.db.execute("SELECT one, other FROM links").fetchall() == [(2, 4)]
    assert two.db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert two.people.next_id() == 3  # the number is not given to somebody else


def test_nothing_can_be_undone_afterwards(two: Store) -> None:
    people = people_of(two)
    people.undo()
    forget(two, "1")
    after = contents(two)
    assert (people.history(), people.undo(), people.redo()) == ([], None, None)
    assert contents(two) == after
    people.name("2", "Robert")
    people.undo()
    assert contents(two) == after


def test_a_file_of_people_brings_nobody_back(two: Store) -> None:
    people = people_of(two)
    people.reject([6], "1")  # one face of the file is still here
    kept = json.loads(json.dumps(people.portable()))
    forget(two, "1")
    people.adopt(kept)
    assert [row.name for row in two.people.all().values()] == ["Bob"]
    assert len(two.faces.all()) == 6


def test_a_person_without_faces_is_forgotten(two: Store) -> None:
    with two.transaction():
        two.faces.remove(range(1, 13, 2))
    assert forget(two, "1").faces == 0
    assert list(two.people.all()) == [2]
    assert NAME.encode() not in on_disk(two)


def test_while_another_reads_the_log_stays_and_a_second_run_ends_it(two: Store) -> None:
    two.db.execute("PRAGMA busy_timeout = 50")
    with Store(two.path) as reader:
        reader.db.execute("BEGIN")
        reader.people.all()
        with pytest.raises(StoreError, match=r"read by another program.*`facecluster forget 1` again"):
            forget(two, NAME)
        assert two.people.all()[1].name is None
        assert [face.id % 2 for face in two.faces.all()] == [0] * 6
        reader.db.execute("COMMIT")
    assert forget(two, "1").faces == 0
    assert list(two.people.all()) == [2]
    assert traces(two) == {"texts": 0, "chips": 0, "vectors": 0}


def test_nobody_is_forgotten_during_a_scan(two: Store) -> None:
    with Library(two.path) as library:
        with two.alone():
            assert library.forget("1", dry_run=True).faces == 6
            with pytest.raises(UsageError, match="Another facecluster"):
                library.forget("1")
        assert library.forget("1").faces == 6
    assert list(two.people.all()) == [2]


@pytest.fixture
def folder(tmp_path: Path, paint: Callable[..., Path]) -> Path:
    """Photos of 320 × 240, so a cell has 5 pixels; red's faces are centred at (50, 80), blue's at (130, 80)."""
    for i in range(2):
        paint(tmp_path / "photos" / f"{i}.png", "red", "blue", seed=i)
    return tmp_path / "photos"


def scan(store: Store, folder: Path, move: tuple[float, float] = (0, 0)) -> list[tuple[float, float]]:
    """Scan with boxes that are moved by so many pixels; the centres of the faces there are then."""

    def detect(images: Sequence[UInt8]) -> list[list[Face]]:
        return [[replace(face, box=moved(face.box)) for face in faces] for faces in fake_detect(images)]

    def moved(box: Box) -> Box:
        return Box(box.x0 + move[0], box.y0 + move[1], box.x1 + move[0], box.y1 + move[1])

    def work(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        return read(entries, claims, 1000, detect, fake_embed)

    with store.transaction():
        store.faces.add_model("mark", "fake", 128)
    before = len(store.faces.all())
    result = Scan(store, lambda: work, "mark", "").run([folder])
    boxes = [face.face.box for face in store.faces.all()]
    assert result.faces == len(boxes) - before
    return [((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2) for box in boxes]


def forget_red(store: Store, folder: Path) -> None:
    assert scan(store, folder) == [(50, 80), (130, 80)] * 2
    with store.transaction():
        store.people.assign([1, 3], store.people.add())
    forget(store, "1")
    assert len(store.faces.all()) == 2


def drop_photos(store: Store) -> None:
    store.db.execute("DELETE FROM photos")
    assert store.faces.all() == []


def test_a_later_scan_brings_back_the_others_only(store: Store, folder: Path, paint: Callable[..., Path]) -> None:
    forget_red(store, folder)
    assert scan(store, folder) == [(130, 80)] * 2  # nothing is read again
    drop_photos(store)
    assert scan(store, folder) == [(130, 80)] * 2
    paint(folder / "new.png", "red", seed=9)  # of a new photo nothing is known
    scan(store, folder)
    assert len(store.faces.all()) == 3


@pytest.mark.parametrize("move", [(5, 0), (-5, 0), (4.9, 4.9), (0, 5), (0, -5), (-5, 5), (9.9, 0)])
def test_a_face_beside_its_old_place_is_refused(store: Store, folder: Path, move: tuple[float, float]) -> None:
    forget_red(store, folder)
    drop_photos(store)
    assert scan(store, folder, move) == [(130 + move[0], 80 + move[1])] * 2


@pytest.mark.parametrize("move", [(10, 0), (-5.1, 0), (0, 10), (0, -5.1), (10, 10)])
def test_a_face_further_away_is_not_refused(store: Store, folder: Path, move: tuple[float, float]) -> None:
    forget_red(store, folder)
    drop_photos(store)
    assert len(scan(store, folder, move)) == 4


def test_places_are_cells_of_one_photo() -> None:
    wide, high = (Photo("a" * 64, "JPEG", *size) for size in ((6400, 100), (100, 6400)))
    for photo in (wide, high):
        for x, y in ((0.0, 0.0), (99.9, 250.0), (100.0, -0.1), (6399.0, 6350.0)):
            place = Place.of(photo, Box(x - 30, y - 40, x + 30, y + 40))
            assert (place.column, place.row) == (int(np.floor(x / 100)), int(np.floor(y / 100)))
    around = {(place.column, place.row) for place in Place("a" * 64, 3, 0).around()}
    assert around == {(x, y) for x in (2, 3, 4) for y in (-1, 0, 1)}
    places = [Place("a" * 64, 1, 2), Place("b" * 64, 1, 2), Place("a" * 64, 12, 1), Place("a" * 64, 1, 12)]
    assert len({place.digest(salt) for place in places for salt in (b"x" * 16, b"y" * 16)}) == 8


def test_refusals_of_two_people_share_nothing(store: Store) -> None:
    place, other = Place("a" * 64, 1, 2), Place("b" * 64, 1, 2)
    for places in ([place], [place, place], []):
        store.refusals.add(places)
    known = store.refusals.all()
    assert (len(known.salts), len(known.digests), len({digest for _, digest in known.digests})) == (2, 2, 2)
    assert all(len(salt) == 16 for salt in known.salts)
    assert store.refusals.refuses(place)
    assert not store.refusals.refuses(other)
    assert b"a" * 64 not in b"".join(salt + digest for salt, digest in known.digests)
