"""What passes from the workers of a scan, which read files, to its one writer, which keeps what they found."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from facecluster.records import Face, FileEntry, Float32, Photo


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A face with its chip (JPEG) and its embedding (dimension,)."""

    face: Face
    jpeg: bytes
    vector: Float32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: a new photo with its faces, a photo known by its hash, or a reason why neither.

    ``sha256`` is None where the content could not be read; ``photo`` is None where the photo is known already,
    or where there is a ``reason`` why it cannot be used. ``again`` says that the content is not to blame, so that
    the next scan has to try again. With neither hash nor reason, the file was gone before it could be read.
    """

    entry: FileEntry
    sha256: str | None = None
    photo: Photo | None = None
    seen: tuple[Seen, ...] = ()
    reason: str | None = None
    again: bool = False


@dataclass(slots=True)
class Claims:
    """Which contents are taken: by the library, or by a worker of this run. Each is decoded once."""

    taken: set[str]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, sha256: str) -> bool:
        """Take a content; False when it was taken before."""
        with self.lock:
            new = sha256 not in self.taken
            self.taken.add(sha256)
        return new
