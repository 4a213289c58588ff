"""People as the user wants them: names, corrections, and taking them back.

What the user says is final: a confirmed face never moves, a rejected one never comes back, and a person that was
touched never splits or merges by itself. Every method that changes something is one change in the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facecluster.errors import NameTakenError, UsageError
from facecluster.pipeline.corrections import Corrections
from facecluster.pipeline.edits import Edit
from facecluster.pipeline.naming import alike, clean_name, parse_day
from facecluster.pipeline.portable import Known, known_faces, portable
from facecluster.store import Change, PersonFigures, PersonRow

NONE_YET = PersonFigures(faces=0, confirmed=0, photos=0, years=None)


@dataclass(frozen=True, slots=True)
class Person:
    """A person in figures; see ``PersonRow`` and ``PersonFigures``."""

    id: int
    title: str
    name: str | None
    born: str | None
    hidden: bool
    faces: int
    confirmed: int
    photos: int
    years: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face of a person, and a path where its photo is (None where it is nowhere now)."""

    face_id: int
    photo: Path | None
    confirmed: bool
    distance: float | None


class People(Corrections):
    """The people of a library. Persons are named by number, ``Person 007`` or name; faces by number.

    With ``dry_run``, a method says what it would do and changes nothing. All raise ``UsageError`` for somebody or
    something that is not there.
    """

    def all(self, *, unnamed: bool = False, hidden: bool = False) -> list[Person]:
        """Everybody with a name or a face, most faces first; only the ``unnamed``; the ``hidden`` if asked for."""
        figures = self._store.people.figures()
        rows = self._store.people.all()
        people = [
            _person(row, figures.get(id_, NONE_YET)) for id_, row in rows.items() if row.name or id_ in figures
        ]
        shown = [p for p in people if (hidden or not p.hidden) and not (unnamed and p.name)]
        return sorted(shown, key=lambda person: (-person.faces, person.id))

    def show(self, person: str) -> tuple[Person, list[ShownFace]]:
        """One person with all faces, those nearest to the others first."""
        id_ = self.find(person)
        figures, paths = self._store.people.figures(), self._store.photos.paths()
        faces = [
            ShownFace(face.face_id, paths.get(face.photo_id), face.confirmed, face.distance)
            for face in self._store.people.faces_of(id_)
        ]
        return _person(self._store.people.all()[id_], figures.get(id_, NONE_YET)), faces

    def name(self, person: str, name: str | None, *, dry_run: bool = False) -> Edit:
        """Give a person a name; None takes it away. Raises ``NameTakenError`` when another person has it."""
        id_, rows = self.find(person), self._store.people.all()
        name = None if name is None else clean_name(name)
        same = [row for row in rows.values() if name and row.id != id_ and alike(row.name, name)]
        if same:
            raise NameTakenError(same[0].name or "", same[0].id)
        title = PersonRow(id_, None).title
        what = f"{rows[id_].title} is {name}" if name else f"{title} has no name any more"
        return self._edit(what, len(self._faces(id_)), dry_run, lambda: self._store.people.change(id_, name=name))

    def hide(self, persons: Sequence[str], hidden: bool = True, *, dry_run: bool = False) -> Edit:
        """Show people no more, in no list and no album; or again."""
        ids, rows = [self.find(person) for person in persons], self._store.people.all()
        if not ids:
            raise UsageError("There is nobody to ignore.")

        def act() -> None:
            """Make the change, inside of its transaction."""
            for id_ in ids:
                self._store.people.change(id_, hidden=int(hidden))

        titles = ", ".join(rows[id_].title for id_ in ids[:5]) + (" …" if len(ids) > 5 else "")
        count = sum(len(self._faces(id_)) for id_ in ids)
        return self._edit(f"{titles} {'ignored' if hidden else 'shown again'}", count, dry_run, act)

    def born(self, person: str, day: str | None, *, dry_run: bool = False) -> Edit:
        """Say when a person was born, as 2015-08-31; no photo from before shows that person. None forgets it."""
        id_ = self.find(person)
        day = None if day is None else parse_day(day)
        title = self._store.people.all()[id_].title
        what = f"{title} was born on {day}" if day else f"{title} has no birth date any more"
        return self._edit(what, len(self._faces(id_)), dry_run, lambda: self._store.people.change(id_, born=day))

    def portable(self) -> dict[str, Any]:
        """Everybody whom the user touched as JSON takes it, for ``adopt``; see ``pipeline.portable``."""
        return portable(self._store)

    def adopt(self, people: Any, *, dry_run: bool = False) -> Edit:
        """Take over names and faces that ``portable`` gave, from an older database or another computer.

        People of one name are one; somebody without a name is whoever has most of the faces and no name either. A
        face that is confirmed here stays where it is, and one whose photo is not in the library is left out.
        Raises ``UsageError`` for what ``portable`` cannot have given.
        """
        found, links, missing = known_faces(self._store, people)
        rows, table = self._store.people.all(), self._store.people

        def act() -> None:
            """Make the change, inside of its transaction."""
            for one in found:
                same = [id_ for id_, row in rows.items() if one.name and alike(row.name, one.name)]
                id_ = same[0] if same else self._nameless(one, rows) or table.add()
                table.change(id_, **one.columns())
                table.assign(one.confirmed, id_)
                table.assign(one.others, id_, confirmed=False)
                table.reject(one.rejected, id_)
            for one_face, other, alike_ in links:
                self._store.links.add([(one_face, other)], alike_)

        what = f"{len(found)} people taken over ({missing} of their faces are not in this library)"
        return self._edit(what, sum(len(one.confirmed) + len(one.others) for one in found), dry_run, act)

    def _nameless(self, one: Known, rows: dict[int, PersonRow]) -> int | None:
        """Who has more than half of somebody's faces and no name; None for somebody who has one."""
        owners = list(self._store.people.owners(one.confirmed + one.others).values())
        most = max(set(owners), key=owners.count, default=None)
        nameless = one.name is None and most is not None and most in rows and rows[most].name is None
        return most if nameless and 2 * owners.count(most) > len(owners) else None

    def undo(self, *, dry_run: bool = False) -> Change | None:
        """Take back the newest change that is in force; None when there is none."""
        with self._rehearsed(dry_run):
            return self._store.journal.undo()

    def redo(self, *, dry_run: bool = False) -> Change | None:
        """Bring back the change that was undone last; None when there is none."""
        with self._rehearsed(dry_run):
            return self._store.journal.redo()

    def history(self) -> list[Change]:
        """Every change, oldest first; those that were undone can be redone until the next one."""
        return self._store.journal.all()


def _person(row: PersonRow, figures: PersonFigures) -> Person:
    known = figures.faces, figures.confirmed, figures.photos, figures.years
    return Person(row.id, row.title, row.name, row.born, row.hidden, *known)
