"""People and which faces are theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database


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
    """A person: a stable id and, once the user gave one, a name."""

    id: int
    name: str | None

    @property
    def title(self) -> str:
        """The name, or ``Person 007``."""
        return self.name or f"Person {self.id:03d}"


class PeopleTable:
    """Reads and writes of the tables ``people`` and ``assignments``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> dict[int, PersonRow]:
        """Every person by id."""
        rows = self._db.execute("SELECT id, name FROM people ORDER BY id")
        return {id_: PersonRow(id_, name) for id_, name in rows}

    def assignments(self) -> dict[int, Assignment]:
        """Every assignment by face id."""
        rows = self._db.execute(
            "SELECT face_id, person_id, distance, reason, kind = 'confirmed' FROM assignments ORDER BY face_id"
        )
        return {
            face: Assignment(face, person, distance, reason, bool(confirmed))
            for face, person, distance, reason, confirmed in rows
        }

    def next_id(self) -> int:
        """The id that the next new person will have; ids of people that are gone are not used again."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'people'").fetchone()
        return int(row[0]) + 1 if row else 1

    def replace_auto(self, assignments: Iterable[Assignment], new_people: Iterable[int]) -> None:
        """Replace every automatic assignment; add people, drop unnamed ones without a face.

        Confirmed assignments are never touched, whatever ``assignments`` says of their faces.
        """
        self._db.execute("DELETE FROM assignments WHERE kind = 'auto'")
        self._db.conn.executemany("INSERT INTO people (id) VALUES (?)", [(id_,) for id_ in new_people])
        self._db.conn.executemany(
            """INSERT OR IGNORE INTO assignments (face_id, person_id, kind, distance, reason)
               VALUES (?, ?, 'auto', ?, ?)""",
            [(a.face_id, a.person_id, a.distance, a.reason) for a in assignments],
        )
        self._db.execute(
            """DELETE FROM people WHERE name IS NULL
               AND id NOT IN (SELECT person_id FROM assignments WHERE person_id IS NOT NULL)"""
        )
