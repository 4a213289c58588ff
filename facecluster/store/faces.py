"""Faces, their chips, and their embeddings by model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlite_utils import Database

from facecluster.records import Box, Face, Float32, Int64

VECTOR = np.dtype("<f4")

FACES = "SELECT id, photo_id, x0, y0, x1, y1, landmarks, score, sharpness, frontality FROM faces"


@dataclass(frozen=True, slots=True, eq=False)
class StoredFace:
    """A face with the ids by which the library knows it and its photo."""

    id: int
    photo_id: int
    face: Face


@dataclass(frozen=True, slots=True, eq=False)
class OwnedFace:
    """A face of a photo, whose it is (None: nobody's), and its embedding (dimension,), if there is one."""

    id: int
    box: Box
    person_id: int | None
    confirmed: bool
    vector: Float32 | None


class FaceTable:
    """Reads and writes of the tables ``faces``, ``chips``, ``models`` and ``embeddings``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, photo_id: int, face: Face, jpeg: bytes) -> int:
        """Insert a face with its chip; returns its id."""
        box, points = face.box, face.landmarks.astype(VECTOR).tobytes()
        cursor = self._db.execute(
            """INSERT INTO faces (photo_id, x0, y0, x1, y1, landmarks, score, sharpness, frontality)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [photo_id, box.x0, box.y0, box.x1, box.y1, points, face.score, face.sharpness, face.frontality],
        )
        face_id = cursor.lastrowid
        assert face_id is not None
        self._db.execute("INSERT INTO chips (face_id, jpeg) VALUES (?, ?)", [face_id, jpeg])
        return face_id

    def add_vectors(self, face_ids: Sequence[int], vectors: Float32, model: str) -> None:
        """Keep embeddings (N, dimension) of faces under a model's fingerprint."""
        self._db.conn.executemany(
            "INSERT OR REPLACE INTO embeddings (face_id, model, vector) VALUES (?, ?, ?)",
            [(id_, model, row.astype(VECTOR).tobytes()) for id_, row in zip(face_ids, vectors, strict=True)],
        )

    def vectors(self, model: str) -> tuple[Int64, Float32]:
        """Face ids (N,) in rising order and embeddings (N, dimension) of a model."""
        rows = self._db.execute(
            "SELECT face_id, vector FROM embeddings WHERE model = ? ORDER BY face_id", [model]
        ).fetchall()
        ids = np.array([face_id for face_id, _ in rows], np.int64)
        vectors = np.frombuffer(b"".join(vector for _, vector in rows), VECTOR)
        return ids, vectors.reshape(len(rows), -1 if rows else 0).astype(np.float32)

    def all(self) -> list[StoredFace]:
        """Every face, by id."""
        return [_face(row) for row in self._db.execute(f"{FACES} ORDER BY id")]

    def places(self, sha256: str | None = None) -> Iterator[tuple[int, str, tuple[float, float, float, float]]]:
        """Faces by id, all or those of a photo: number, the SHA-256 of the photo, and the corners of the box."""
        query = "SELECT faces.id, sha256, x0, y0, x1, y1 FROM faces JOIN photos ON photos.id = photo_id"
        where, values = ("WHERE sha256 = ?", [sha256]) if sha256 is not None else ("", [])
        for id_, photo, *corners in self._db.execute(f"{query} {where} ORDER BY faces.id", values):
            yield id_, photo, (corners[0], corners[1], corners[2], corners[3])

    def get(self, face_id: int) -> StoredFace | None:
        """One face; None where there is none with this id."""
        row = self._db.execute(f"{FACES} WHERE id = CAST(? AS INTEGER)", [str(face_id)]).fetchone()
        return _face(row) if row and row[0] == face_id else None  # larger numbers become the largest there is

    def in_photo(self, photo_id: int) -> list[int]:
        """The ids of a photo's faces, in rising order."""
        rows = self._db.execute("SELECT id FROM faces WHERE photo_id = ? ORDER BY id", [photo_id])
        return [row[0] for row in rows]

    def of_photo(self, photo_id: int, model: str) -> list[OwnedFace]:
        """The faces of a photo, by id, with their embeddings by a model."""
        rows = self._db.execute(
            """SELECT id, x0, y0, x1, y1, person_id, kind IS 'confirmed', vector FROM faces
               LEFT JOIN assignments ON assignments.face_id = id
               LEFT JOIN embeddings ON embeddings.face_id = id AND model = ?
               WHERE photo_id = ? ORDER BY id""",
            [model, photo_id],
        )
        return [
            OwnedFace(row[0], Box(*row[1:5]), row[5], bool(row[6]), row[7] and np.frombuffer(row[7], VECTOR))
            for row in rows
        ]

    def photos_of(self, face_ids: Iterable[int]) -> dict[int, int]:
        """The photo of each face that there is."""
        query = "SELECT id, photo_id FROM faces WHERE id = ?"
        rows = (self._db.execute(query, [face_id]).fetchone() for face_id in face_ids)
        return {row[0]: row[1] for row in rows if row}

    def chips(self, face_ids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """The chips (JPEG) of faces, one at a time, in the order asked for."""
        for face_id in face_ids:
            row = self._db.execute("SELECT jpeg FROM chips WHERE face_id = ?", [face_id]).fetchone()
            if row:
                yield face_id, row[0]

    def counts(self, face_ids: Iterable[int]) -> tuple[int, int]:
        """How many chips, and how many embeddings of all models, there are of some faces."""
        query = """SELECT (SELECT count(*) FROM chips WHERE face_id = faces.id),
                          (SELECT count(*) FROM embeddings WHERE face_id = faces.id) FROM faces WHERE id = ?"""
        found = [row for face_id in face_ids for row in self._db.execute(query, [face_id])]
        return sum(chips for chips, _ in found), sum(embeddings for _, embeddings in found)

    def remove(self, face_ids: Iterable[int]) -> None:
        """Delete faces, with everything that refers to them."""
        self._db.conn.executemany("DELETE FROM faces WHERE id = ?", [(face_id,) for face_id in face_ids])

    def without_vectors(self, model: str) -> list[StoredFace]:
        """Faces that the model has not embedded yet, by id."""
        done = {row[0] for row in self._db.execute("SELECT face_id FROM embeddings WHERE model = ?", [model])}
        return [face for face in self.all() if face.id not in done]

    def model(self) -> tuple[str, str] | None:
        """Fingerprint and name of the model whose embeddings the library uses; None while it holds no photo."""
        used = "SELECT fingerprint, name FROM models WHERE current AND EXISTS (SELECT 1 FROM photos)"
        row = self._db.execute(used).fetchone()
        return (row[0], row[1]) if row else None

    def add_model(self, fingerprint: str, name: str, dimension: int) -> None:
        """Make a model known, so that embeddings can be kept under its fingerprint."""
        self._db.execute(
            "INSERT OR IGNORE INTO models (fingerprint, name, dimension, current) VALUES (?, ?, ?, 0)",
            [fingerprint, name, dimension],
        )

    def use_model(self, fingerprint: str) -> None:
        """Make a known model the one whose embeddings are used; embeddings of others stay."""
        self._db.execute("UPDATE models SET current = (fingerprint = ?)", [fingerprint])


def _face(row: tuple[Any, ...]) -> StoredFace:
    return StoredFace(row[0], row[1], Face(Box(*row[2:6]), _points(row[6]), *row[7:10]))


def _points(blob: bytes) -> Float32:
    return np.frombuffer(blob, VECTOR).reshape(5, 2)
