"""Photos, the paths where they are, and files that could not be read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from facecluster.records import FileEntry, Photo

UNSETTLED = -1
"""The size, which no file has, of a file whose content could not be got at."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What the library remembers of a path; ``photo_id`` is None for a file that could not be read.

    ``size`` is ``UNSETTLED`` when the file has to be read again, whatever ``stat`` says.
    """

    photo_id: int | None
    size: int
    mtime_ns: int
    missing: bool = False

    def is_unchanged(self, entry: FileEntry) -> bool:
        """Whether size and modification time are as they were when the file was read."""
        return (self.size, self.mtime_ns) == (entry.size, entry.mtime_ns)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be read, and why."""

    path: Path
    reason: str


class PhotoTable:
    """Reads and writes of the tables ``photos``, ``paths`` and ``unreadable``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def known_files(self) -> dict[Path, KnownFile]:
        """Every path that was ever read, readable or not."""
        bad = self._db.execute("SELECT path, size, mtime_ns FROM unreadable")
        files = {_path(path): KnownFile(None, size, mtime) for path, size, mtime in bad}
        good = self._db.execute("SELECT path, photo_id, size, mtime_ns, missing FROM paths")
        return files | {
            _path(path): KnownFile(photo, size, mtime, bool(missing)) for path, photo, size, mtime, missing in good
        }

    def replaced(self) -> set[int]:
        """Photos without a path whose last file was edited by a scan that did not come to its end."""
        rows = self._db.execute("SELECT id FROM photos WHERE replaced AND id NOT IN (SELECT photo_id FROM paths)")
        return {row[0] for row in rows}

    def contents(self) -> set[str]:
        """The SHA-256 of every photo."""
        return {row[0] for row in self._db.execute("SELECT sha256 FROM photos")}

    def find(self, sha256: str) -> int | None:
        """The id of the photo with this content, None when there is none."""
        row = self._db.execute("SELECT id FROM photos WHERE sha256 = ?", [sha256]).fetchone()
        return int(row[0]) if row else None

    def add(self, photo: Photo, searched_with: str) -> int:
        """Insert a photo; returns its id."""
        taken_at = photo.taken_at.isoformat() if photo.taken_at else None
        cursor = self._db.execute(
            """INSERT INTO photos (sha256, format, width, height, taken_at, camera, has_gps, searched_with)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                photo.sha256,
                photo.format,
                photo.width,
                photo.height,
                taken_at,
                photo.camera,
                photo.has_gps,
                searched_with,
            ],
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def link(self, entry: FileEntry, photo_id: int) -> None:
        """Remember that the file holds the photo, whatever it held before."""
        path = _stored(entry.path)
        self._let_go(path)
        self._db.execute("DELETE FROM unreadable WHERE path = ?", [path])
        self._db.execute(
            "INSERT INTO paths (path, photo_id, size, mtime_ns) VALUES (?, ?, ?, ?)",
            [path, photo_id, entry.size, entry.mtime_ns],
        )

    def add_unreadable(self, entry: FileEntry, reason: str, again: bool = False) -> None:
        """Remember that the file could not be read, until it changes, or, with ``again``, until the next scan.

        What it held before is forgotten with its path, but not with ``again``: it may still hold it.
        """
        path = _stored(entry.path)
        if again:
            self._db.execute("UPDATE paths SET size = ? WHERE path = ?", [UNSETTLED, path])
        else:
            self._let_go(path)
        self._db.execute(
            "INSERT OR REPLACE INTO unreadable (path, size, mtime_ns, reason) VALUES (?, ?, ?, ?)",
            [path, UNSETTLED if again else entry.size, entry.mtime_ns, reason],
        )

    def _let_go(self, path: str | bytes) -> None:
        """Forget what a path held, and note with the photo whether its file was there until now."""
        self._db.execute(
            """UPDATE photos SET replaced = (SELECT NOT missing FROM paths WHERE path = ?)
               WHERE id = (SELECT photo_id FROM paths WHERE path = ?)""",
            [path, path],
        )
        self._db.execute("DELETE FROM paths WHERE path = ?", [path])

    def unreadable(self) -> list[Unreadable]:
        """Files that could not be read, by path."""
        rows = self._db.execute("SELECT path, reason FROM unreadable ORDER BY path")
        return [Unreadable(_path(path), reason) for path, reason in rows]

    def set_missing(self, paths: Iterable[Path], missing: bool) -> None:
        """Mark paths as vanished, or as back; forget vanished files that could not be read."""
        stored = [(_stored(path),) for path in paths]
        self._db.conn.executemany(f"UPDATE paths SET missing = {int(missing)} WHERE path = ?", stored)
        if missing:
            self._db.conn.executemany("DELETE FROM unreadable WHERE path = ?", stored)

    def forget_moved(self) -> None:
        """Drop missing paths of photos that also have a path that is there."""
        self._db.execute(
            """DELETE FROM paths WHERE missing AND photo_id IN (SELECT photo_id FROM paths WHERE NOT missing)"""
        )

    def drop_replaced(self) -> int:
        """Drop photos, with their faces, whose last file was edited; returns how many.

        A photo that was missing when another file took its path is kept: it may come back.
        """
        orphans = "DELETE FROM photos WHERE replaced AND id NOT IN (SELECT photo_id FROM paths)"
        return self._db.execute(orphans).rowcount

    def paths(self) -> dict[int, Path]:
        """For each photo that is there, the first of its paths."""
        rows = self._db.execute("SELECT photo_id, path FROM paths WHERE NOT missing ORDER BY path DESC")
        return {photo_id: _path(path) for photo_id, path in rows}

    def paths_of(self, photo_id: int) -> list[Path]:
        """Where one photo is now, by path; empty when it is missing."""
        query = "SELECT path FROM paths WHERE photo_id = ? AND NOT missing ORDER BY path"
        return [_path(row[0]) for row in self._db.execute(query, [photo_id])]

    def all(self) -> dict[int, Photo]:
        """Every photo by its id."""
        rows = self._db.execute(
            "SELECT id, sha256, format, width, height, taken_at, camera, has_gps FROM photos ORDER BY id"
        )
        return {
            id_: Photo(sha256, kind, width, height, _time(taken_at), camera, bool(has_gps))
            for id_, sha256, kind, width, height, taken_at, camera, has_gps in rows
        }

    def taken_at(self, photo_id: int) -> datetime | None:
        """When a photo was taken, if it tells."""
        row = self._db.execute("SELECT taken_at FROM photos WHERE id = ?", [photo_id]).fetchone()
        return _time(row[0]) if row else None

    def searched_otherwise(self, searched_with: str) -> set[int]:
        """The photos that were searched with other options than these."""
        rows = self._db.execute("SELECT id FROM photos WHERE searched_with != ?", [searched_with])
        return {row[0] for row in rows}


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _stored(path: Path) -> str | bytes:
    """A path as the database keeps it: text, or bytes where the name is not valid UTF-8."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def _path(stored: str | bytes) -> Path:
    return Path(os.fsdecode(stored))
