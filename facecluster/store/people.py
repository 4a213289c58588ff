"""People and which faces are theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from sqlite_utils import Database

from facecluster.records import Int64


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whose a face is. ``person_id`` is None for nobody yet, and then ``reason`` says why.

    ``distance`` is the squared L2 distance to the mean of the person's embeddings.
    """

    face_id: int
    person_id: int | None
    distance: float | None = None
    reason: str | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person: a stable id and, once the user gave one, a name.

    ``born`` is an ISO 8601 date. A ``hidden`` person is one the user does not want to see. A ``touched`` one was
    named, confirmed or changed by the user, so it never splits or merges by itself.
    """

    id: int
    name: str | None
    born: str | None = None
    hidden: bool = False
    touched: bool = False

    @property
    def title(self) -> str:
        """The name, or ``Person 007``."""
        return self.name or f"Person {self.id:03d}"


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """How much there is of a person; ``years`` are the first and last in which a photo was taken, if one tells."""

    faces: int
    confirmed: int
    photos: int
    years: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class PersonFace:
    """A face of a person: its photo's number, and how far it is from the mean of the person's embeddings."""

    face_id: int
    photo_id: int
    confirmed: bool
    distance: float | None


class PeopleTable:
    """Reads and writes of the tables ``people``, ``assignments`` and ``rejections``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> dict[int, PersonRow]:
        """Every person by id."""
        rows = self._db.execute("SELECT id, name, born, hidden, touched FROM people ORDER BY id")
        return {row[0]: PersonRow(row[0], row[1], row[2], bool(row[3]), bool(row[4])) for row in rows}

    def assignments(self) -> dict[int, Assignment]:
        """Every assignment by face id."""
        rows = self._db.execute(
            "SELECT face_id, person_id, distance, reason, kind = 'confirmed' FROM assignments ORDER BY face_id"
        )
        return {
            face: Assignment(face, person, distance, reason, bool(confirmed))
            for face, person, distance, reason, confirmed in rows
        }

    def assigned(self) -> dict[int, int]:
        """The person of each face that belongs to somebody, by face id."""
        rows = self._db.execute("SELECT face_id, person_id FROM assignments WHERE person_id IS NOT NULL")
        return dict(rows.fetchall())

    def by_photo(self) -> dict[int, list[tuple[int, int | None]]]:
        """The faces of each photo that has some, each with its person; None for nobody's."""
        found: dict[int, list[tuple[int, int | None]]] = {}
        query = "SELECT photo_id, id, person_id FROM faces LEFT JOIN assignments ON face_id = id ORDER BY id"
        for photo, face, person in self._db.execute(query):
            found.setdefault(photo, []).append((face, person))
        return found

    def figures(self) -> dict[int, PersonFigures]:
        """How much there is of each person that has a face, by id."""
        rows = self._db.execute(
            """SELECT person_id, count(*), sum(kind = 'confirmed'), count(DISTINCT photo_id),
                      min(substr(taken_at, 1, 4)), max(substr(taken_at, 1, 4))
               FROM assignments JOIN faces ON faces.id = face_id JOIN photos ON photos.id = photo_id
               WHERE person_id IS NOT NULL GROUP BY person_id"""
        )
        return {
            id_: PersonFigures(faces, confirmed, photos, (int(first), int(last)) if first else None)
            for id_, faces, confirmed, photos, first, last in rows
        }

    def faces_of(self, person_id: int) -> list[PersonFace]:
        """The faces of a person, nearest first."""
        rows = self._db.execute(
            """SELECT face_id, photo_id, kind = 'confirmed', distance
               FROM assignments JOIN faces ON faces.id = face_id
               WHERE person_id = ? ORDER BY distance IS NULL, distance, face_id""",
            [person_id],
        )
        return [PersonFace(face, photo, bool(confirmed), far) for face, photo, confirmed, far in rows]

    def assignment(self, face_id: int) -> Assignment | None:
        """Whose one face is; None for a face that was never clustered."""
        query = "SELECT person_id, distance, reason, kind = 'confirmed' FROM assignments WHERE face_id = ?"
        row = self._db.execute(query, [face_id]).fetchone()
        return Assignment(face_id, row[0], row[1], row[2], bool(row[3])) if row else None

    def owned(self) -> Int64:
        """Every face that is somebody's, (N, 3) by rising face id: face, person, and 1 where it is confirmed."""
        rows = self._db.execute(
            """SELECT face_id, person_id, kind = 'confirmed' FROM assignments
               WHERE person_id IS NOT NULL ORDER BY face_id"""
        )
        return np.array(rows.fetchall(), np.int64).reshape(-1, 3)

    def owners(self, face_ids: Iterable[int]) -> dict[int, int | None]:
        """Whose each face is, None for nobody's; those that are not there, or numbers too large, are left out."""
        query = """SELECT person_id FROM faces LEFT JOIN assignments ON face_id = faces.id WHERE faces.id = ?"""
        found = {id_: self._db.execute(query, [id_]).fetchone() for id_ in face_ids if abs(id_) < 2**63}
        return {face_id: row[0] for face_id, row in found.items() if row}

    def next_id(self) -> int:
        """The id that the next new person will have; ids of people that are gone are not used again."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'people'").fetchone()
        return int(row[0]) + 1 if row else 1

    def rejections(self) -> list[tuple[int, int]]:
        """Pairs of a face and a person whose it is not, in order."""
        rows = self._db.execute("SELECT face_id, person_id FROM rejections ORDER BY face_id, person_id")
        return [(face, person) for face, person in rows]

    def refused(self) -> dict[int, set[int]]:
        """The people that a face is not, by its id: rejected from them, or told apart from a face of theirs."""
        rows = self._db.execute(
            """SELECT face_id, person_id FROM rejections
               UNION SELECT one, person_id FROM links JOIN assignments ON face_id = other
                 WHERE NOT same AND person_id IS NOT NULL
               UNION SELECT other, person_id FROM links JOIN assignments ON face_id = one
                 WHERE NOT same AND person_id IS NOT NULL"""
        )
        found: dict[int, set[int]] = {}
        for face, person in rows:
            found.setdefault(face, set()).add(person)
        return found

    def not_of(self, face_id: int) -> set[int]:
        """The people from whom the user rejected a face."""
        rows = self._db.execute("SELECT person_id FROM rejections WHERE face_id = ?", [face_id])
        return {row[0] for row in rows}

    def told_apart(self, face_id: int) -> set[int]:
        """The faces of which the user said that they are not of the same person as this one."""
        rows = self._db.execute(
            """SELECT other FROM links WHERE one = ? AND NOT same
               UNION SELECT one FROM links WHERE other = ? AND NOT same""",
            [face_id, face_id],
        )
        return {row[0] for row in rows}

    def replace_auto(self, assignments: Iterable[Assignment], new_people: Iterable[int]) -> None:
        """Replace every automatic assignment; add people, drop those without a face whom the user never met.

        Confirmed faces stay where they are, whatever ``assignments`` says of them; only their distance changes.
        """
        self._db.execute("DELETE FROM assignments WHERE kind = 'auto'")
        self._db.conn.executemany("INSERT INTO people (id) VALUES (?)", [(id_,) for id_ in new_people])
        self._db.conn.executemany(
            """INSERT INTO assignments (face_id, person_id, kind, distance, reason)
               VALUES (?, ?, 'auto', ?, ?)
               ON CONFLICT (face_id) DO UPDATE SET distance = excluded.distance
               WHERE person_id IS excluded.person_id""",
            [(a.face_id, a.person_id, a.distance, a.reason) for a in assignments],
        )
        self._db.execute(
            """DELETE FROM people WHERE name IS NULL AND NOT touched
               AND id NOT IN (SELECT person_id FROM assignments WHERE person_id IS NOT NULL)
               AND id NOT IN (SELECT person_id FROM rejections)"""
        )

    def add(self) -> int:
        """A new person that the user made; returns the id."""
        cursor = self._db.execute("INSERT INTO people (touched) VALUES (1)")
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def change(self, person_id: int, **columns: str | int | None) -> None:
        """Set some of ``name``, ``born`` and ``hidden`` of a person, which the user touches by that."""
        assigned = ", ".join(f"{column} = ?" for column in columns)
        values = [*columns.values(), person_id]
        self._db.execute(
            f"UPDATE people SET {assigned + ', ' if assigned else ''}touched = 1 WHERE id = ?", values
        )

    def remove(self, person_id: int) -> None:
        """Delete a person who has no faces and no rejections any more."""
        self._db.execute("DELETE FROM people WHERE id = ?", [person_id])

    def assign(
        self,
        face_ids: Iterable[int],
        person_id: int | None,
        *,
        confirmed: bool = True,
        reason: str | None = None,
    ) -> None:
        """Make faces a person's, ``confirmed`` or not; or, with None, nobody's yet for a ``reason``."""
        kind = "confirmed" if confirmed and person_id is not None else "auto"
        self._db.conn.executemany(
            """INSERT INTO assignments (face_id, person_id, kind, reason) VALUES (?, ?, ?, ?)
               ON CONFLICT (face_id) DO UPDATE SET person_id = excluded.person_id, kind = excluded.kind,
               reason = excluded.reason,
               distance = CASE WHEN person_id IS excluded.person_id THEN distance END""",
            [(face_id, person_id, kind, reason) for face_id in face_ids],
        )

    def hand_over(self, giver: int, taker: int) -> None:
        """Make all faces of one person another's, confirmed or not as they were, and the rejections too."""
        self._db.execute(
            "UPDATE assignments SET person_id = ?, distance = NULL WHERE person_id = ?", [taker, giver]
        )
        self._db.execute(
            """INSERT OR IGNORE INTO rejections (face_id, person_id)
               SELECT face_id, ? FROM rejections WHERE person_id = ?
               AND face_id NOT IN (SELECT face_id FROM assignments WHERE person_id = ?)""",
            [taker, giver, taker],
        )
        self._db.execute("DELETE FROM rejections WHERE person_id = ?", [giver])
        self.accept(taker)

    def reject(self, face_ids: Iterable[int], person_id: int) -> None:
        """Remember that faces are not a person's."""
        pairs = [(face_id, person_id) for face_id in face_ids]
        self._db.conn.executemany("INSERT OR IGNORE INTO rejections (face_id, person_id) VALUES (?, ?)", pairs)

    def accept(self, person_id: int) -> None:
        """Forget rejections of faces that are the person's after all."""
        self._db.execute(
            """DELETE FROM rejections WHERE person_id = ?
               AND face_id IN (SELECT face_id FROM assignments WHERE person_id = ?)""",
            [person_id, person_id],
        )
