"""One database file: open it, change it in transactions, ask it for photos, faces and people."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlite_utils import Database

from facecluster.errors import StoreError
from facecluster.store.calibrations import CalibrationTable
from facecluster.store.evaluations import EvaluationTable
from facecluster.store.faces import FaceTable
from facecluster.store.journal import Journal
from facecluster.store.links import LinkTable
from facecluster.store.lock import locked
from facecluster.store.people import PeopleTable
from facecluster.store.photos import PhotoTable
from facecluster.store.refusals import RefusalTable
from facecluster.store.schema import migrate, migrations


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is in the library; ``photos`` counts those with a path that exists, ``size`` is bytes."""

    photos: int
    missing: int
    faces: int
    people: int
    assigned: int
    unreadable: int
    size: int


class Store:
    """The database of one library; use it as a context manager, which closes it.

    ``photos``, ``faces``, ``people``, ``links``, ``journal``, ``refusals``, ``calibrations`` and ``evaluations``
    hold the reads and writes of their tables; a write outside of ``with store.transaction()`` is committed at
    once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = _opened(path)
        self.photos = PhotoTable(self.db)
        self.faces = FaceTable(self.db)
        self.people = PeopleTable(self.db)
        self.links = LinkTable(self.db)
        self.journal = Journal(self.db)
        self.refusals = RefusalTable(self.db)
        self.calibrations = CalibrationTable(self.db)
        self.evaluations = EvaluationTable(self.db)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing is pending then."""
        self.db.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other scan, clustering or migration of this library runs meanwhile; reading goes on.

        Raises ``UsageError`` when another is at work.
        """
        place = self.path.resolve()
        with locked(place.with_name(f"{place.name}.lock")):
            yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen together, or, after an error or a crash, not at all.

        Other processes wait for it, and it for them. Raises ``StoreError`` when the database refuses: the disk is
        full or fails, or the file is damaged.
        """
        try:
            with _writing(self.db):
                yield
        except sqlite3.Error as error:
            raise StoreError(f"The database {self.path} cannot be written ({error}).") from error

    def scrub(self) -> None:
        """Write the file anew, so that nothing that was deleted is left in it or in its log; not in a transaction.

        Takes as long as copying the file, and needs as much room on the disk meanwhile. Raises ``StoreError`` when
        there is no room, or when another program is reading or writing.
        """
        try:
            self.db.conn.execute("VACUUM")
            busy = self.db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            raise StoreError(f"The database {self.path} cannot be written anew ({error}).") from error
        if busy:
            raise StoreError(f"The database {self.path} is being read by another program, which keeps its log.")

    def counts(self) -> Counts:
        """Counts of everything, and the file's size."""
        row = self.db.execute(
            """SELECT (SELECT count(DISTINCT photo_id) FROM paths WHERE NOT missing),
                      (SELECT count(*) FROM photos WHERE NOT EXISTS
                         (SELECT 1 FROM paths WHERE photo_id = photos.id AND NOT missing)),
                      (SELECT count(*) FROM faces),
                      (SELECT count(DISTINCT person_id) FROM assignments),
                      (SELECT count(person_id) FROM assignments),
                      (SELECT count(*) FROM unreadable)"""
        ).fetchone()
        return Counts(*map(int, (*row, self.path.stat().st_size)))


def is_library(path: Path) -> bool:
    """Whether a file is a database that facecluster made, of whatever version; it stays as it is."""
    query = "SELECT 1 FROM _sqlite_migrations WHERE migration_set = ?"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as db:
            return db.execute(query, [migrations.name]).fetchone() is not None
    except sqlite3.Error:
        return False


def _opened(path: Path) -> Database:
    """The database at ``path``, made private to its owner, with its tables up to date."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            path.touch(0o600, exist_ok=False)
        db = Database(sqlite3.connect(path, timeout=30, isolation_level=None))
        db.conn.execute("PRAGMA foreign_keys = ON")
        db.conn.execute("PRAGMA secure_delete = ON")  # a face that is dropped leaves no bytes behind
        with _writing(db):
            migrate(db)
        _make_private(path)
        db.enable_wal()
        db.conn.execute("PRAGMA synchronous = NORMAL")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The database {path} cannot be opened ({error}). "
            "If it is not facecluster's, choose another with --db; if it is in use, try again."
        ) from error
    return db


def _make_private(path: Path) -> None:
    """Take the file from others' eyes, if it is ours and came here with wider permissions."""
    info = path.stat()
    if hasattr(os, "geteuid") and info.st_uid == os.geteuid() and info.st_mode & 0o077:
        path.chmod(0o600)


@contextmanager
def _writing(db: Database) -> Iterator[None]:
    """A transaction that has the right to write from its start, so that it never fails half-way for want of it."""
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.conn.commit()
    except BaseException:
        db.conn.rollback()
        raise
