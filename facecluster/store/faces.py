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
        row = self._db.execute("SELECT count(*), max(length(vector)) FROM embeddings WHERE model = ?", [model])
        count, size = row.fetchone()
        ids, vectors = np.zeros(count, np.int64), np.zeros((count, (size or 0) // 4), np.float32)
        rows = self._db.execute("SELECT face_id, vector FROM embeddings WHERE model = ? ORDER BY face_id", [model])
        for i, (face_id, vector) in enumerate(rows):
            ids[i], vectors[i] = face_id, np.frombuffer(vector, VECTOR)
        return ids, vectors

    def all(self) -> list[StoredFace]:
        """Every face, by id."""
        return [_face(row) for row in self._db.execute(f"{FACES} ORDER BY id")]

    def get(self, face_id: int) -> StoredFace | None:
        """One face; None where there is none with this id."""
        row = self._db.execute(f"{FACES} WHERE id = ?", [face_id]).fetchone()
        return _face(row) if row else None

    def in_photo(self, photo_id: int) -> list[int]:
        """The ids of a photo's faces, in rising order."""
        rows = self._db.execute("SELECT id FROM faces WHERE photo_id = ? ORDER BY id", [photo_id])
        return [row[0] for row in rows]

    def chips(self, face_ids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """The chips (JPEG) of faces, one at a time, in the order asked for."""
        for face_id in face_ids:
            row = self._db.execute("SELECT jpeg FROM chips WHERE face_id = ?", [face_id]).fetchone()
            if row:
                yield face_id, row[0]

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
