"""The bytes of a photo and their digest, read once: what is hashed is what is decoded."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from facecluster.errors import UnreadablePhotoError
from facecluster.photos.kinds import sniff

HEAD = 64
"""Bytes from which the kind of picture is told."""

MAX_BYTES = 1_000_000_000
"""The largest file that is read: a whole file is held in memory."""

NO_PICTURE = "not a picture, although its name says so"


@dataclass(frozen=True, slots=True)
class RawPhoto:
    """A file's content: ``data`` is all of its bytes, ``sha256`` their hex digest."""

    path: Path
    data: bytes = field(repr=False)
    sha256: str


def read_file(path: Path) -> RawPhoto:
    """Read and hash a file.

    Raises UnreadablePhotoError when it is empty, gone, forbidden or cannot be read, and, before more than its
    first bytes are read, when it is no picture or larger than ``MAX_BYTES``.
    """
    try:
        _refuse_at_first_sight(path)
        data = path.read_bytes()
    except (OSError, MemoryError) as error:
        raise UnreadablePhotoError(path, _reason(error)) from error
    if not data:
        raise UnreadablePhotoError(path, "the file is empty")
    return RawPhoto(path, data, hashlib.sha256(data).hexdigest())


def _refuse_at_first_sight(path: Path) -> None:
    with path.open("rb") as file:
        head, size = file.read(HEAD), os.fstat(file.fileno()).st_size
    if head and sniff(head) is None:
        raise UnreadablePhotoError(path, NO_PICTURE)
    if size > MAX_BYTES:
        raise UnreadablePhotoError(path, f"{size / 1e6:,.0f} MB are too much for a photo")


def _reason(error: OSError | MemoryError) -> str:
    match error:
        case FileNotFoundError():
            return "the file is gone; it was moved or deleted"
        case PermissionError():
            return "no permission to read the file"
        case IsADirectoryError():
            return "this is a folder"
        case MemoryError():
            return "the file does not fit into memory"
        case _:
            return f"the file cannot be read ({error.strerror or error})"
