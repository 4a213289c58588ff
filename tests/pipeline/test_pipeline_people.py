"""The user's word: names, corrections, and taking them back, against what the database holds."""

from __future__ import annotations

import json
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from facecluster import people as grouping
from facecluster.errors import NameTakenError, UsageError
from facecluster.people import ClusterOptions
from facecluster.pipeline.cluster import QualityGate, apart, cluster
from facecluster.pipeline.edits import Edit
from facecluster.pipeline.naming import clean_name, find_person
from facecluster.pipeline.people import People
from facecluster.records import Box, Face, Photo
from facecluster.store import PersonRow, Store

MODEL = "mark"
OPTIONS = ClusterOptions(min_size=2, join_distance=0.5)


def add(store: Store, angles: list[float], together: bool = False) -> list[int]:
    """Faces in a photo each, or ``together`` in one."""
    ids: list[int] = []
    with store.transaction():
        store.faces.add_model(MODEL, MODEL, 2)
        photo = 0
        for angle in np.radians(angles):
            if not (together and ids):
                photo = store.photos.add(Photo(f"{len(store.photos.all()):064}", "JPEG", 400, 300), "")
            face = Face(Box(0, 0, 99, 99), np.zeros((5, 2), np.float32), 0.99, 100.0, 1.0)
            ids.append(store.faces.add(photo, face, b"chip"))
            store.faces.add_vectors(ids[-1:], np.array([[np.cos(angle), np.sin(angle)]], np.float32), MODEL)
    return ids


def clustered(store: Store) -> None:
    cluster(store, MODEL, OPTIONS, QualityGate())


def people_of(store: Store) -> People:
    return People(store, lambda faces: apart(store, MODEL, faces, OPTIONS))


@pytest.fixture
def people(store: Store) -> People:
    """Person 1 has faces 1 to 4, person 2 faces 5 to 7, person 3 faces 8 and 9."""
    add(store, [0, 1, 2, 3, 90, 91, 92, 180, 181])
    clustered(store)
    return people_of(store)


def owners(store: Store) -> dict[int, int | None]:
    return {face: assignment.person_id for face, assignment in store.people.assignments().items()}


def contents(store: Store) -> tuple[Any, ...]:
    return store.people.all(), store.people.assignments(), store.people.rejections(), store.links.all()


def test_people_are_listed_by_their_faces(people: People) -> None:
    assert [(p.id, p.title, p.faces, p.confirmed) for p in people.all()] == [
        (1, "Person 001", 4, 0),
        (2, "Person 002", 3, 0),
        (3, "Person 003", 2, 0),
    ]
    person, faces = people.show("Person 002")
    assert (person.photos, sorted(face.face_id for face in faces)) == (3, [5, 6, 7])
    assert [face.distance for face in faces] == sorted(face.distance or 9 for face in faces)


def test_a_name_is_clean_unique_and_stays(people: People, store: Store) -> None:
    edit = people.name("1", "  Zoe\u0308  Ann ")
    assert (edit.what, edit.faces) == ("Person 001 is Zo\u00eb Ann", 4)
    assert people.find("zo\u00cb ann") == 1
    with pytest.raises(NameTakenError, match="Person 001 is called Zo\u00eb Ann already"):
        people.name("2", "ZO\u00cb ANN")
    people.name("1", "zo\u00eb ann")  # one may change one's own name's letters
    clustered(store)
    assert store.people.all()[1].name == "zo\u00eb ann"
    people.name("1", None)
    assert store.people.all()[1].name is None


@pytest.mark.parametrize("name", ["", " ", "12", "Person 4", "person 007", "a\nb\x00", "x" * 201])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError):
        clean_name(name)


def test_whom_the_user_means() -> None:
    rows = {1: PersonRow(1, "Anna"), 2: PersonRow(2, "anna B"), 3: PersonRow(3, None)}
    assert [find_person(text, rows) for text in ("1", "Person 001", "Anna", "ANNA", "person 003")] == [
        1,
        1,
        1,
        1,
        3,
    ]
    with pytest.raises(UsageError, match="no person 'Anna C'"):
        find_person("Anna C", rows)


