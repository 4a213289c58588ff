"""Pairs of faces that the user told together or apart."""

from __future__ import annotations

from collections.abc import Iterable

from sqlite_utils import Database


class LinkTable:
    """Reads and writes of the table ``links``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> list[tuple[int, int, bool]]:
        """Pairs of faces, the smaller number first, and whether they are of one person; in order."""
        rows = self._db.execute("SELECT one, other, same FROM links ORDER BY one, other")
        return [(one, other, bool(same)) for one, other, same in rows]

    def add(self, pairs: Iterable[tuple[int, int]], same: bool) -> None:
        """Remember of pairs of faces whether they are of one person, whatever was said of them before."""
        self._db.conn.executemany(
            """INSERT INTO links (one, other, same) VALUES (?, ?, ?)
               ON CONFLICT (one, other) DO UPDATE SET same = excluded.same""",
            [(min(pair), max(pair), int(same)) for pair in pairs],
        )

    def agree(self) -> None:
        """Forget what people contradict: faces told apart that are one person's, or together that are two's."""
        owner = "(SELECT person_id FROM assignments WHERE face_id = {})"
        one, other = owner.format("one"), owner.format("other")
        self._db.execute(f"DELETE FROM links WHERE same = ({one} <> {other})")

    def untie(self, face_ids: Iterable[int], person_id: int) -> None:
        """Forget that ``face_ids`` are of one person with faces that this person has."""
        self._db.conn.executemany(
            """DELETE FROM links WHERE same AND (
               (one = ?1 AND other IN (SELECT face_id FROM assignments WHERE person_id = ?2))
               OR (other = ?1 AND one IN (SELECT face_id FROM assignments WHERE person_id = ?2)))""",
            [(face_id, person_id) for face_id in face_ids],
        )
