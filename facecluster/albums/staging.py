"""Make one file of an export at a staging path, and say what the manifest must know of it."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from facecluster.albums import crops
from facecluster.albums.ground import look
from facecluster.albums.layout import Link
from facecluster.albums.manifest import PARTS, Entry, stamp
from facecluster.errors import UsageError

NO_SYMLINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP}
NO_PRIVILEGE = 1314  # Windows: symbolic links need developer mode
CHUNK = 1 << 20
ABANDONED = 24 * 60 * 60
"""Seconds since the last change of a staging folder after which no export can be at work in it."""

NOT_THAT_PHOTO = "it changed since the scan; scan again"


class PhotoError(Exception):
    """A photo could not be read, or its crop not made; the text says why."""


@contextmanager
def folder(dest: Path) -> Iterator[Path]:
    """A staging folder in ``dest`` for one run alone, gone afterwards; abandoned ones of others go as well."""
    for left in dest.glob(PARTS + "*"):
        with suppress(FileNotFoundError):  # another run may clear it as well
            if left.lstat().st_mtime < time.time() - ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{PARTS}-", dir=dest) as parts:
        yield Path(parts)


def make(link: Link, part: Path, chip_of: crops.ChipOf) -> Entry:
    """Make ``link`` at ``part``, whose folder is on the destination's file system.

    A hard link that cannot be made becomes a copy; the entry's kind tells. Raises PhotoError, which may leave
    something at ``part``, when the photo is to blame, UsageError when symbolic links are not possible here,
    OSError when writing fails.
    """
    match link.entry.kind:
        case "symlink":
            return _symlink(link, part)
        case "hardlink":
            return _hardlink(link, part)
        case "copy":
            return _copy(link, part)
        case _:
            return _crop(link, part, chip_of)


def write(part: Path, parts: Iterable[bytes], source: str) -> Entry:
    """Write a file of our own at ``part``; ``source`` tells its content from another's."""
    digest = hashlib.sha256()
    with part.open("xb") as file:  # never into a hard link that lies there
        for data in parts:
            digest.update(data)
            file.write(data)
    return Entry("file", source, sha256=digest.hexdigest(), stamp=stamp(part))


def _symlink(link: Link, part: Path) -> Entry:
    try:
        part.symlink_to(link.entry.original)
    except OSError as error:
        if error.errno in NO_SYMLINKS or getattr(error, "winerror", None) == NO_PRIVILEGE:
            raise UsageError(
                f"{part.parent.parent} cannot hold symbolic links; export with --mode copy or hardlink."
            ) from error
        raise
    return link.entry


def _hardlink(link: Link, part: Path) -> Entry:
    try:
        part.hardlink_to(link.photo.resolve())
    except FileNotFoundError as error:
        raise PhotoError("the photo is gone") from error
    except OSError:  # another file system, or one without hard links
        return _copy(link, part)
    made = stamp(part)
    if link.face.seen not in (None, made[:2]):
        raise PhotoError(NOT_THAT_PHOTO)
    return replace(link.entry, stamp=made)


def _copy(link: Link, part: Path) -> Entry:
    found = look(link.photo)
    if write(part, _content(link.photo), "").sha256 != link.entry.sha256:
        raise PhotoError(NOT_THAT_PHOTO)
    if found:
        os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
    return replace(link.entry, kind="copy", stamp=stamp(part))


def _content(photo: Path) -> Iterator[bytes]:
    try:
        with photo.open("rb") as file:
            while data := file.read(CHUNK):
                yield data
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error


def _crop(link: Link, part: Path, chip_of: crops.ChipOf) -> Entry:
    data = crops.crop(chip_of(link.face.face_id), link.face.box)
    if data is None:
        raise PhotoError("the face's chip cannot be read")
    return replace(write(part, [data], link.entry.source), kind="crop")