def test_merged_people_stay_one(people: People, store: Store) -> None:
    people.name("2", "Anna")
    edit = people.merge(["1", "Anna", "1"])
    assert (edit.what, edit.faces) == ("Anna merged into Person 001", 3)
    assert {face for face, owner in owners(store).items() if owner == 1} == set(range(1, 8))
    assert store.people.all()[1].name == "Anna"
    before = owners(store)
    clustered(store)
    cluster(store, MODEL, OPTIONS, QualityGate(), anew=True)
    assert owners(store) == before
    with pytest.raises(UsageError, match="two different people"):
        people.merge(["1", "Anna"])


def test_what_is_split_off_stays_off(people: People, store: Store) -> None:
    people.merge(["1", "2"])
    edit = people.split("1")
    assert edit.faces == 3
    new = owners(store)[5]
    assert [owners(store)[face] for face in (5, 6, 7)] == [new] * 3 != [1] * 3
    people.split("1", [4])
    assert owners(store)[4] not in (1, new)
    before = owners(store)
    clustered(store)
    assert owners(store) == before
    with pytest.raises(UsageError, match="Face 5 is not this person's"):
        people.split("1", [5])
    with pytest.raises(UsageError, match="look alike"):
        people.split(str(owners(store)[4]))


def test_moved_and_rejected_faces_never_come_back(people: People, store: Store) -> None:
    people.move([4], "2")
    people.reject([3], "1")
    assert (owners(store)[4], owners(store)[3]) == (2, None)
    assert store.people.rejections() == [(3, 1), (4, 1)]
    for anew in (False, True):
        cluster(store, MODEL, OPTIONS, QualityGate(), anew=anew)
        assert (owners(store)[4], owners(store)[3]) == (2, None)
    people.move([3, 4], "1")  # the user may think better of it
    assert (owners(store)[4], owners(store)[3]) == (1, 1)
    assert store.people.rejections() == [(4, 2)]


def test_what_is_said_to_be_one_person_stays_together(people: People, store: Store) -> None:
    add(store, [45, 300])  # faces 10 and 11 are like nobody
    assert people.same([10, 11]) == Edit("Faces said to be one person's", 2)
    assert store.links.all() == [(10, 11, True)]
    clustered(store)
    assert owners(store)[10] == owners(store)[11] == 4  # two faces are enough with these options
    people.same([8, 9])
    with pytest.raises(UsageError, match="several people: `facecluster people merge 1 2`"):
        people.same([1, 5])
    people.reject([9], "3")
    with pytest.raises(UsageError, match="Face 9 was rejected"):
        people.same([8, 9])
    with pytest.raises(UsageError, match="two different faces"):
        people.same([8, 8])


def test_a_face_goes_where_the_one_goes_that_it_is_tied_to(people: People, store: Store) -> None:
    add(store, [45])
    people.same([10, 1])
    assert owners(store)[10] == 1
    for anew in (False, True):
        cluster(store, MODEL, OPTIONS, QualityGate(), anew=anew)
        assert owners(store)[10] == owners(store)[1] == 1
    people.move([10], "2")  # the later word counts, and the tie is gone
    assert store.links.all() == []
    clustered(store)
    assert (owners(store)[10], owners(store)[1]) == (2, 1)


def test_a_rejected_face_is_no_longer_tied_to_the_person(people: People, store: Store) -> None:
    add(store, [45])
    people.same([10, 1])
    people.reject([10], "1")
    assert store.links.all() == []
    clustered(store)
    assert owners(store)[10] is None


def test_what_is_said_to_be_two_people_stays_apart(people: People, store: Store) -> None:
    add(store, [0.5])
    people.different(10, 1)
    clustered(store)
    assert owners(store)[10] is None
    cluster(store, MODEL, OPTIONS, QualityGate(), anew=True)
    assert owners(store)[10] is None or owners(store)[10] != owners(store)[1]
    with pytest.raises(UsageError, match="Both are Person 002's"):
        people.different(5, 6)
    people.move([1, 10], "2")
    assert store.links.all() == []


def test_what_was_said_is_not_contradicted_unawares(people: People, store: Store) -> None:
    add(store, [45, 46, 300])
    people.same([1, 2])
    people.same([2, 3])
    with pytest.raises(UsageError, match="said to be one person's"):
        people.different(1, 3)
    people.different(1, 10)
    with pytest.raises(UsageError, match="Faces 1 and 10 were told apart"):
        people.same([10, 4])  # face 4 is the same person's as face 1
    people.same([11, 12])
    people.reject([12], "1")
    with pytest.raises(UsageError, match="Face 12 was rejected"):
        people.same([11, 1])


