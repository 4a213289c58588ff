"""Faces that a scan must not bring back, because the user had their person forgotten.

Of such a face nothing is kept but a digest of where it was: the photo's SHA-256 and one cell of a grid that is 64
cells long on the photo's longer side. Other options may move the face's box a little, so a face is refused when
its own cell or one of the eight around it is known. That may also refuse another face whose centre is so near: in
a crowd, where faces are about as small as the cells.

The salt, another one for each person, keeps digests of two people or two libraries from being compared.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import floor
from typing import Self

from sqlite_utils import Database

from facecluster.records import Box, Photo

CELLS = 64
"""Cells along the longer side of a photo."""

SALT = 16
"""Bytes of a salt."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cell of a photo; cells outside of the photo are numbered on."""

    sha256: str
    column: int
    row: int

    @classmethod
    def of(cls, photo: Photo, box: Box) -> Self:
        """The cell that holds the centre of ``box``."""
        scale = CELLS / max(photo.width, photo.height) / 2
        return cls(photo.sha256, floor((box.x0 + box.x1) * scale), floor((box.y0 + box.y1) * scale))

    def around(self) -> Iterator[Place]:
        """The cell itself and the eight that touch it."""
        for row in range(self.row - 1, self.row + 2):
            for column in range(self.column - 1, self.column + 2):
                yield Place(self.sha256, column, row)

    def digest(self, salt: bytes) -> bytes:
        """32 bytes from which, without the photo's SHA-256, the place cannot be told."""
        return hashlib.sha256(salt + f"{self.sha256} {self.column} {self.row}".encode("ascii")).digest()


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the table held when it was read: every salt, and every digest with its salt."""

    salts: frozenset[bytes]
    digests: frozenset[tuple[bytes, bytes]]

    def refuses(self, place: Place) -> bool:
        """Whether a face at ``place`` is one that was to be forgotten."""
        return any((salt, near.digest(salt)) in self.digests for salt in self.salts for near in place.around())


class RefusalTable:
    """Reads and writes of the table ``refusals``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, places: Iterable[Place]) -> None:
        """Refuse the faces of one person from now on, under a new salt."""
        salt = secrets.token_bytes(SALT)
        self._db.conn.executemany(
            "INSERT OR IGNORE INTO refusals (salt, digest) VALUES (?, ?)",
            [(salt, place.digest(salt)) for place in places],
        )

    def all(self) -> Refusals:
        """Every refusal, read once, so that asking for a place costs no query."""
        digests = frozenset(self._db.execute("SELECT salt, digest FROM refusals"))
        return Refusals(frozenset(salt for salt, _ in digests), digests)

    def refuses(self, place: Place) -> bool:
        """Whether a face at ``place`` is refused now; to ask for many, use ``all``."""
        return self.all().refuses(place)
