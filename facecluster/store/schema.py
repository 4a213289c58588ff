"""The tables, as the history of changes that made them: add a function, never edit an old one.

Arrays are BLOBs of little-endian float32, read back by ``numpy.frombuffer(blob, "<f4")``. A path is TEXT, or a
BLOB of its bytes where they are not valid UTF-8. Times are ISO 8601.
"""

from __future__ import annotations

import sqlite_utils
from sqlite_utils import Database

from facecluster.errors import StoreError

migrations = sqlite_utils.Migrations("facecluster")


@migrations()
def m001_photos_and_faces(db: Database) -> None:
    """Photos by content, the paths where they are, faces, chips and embeddings."""
    for statement in (
        """CREATE TABLE photos (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            sha256 TEXT NOT NULL UNIQUE,      -- of the file's bytes: a photo is its content
            format TEXT NOT NULL,
            width INTEGER NOT NULL,           -- pixels of the upright photo
            height INTEGER NOT NULL,
            taken_at TEXT,                    -- the camera's local time
            camera TEXT,
            has_gps INTEGER NOT NULL,
            searched_with TEXT NOT NULL,      -- the detector's options
            replaced INTEGER NOT NULL DEFAULT 0  -- 1: the last file to let go of it holds other content now
        )""",
        """CREATE TABLE paths (
            path TEXT PRIMARY KEY,
            photo_id INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            size INTEGER NOT NULL,            -- bytes; -1: read it again, whatever its size
            mtime_ns INTEGER NOT NULL,        -- nanoseconds
            missing INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID""",
        "CREATE INDEX paths_of_photo ON paths(photo_id)",
        """CREATE TABLE unreadable (
            path TEXT PRIMARY KEY,
            size INTEGER NOT NULL,            -- -1: it could not be got at, so it is tried again
            mtime_ns INTEGER NOT NULL,
            reason TEXT NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE faces (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            photo_id INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL,
            landmarks BLOB NOT NULL,          -- (5, 2) pixels: eyes, nose, mouth corners
            score REAL NOT NULL,              -- the detector's probability
            sharpness REAL NOT NULL,          -- variance of the Laplacian
            frontality REAL NOT NULL          -- 1 frontal, 0 profile
        )""",
        "CREATE INDEX faces_of_photo ON faces(photo_id)",
        """CREATE TABLE chips (
            face_id INTEGER PRIMARY KEY REFERENCES faces(id) ON DELETE CASCADE,
            jpeg BLOB NOT NULL                -- the face and its surroundings, 224 x 224 pixels
        )""",
        """CREATE TABLE models (
            fingerprint TEXT PRIMARY KEY,     -- weights and every option that changes pixels
            name TEXT NOT NULL,
            dimension INTEGER NOT NULL,
            current INTEGER NOT NULL          -- 1 for the one whose embeddings are used
        ) WITHOUT ROWID""",
        """CREATE TABLE embeddings (
            face_id INTEGER NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
            model TEXT NOT NULL REFERENCES models(fingerprint),
            vector BLOB NOT NULL,             -- unit length
            PRIMARY KEY (model, face_id)
        ) WITHOUT ROWID""",
        "CREATE INDEX embeddings_of_face ON embeddings(face_id)",
    ):
        db.execute(statement)


@migrations()
def m002_people(db: Database) -> None:
    """People with stable ids, and which faces are theirs."""
    for statement in (
        """CREATE TABLE people (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT UNIQUE
        )""",
        """CREATE TABLE assignments (
            face_id INTEGER PRIMARY KEY REFERENCES faces(id) ON DELETE CASCADE,
            person_id INTEGER REFERENCES people(id) ON DELETE CASCADE,  -- NULL: nobody yet
            kind TEXT NOT NULL CHECK (kind IN ('auto', 'confirmed')),
            distance REAL,                    -- squared L2 to the mean of the person's embeddings
            reason TEXT                       -- why nobody
        )""",
        "CREATE INDEX assignments_of_person ON assignments(person_id)",
    ):
        db.execute(statement)