def test_a_split_leaves_tied_faces_together(people: People, store: Store) -> None:
    people.merge(["1", "2"])
    people.same([4, 5])
    people.split("1")
    assert owners(store)[4] == owners(store)[5]
    assert owners(store)[1] != owners(store)[6]
    assert store.links.all() == [(4, 5, True)]


def test_undo_brings_faces_back_to_a_person_who_has_none_any_more(people: People, store: Store) -> None:
    before = owners(store)
    people.move([8, 9], "1")
    clustered(store)
    assert [person.id for person in people.all()] == [1, 2]
    people.undo()
    assert owners(store) == before


@pytest.mark.parametrize("change", ["reject", "same", "split", "merge"])
def test_what_is_changed_while_faces_are_grouped_counts(
    people: People, store: Store, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    add(store, [45, 46])
    grouped = grouping.cluster
    changes: dict[str, Any] = {
        "reject": lambda: people.reject([4], "1"),
        "same": lambda: people.same([10, 1]),
        "split": lambda: people.split("1", [3, 4]),
        "merge": lambda: people.merge(["1", "2"]),
    }
    times: list[dict[int, int | None]] = []

    def slow(*arguments: Any) -> Any:
        if not times:
            changes[change]()
        times.append(owners(store))
        return grouped(*arguments)

    monkeypatch.setattr(grouping, "cluster", slow, raising=False)
    clustered(store)
    assert len(times) == 2
    kept = {face: owner for face, owner in times[0].items() if owner is not None}
    assert kept.items() <= owners(store).items()
    assert change != "reject" or owners(store)[4] is None


def test_numbers_that_are_too_large_are_not_there(people: People) -> None:
    with pytest.raises(UsageError, match="There is no face 99999999999999999999"):
        people.same([1, 99999999999999999999])


def test_two_people_told_apart_never_become_one(people: People, store: Store) -> None:
    wide = ClusterOptions(min_size=2, join_distance=3.0)
    cluster(store, MODEL, wide, QualityGate(), anew=True)
    assert len(set(owners(store).values())) < 3
    cluster(store, MODEL, OPTIONS, QualityGate(), anew=True)
    first, other = owners(store)[1], owners(store)[5]
    people.different(1, 5)
    cluster(store, MODEL, wide, QualityGate(), anew=True)
    assert (owners(store)[1], owners(store)[5]) == (first, other)


def test_confirming_and_hiding(people: People, store: Store) -> None:
    people.confirm("3")
    people.confirm("1", [2])
    assert {face for face, a in store.people.assignments().items() if a.confirmed} == {2, 8, 9}
    with pytest.raises(UsageError, match="Face 8 is not this person's"):
        people.confirm("1", [8])
    people.hide(["3"])
    assert [person.id for person in people.all()] == [1, 2]
    assert [person.id for person in people.all(hidden=True)] == [1, 2, 3]
    people.hide(["3"], hidden=False)
    assert len(people.all(unnamed=True)) == 3
    with pytest.raises(UsageError, match="nobody to ignore"):
        people.hide([])


def test_births(people: People, store: Store) -> None:
    people.born("1", "2015-08-31")
    assert store.people.all()[1].born == "2015-08-31"
    with pytest.raises(UsageError, match="is no date"):
        people.born("1", "31.8.2015")
    people.born("1", None)
    assert store.people.all()[1].born is None


def test_what_is_not_there_is_a_sentence(people: People) -> None:
    with pytest.raises(UsageError, match="There is no face 99"):
        people.move([99], "1")
    with pytest.raises(UsageError, match="There is no face 99"):
        people.reject([99], "1")
    with pytest.raises(UsageError, match="There is no person 'Bob'"):
        people.confirm("Bob")


def changes(people: People) -> list[Any]:
    """One of every kind of change, in an order in which each is possible."""
    return [
        lambda dry: people.name("1", "Anna", dry_run=dry),
        lambda dry: people.confirm("1", [1], dry_run=dry),
        lambda dry: people.reject([2], "1", dry_run=dry),
        lambda dry: people.move([8], "2", dry_run=dry),
        lambda dry: people.born("2", "2001-01-01", dry_run=dry),
        lambda dry: people.merge(["2", "Anna"], dry_run=dry),
        lambda dry: people.split("2", [5, 6], dry_run=dry),
        lambda dry: people.hide(["3"], dry_run=dry),
        lambda dry: people.different(1, 9, dry_run=dry),
        lambda dry: people.same([5, 6], dry_run=dry),
        lambda dry: people.name("Anna", None, dry_run=dry),
    ]


def test_a_rehearsal_changes_nothing(people: People, store: Store) -> None:
    for change in changes(people):
        before, history = contents(store), people.history()
        rehearsed = change(True)
        assert (contents(store), people.history()) == (before, history)
        assert change(False) == rehearsed


def test_undo_and_redo_go_through_every_state_and_back(people: People, store: Store) -> None:
    states = [contents(store)]
    for change in changes(people):
        change(False)
        states.append(contents(store))
    assert all(one != other for one, other in pairwise(states))
    for state in reversed(states[:-1]):
        undone = people.undo()
        assert undone is not None
        assert undone.undone
        assert contents(store) == state
    assert people.undo() is None
    for state in states[1:]:
        assert people.redo() is not None
        assert contents(store) == state
    assert people.redo() is None


def test_undo_can_be_rehearsed_and_tells_its_faces(people: People, store: Store) -> None:
    people.merge(["1", "2"])
    people.name("1", "Anna")
    assert [change.faces for change in people.history()] == [3, 0]
    after, history = contents(store), people.history()
    rehearsed = people.undo(dry_run=True)
    assert (contents(store), people.history()) == (after, history)
    assert people.undo() == rehearsed
    again = people.redo(dry_run=True)
    assert [change.undone for change in people.history()] == [False, True]
    assert people.redo() == again
    assert contents(store) == after


def test_a_new_change_ends_what_could_be_redone(people: People) -> None:
    people.name("1", "Anna")
    people.undo()
    people.name("1", "Anne")
    assert people.redo() is None
    assert [change.what for change in people.history()] == ["Person 001 is Anne"]
    people.name("1", "Anne")  # touches a row, but changes nothing that could be seen
    people.undo()
    people.undo()
    assert people.all()[0].name is None


def test_history_outlives_the_process(people: People, store: Store) -> None:
    people.name("1", "Anna")
    with Store(store.path) as again:
        assert people_of(again).undo() is not None
        assert again.people.all()[1].name is None


def test_undo_after_a_face_is_gone_brings_back_the_others(people: People, store: Store) -> None:
    people.reject([1, 2], "1")
    store.db.execute("DELETE FROM faces WHERE id = 1")
    people.undo()
    assert owners(store)[2] == 1
    assert 1 not in owners(store)


def test_people_survive_a_lost_database(people: People, store: Store, tmp_path: Path) -> None:
    people.name("1", "Anna")
    people.confirm("1", [1])
    people.reject([4], "1")
    people.born("1", "2001-01-01")
    people.hide(["2"])
    people.different(3, 5)
    people.different(3, 7)
    kept = json.loads(json.dumps(people.portable()))
    with Store(tmp_path / "new.db") as new:
        add(new, [0, 1, 2, 3, 90, 91])  # the photos of faces 7 to 9 are not there
        adopted = people_of(new).adopt(kept)
        assert adopted == Edit("2 people taken over (1 of their faces are not in this library)", 5)
        clustered(new)
        anna, other = new.people.all().values()
        assert new.links.all() == [(3, 5, False)]
        assert (anna.name, anna.born, other.name, other.hidden) == ("Anna", "2001-01-01", None, True)
        assert owners(new) == {1: anna.id, 2: anna.id, 3: anna.id, 4: None, 5: other.id, 6: other.id}
        assert [face for face, a in new.people.assignments().items() if a.confirmed] == [1]
        again = people_of(new)
        before = contents(new)
        again.adopt(kept)
        assert contents(new) == before  # nobody is there twice, named or not
        again.move([2], str(other.id))
        again.adopt(kept)  # what was confirmed here is not taken back, and Anna is not there twice
        assert owners(new)[2] == other.id
        assert [row.name for row in new.people.all().values()].count("Anna") == 1


@pytest.mark.parametrize("data", [None, [], {}, {"facecluster people": 2}, {"facecluster people": 1}])
def test_files_that_hold_no_people(people: People, data: Any) -> None:
    with pytest.raises(UsageError, match=r"no file that|damaged"):
        people.adopt(data)


class Histories(RuleBasedStateMachine):
    """Long random histories: no confirmed face moves by itself, no name is lost, no rejected pair returns."""

    place: Path
    numbers = count()

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.store = Store(self.place / f"{next(self.numbers)}.db")
        self.people = people_of(self.store)
        self.names: dict[int, str] = {}
        add(self.store, data.draw(st.lists(st.integers(0, 179), min_size=6, max_size=12)))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def _someone(self, data: st.DataObject) -> str:
        return str(data.draw(st.sampled_from(sorted(self.store.people.all()))))

    def _faces(self, data: st.DataObject) -> list[int]:
        everyone = st.sampled_from([face.id for face in self.store.faces.all()])
        return data.draw(st.lists(everyone, min_size=1, max_size=3, unique=True))

    def _act(self, act: Any) -> None:
        """Do it; then undoing restores the exact state, and redoing the new one."""
        before = contents(self.store)
        try:
            act()
        except UsageError:
            assert contents(self.store) == before
            return
        after = contents(self.store)
        if after != before:
            self.people.undo()
            assert contents(self.store) == before
            self.people.redo()
        assert contents(self.store) == after

    @rule(anew=st.booleans())
    def cluster(self, anew: bool) -> None:
        names = {id_: row.name for id_, row in self.store.people.all().items() if row.name}
        confirmed = {f: a.person_id for f, a in self.store.people.assignments().items() if a.confirmed}
        cluster(self.store, MODEL, OPTIONS, QualityGate(), anew=anew)
        now = self.store.people.assignments()
        self._links_are_honoured({face: a.person_id for face, a in now.items()})
        assert {f: now[f].person_id for f in confirmed} == confirmed
        assert names.items() <= {id_: row.name for id_, row in self.store.people.all().items()}.items()

    def _links_are_honoured(self, where: dict[int, int | None]) -> None:
        for one, other, same in self.store.links.all():
            if same:
                assert where[one] == where[other]
            else:
                assert where[one] is None or where[one] != where[other]

    @rule(angles=st.lists(st.integers(0, 179), min_size=1, max_size=3), together=st.booleans())
    def scan(self, angles: list[float], together: bool) -> None:
        add(self.store, angles, together)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if len(faces := self.store.faces.all()) > 4:
            self.store.db.execute("DELETE FROM faces WHERE id = ?", [data.draw(st.sampled_from(faces)).id])

    @rule()
    def kill(self) -> None:
        self.store.close()
        self.store = Store(self.store.path)
        self.people = people_of(self.store)

    @precondition(lambda self: self.store.people.all())
    @rule(data=st.data(), name=st.sampled_from(["Anna", "anna", "Bob", "Cleo"]))
    def name(self, data: st.DataObject, name: str) -> None:
        someone = self._someone(data)
        self._act(lambda: self.people.name(someone, name))

    @precondition(lambda self: self.store.people.all())
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        persons = [self._someone(data), self._someone(data)]
        self._act(lambda: self.people.merge(persons))

    @precondition(lambda self: self.store.people.all())
    @rule(data=st.data(), some=st.booleans())
    def split(self, data: st.DataObject, some: bool) -> None:
        someone = self._someone(data)
        own = [face.face_id for face in self.store.people.faces_of(int(someone))]
        chosen = own[:1] if some else []
        self._act(lambda: self.people.split(someone, chosen))

    @precondition(lambda self: self.store.people.all())
    @rule(data=st.data(), kind=st.sampled_from(["move", "reject", "confirm"]))
    def correct(self, data: st.DataObject, kind: str) -> None:
        faces, someone = self._faces(data), self._someone(data)
        acts = {
            "move": lambda: self.people.move(faces, someone),
            "reject": lambda: self.people.reject(faces, someone),
            "confirm": lambda: self.people.confirm(someone),
        }
        self._act(acts[kind])

    @rule(data=st.data(), alike=st.booleans())
    def link(self, data: st.DataObject, alike: bool) -> None:
        faces = self._faces(data)
        self._act(lambda: self.people.same(faces) if alike else self.people.different(faces[0], faces[-1]))

    @rule(times=st.integers(1, 4))
    def undo_and_redo(self, times: int) -> None:
        """Whatever came between, undoing and redoing never fails."""
        for _ in range(times):
            self.people.undo()
        for _ in range(times):
            self.people.redo()

    @invariant()
    def nothing_rejected_is_there(self) -> None:
        if hasattr(self, "store"):
            where = owners(self.store)
            assert not [pair for pair in self.store.people.rejections() if where.get(pair[0]) == pair[1]]


def test_histories(tmp_path: Path) -> None:
    Histories.place = tmp_path
    case: Any = Histories.TestCase
    case.settings = settings(
        max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case().runTest()
