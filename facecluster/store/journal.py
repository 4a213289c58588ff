"""The journal of what the user changed: each change with the rows it touched, as they were and as they became.

While a change is written, triggers note every row of people, assignments, rejections and links that is inserted,
updated or deleted. To undo a change is to write the rows back as they were, newest first; to redo it, as they
became.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

TABLES = {
    "people": ("id", "name", "born", "hidden", "touched"),
    "assignments": ("face_id", "person_id", "kind", "distance", "reason"),
    "rejections": ("face_id", "person_id"),
    "links": ("one", "other", "same"),
}
"""The tables whose rows are noted, and their columns."""

KEYS = {
    "people": ("id",),
    "assignments": ("face_id",),
    "rejections": ("face_id", "person_id"),
    "links": ("one", "other"),
}

REFERS = {"face_id": "faces", "one": "faces", "other": "faces", "person_id": "people"}
"""Columns that name a row of another table."""


CHANGE = """id, at, what, undone, (SELECT count(DISTINCT coalesce(before, after) ->> '$.face_id')
    FROM change_rows WHERE change_id = changes.id AND tbl = 'assignments')"""
"""The columns of a ``Change``."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing the user did: ``what`` is a sentence, ``at`` an ISO 8601 time in UTC; ``undone`` or in force.

    ``faces`` are how many it assigned otherwise than before.
    """

    id: int
    at: str
    what: str
    undone: bool
    faces: int


class Journal:
    """Reads and writes of the tables ``changes`` and ``change_rows``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> list[Change]:
        """Every change, oldest first."""
        rows = self._db.execute(f"SELECT {CHANGE} FROM changes ORDER BY id")
        return [Change(id_, at, what, bool(undone), faces) for id_, at, what, undone, faces in rows]

    def state(self) -> tuple[int, int]:
        """The number of the newest change and how many are undone: the same as long as nothing was changed."""
        row = self._db.execute("SELECT coalesce(max(id), 0), coalesce(sum(undone), 0) FROM changes").fetchone()
        return int(row[0]), int(row[1])

    @contextmanager
    def note(self, what: str) -> Iterator[None]:
        """Note what is written inside as one change called ``what``; inside of a transaction.

        A change that touches no row is not kept. What was undone before can then no longer be redone.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        cursor = self._db.execute("INSERT INTO changes (at, what, undone) VALUES (?, ?, 0)", [now, what])
        assert cursor.lastrowid is not None
        for table in TABLES:
            self._watch(table, cursor.lastrowid)
        try:
            yield
        finally:
            for table in TABLES:
                for event in ("insert", "update", "delete"):
                    self._db.execute(f"DROP TRIGGER temp.note_{table}_{event}")
        if self._db.execute("SELECT 1 FROM change_rows WHERE change_id = ?", [cursor.lastrowid]).fetchone():
            self._db.execute("DELETE FROM changes WHERE undone")
        else:
            self._db.execute("DELETE FROM changes WHERE id = ?", [cursor.lastrowid])

    def undo(self) -> Change | None:
        """Take the newest change back that is in force; None when there is none. Inside of a transaction."""
        query = f"SELECT {CHANGE} FROM changes WHERE NOT undone ORDER BY id DESC LIMIT 1"
        return self._turn(query, "before", "DESC")

    def redo(self) -> Change | None:
        """Bring the oldest change back that was undone; None when there is none. Inside of a transaction."""
        query = f"SELECT {CHANGE} FROM changes WHERE undone ORDER BY id LIMIT 1"
        return self._turn(query, "after", "ASC")

    def clear(self) -> int:
        """Forget every change, done or undone, and what the rows were; returns how many. In a transaction."""
        self._db.execute("DELETE FROM change_rows")
        return self._db.execute("DELETE FROM changes").rowcount

    def _turn(self, query: str, side: str, order: str) -> Change | None:
        row = self._db.execute(query).fetchone()
        if row is None:
            return None
        rows = self._db.execute(
            f"SELECT tbl, before, after, {side} FROM change_rows WHERE change_id = ? ORDER BY number {order}",
            [row[0]],
        ).fetchall()
        for table, before, after, wanted in rows:
            self._write(table, json.loads(before or after), json.loads(wanted) if wanted else None)
        self._db.execute("UPDATE changes SET undone = NOT undone WHERE id = ?", [row[0]])
        return Change(row[0], row[1], row[2], not row[3], row[4])

    def _write(self, table: str, known: dict[str, Any], wanted: dict[str, Any] | None) -> None:
        """Make the row with the key of ``known`` what is ``wanted``; None deletes it.

        A face or a person that is gone for good takes its rows with it.
        """
        keys = KEYS[table]
        if wanted is None:
            where = " AND ".join(f"{key} = ?" for key in keys)
            self._db.execute(f"DELETE FROM {table} WHERE {where}", [known[key] for key in keys])
            return
        if not self._refers(wanted):
            return
        columns = TABLES[table]
        updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in keys)
        conflict = f"DO UPDATE SET {updates}" if updates else "DO NOTHING"
        self._db.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
            f"ON CONFLICT ({', '.join(keys)}) {conflict}",
            [wanted[column] for column in columns],
        )

    def _refers(self, row: dict[str, Any]) -> bool:
        """Whether the faces and the person that the row names are still there."""
        named = [(table, row[column]) for column, table in REFERS.items() if row.get(column) is not None]
        found = (self._db.execute(f"SELECT 1 FROM {table} WHERE id = ?", [id_]).fetchone() for table, id_ in named)
        return all(found)

    def _watch(self, table: str, change: int) -> None:
        """Have triggers note the rows of ``table`` that change, until they are dropped."""
        sides = {"insert": (None, "NEW"), "update": ("OLD", "NEW"), "delete": ("OLD", None)}
        for event, (before, after) in sides.items():
            images = ", ".join(_image(table, side) if side else "NULL" for side in (before, after))
            self._db.execute(
                f"CREATE TEMP TRIGGER note_{table}_{event} AFTER {event.upper()} ON main.{table} BEGIN "
                f"INSERT INTO change_rows (change_id, tbl, before, after) "
                f"VALUES ({change}, '{table}', {images}); END"
            )


def _image(table: str, side: str) -> str:
    """The SQL of a row as a JSON object; distances with all digits, which JSON's numbers would lose here."""
    exact = (
        f"iif({side}.distance IS NULL, NULL, printf('%!.17g', {side}.distance))" if table == "assignments" else ""
    )
    values = {column: exact if column == "distance" else f"{side}.{column}" for column in TABLES[table]}
    pairs = [f"'{column}', {value}" for column, value in values.items()]
    return f"json_object({', '.join(pairs)})"