@migrations()
def m003_corrections(db: Database) -> None:
    """What the user says of people, and a journal of it."""
    for statement in (
        "ALTER TABLE people ADD COLUMN born TEXT",
        "ALTER TABLE people ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE people ADD COLUMN touched INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE rejections (
            face_id INTEGER NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
            person_id INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE,  -- whose the face is not
            PRIMARY KEY (face_id, person_id)
        ) WITHOUT ROWID""",
        "CREATE INDEX rejections_of_person ON rejections(person_id)",
        """CREATE TABLE changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,                 -- UTC
            what TEXT NOT NULL,               -- a sentence
            undone INTEGER NOT NULL
        )""",
        """CREATE TABLE change_rows (
            number INTEGER PRIMARY KEY,
            change_id INTEGER NOT NULL REFERENCES changes(id) ON DELETE CASCADE,
            tbl TEXT NOT NULL,                -- the table of the row
            before TEXT,                      -- the row as JSON; NULL: there was none
            after TEXT                        -- NULL: there is none any more
        )""",
        "CREATE INDEX change_rows_of_change ON change_rows(change_id)",
    ):
        db.execute(statement)


@migrations()
def m004_links(db: Database) -> None:
    """Pairs of faces that the user told apart or together, calibrated join distances, and who was forgotten."""
    for statement in (
        """CREATE TABLE links (
            one INTEGER NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
            other INTEGER NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
            same INTEGER NOT NULL,            -- 1: one person's, 0: of two people
            PRIMARY KEY (one, other),
            CHECK (one < other)
        ) WITHOUT ROWID""",
        "CREATE INDEX links_of_other ON links(other)",
        """CREATE TABLE calibrations (
            model TEXT PRIMARY KEY REFERENCES models(fingerprint),
            join_distance REAL NOT NULL,      -- squared L2
            rate REAL NOT NULL,               -- the share of false merges that was allowed
            at TEXT NOT NULL                  -- UTC
        ) WITHOUT ROWID""",
        """CREATE TABLE refusals (
            salt BLOB NOT NULL,               -- random, one for each person that was forgotten
            digest BLOB NOT NULL,             -- salted hash of a photo and a place in it
            PRIMARY KEY (salt, digest)
        ) WITHOUT ROWID""",
    ):
        db.execute(statement)


@migrations()
def m005_evaluations(db: Database) -> None:
    """What models were measured to be."""
    db.execute(
        """CREATE TABLE evaluations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,                 -- UTC
            model TEXT NOT NULL,              -- its fingerprint; the library need not hold embeddings of it
            name TEXT NOT NULL,               -- what it was called
            what TEXT NOT NULL,               -- lfw, videos, folder or library
            options TEXT NOT NULL,            -- JSON
            figures TEXT NOT NULL             -- JSON: rates and counts, nobody's name
        )"""
    )


def migrate(db: Database) -> None:
    """Bring the tables up to date; raises ``StoreError`` when a newer facecluster or another program made them."""
    if db.table_names() and not migrations.applied(db):
        raise StoreError("This is the database of another program: choose another file with --db.")
    known = {migration.name for migration in migrations.pending(Database(memory=True))}
    newer = sorted({applied.name for applied in migrations.applied(db)} - known)
    if newer:
        raise StoreError(f"This database was written by a newer facecluster ({newer[-1]}): update facecluster.")
    migrations.apply(db)


def describe() -> str:
    """The SQL of all tables and indexes, made by applying every migration to an empty database."""
    db = Database(memory=True)
    migrate(db)
    own = [table for table in db.tables if not table.name.startswith(("_sqlite", "sqlite_"))]
    indexes = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE INDEX%' ORDER BY name"
    statements = [table.schema for table in own] + [
        row[0] for row in db.execute(indexes) if "_sqlite" not in row[0]
    ]
    db.close()
    return "\n\n".join(f"{statement};" for statement in statements) + "\n"
