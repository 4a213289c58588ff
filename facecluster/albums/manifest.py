"""The manifest, ``.facecluster.json``: what an export made, so that the next one touches nothing else.

::

    {"facecluster": "albums", "version": 1,
     "folders": {"Ann": 3, "Ann/faces": 3},
     "files": {"Ann/IMG_1.jpg": {"kind": "symlink", "source": "a1b2…", "original": "../../2019/IMG_1.jpg"}}}

``folders`` gives the person's id. Paths use ``/`` and are relative to the manifest's folder; ``original`` is
relative to the folder of its file. The manifest is written *before* the files it names come to their places,
so that whatever a crash leaves behind is known to be ours.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from facecluster.errors import UsageError

NAME = ".facecluster.json"
PARTS = ".facecluster.parts"
"""How names of staging folders begin; an export that was killed may leave one."""

VERSION = 1

Kind = Literal["symlink", "hardlink", "copy", "crop", "file"]
Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of ours. ``source`` tells what it shows: a photo's SHA-256, or the digest of a crop's face.

    ``original`` is a symlink's text, or where the photo of a copy or hard link was. ``sha256`` is of the
    content, hex, empty for a symlink. ``stamp`` is (size, mtime_ns, ctime_ns, inode) as we left the file;
    without it only the content tells whether a file is still ours.
    """

    kind: Kind
    source: str = ""
    original: str = ""
    sha256: str = ""
    stamp: Stamp | None = None


FIELDS = [each.name for each in fields(Entry)]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files and the folders (with their person's id) that exports made."""

    files: dict[str, Entry] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)


def read(dest: Path) -> Manifest:
    """The manifest in ``dest``, empty when there is none. Raises UsageError when it cannot be understood."""
    path = dest / NAME
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}); move it away, or export elsewhere.") from error
    try:
        return _parse(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path} was not written by this version of facecluster; move it away, or export elsewhere."
        ) from error


def _parse(data: Any) -> Manifest:
    if data["facecluster"] != "albums" or data["version"] != VERSION:
        raise ValueError("another format")
    files = {_inside(path): _entry(values) for path, values in data["files"].items()}
    return Manifest(files, {_inside(path): int(person) for path, person in data["folders"].items()})


def _entry(values: dict[str, Any]) -> Entry:
    stamp = values.get("stamp")
    return Entry(**{**values, "stamp": None if stamp is None else tuple(stamp)})


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"{path} leads out of the export")
    return path


def write(dest: Path, manifest: Manifest, part: Path) -> None:
    """Replace the manifest in ``dest`` in one step; ``part`` is a path on its file system to write it at first."""
    data = {
        "facecluster": "albums",
        "version": VERSION,
        "folders": manifest.folders,
        "files": {path: _fields(entry) for path, entry in sorted(manifest.files.items())},
    }
    with part.open("wb") as file:
        file.write(json.dumps(data).encode("ascii"))
        file.flush()
        os.fsync(file.fileno())
    part.replace(dest / NAME)


def _fields(entry: Entry) -> dict[str, Any]:
    return {name: value for name in FIELDS if (value := getattr(entry, name))}


def stamp(path: Path) -> Stamp:
    """(size, mtime_ns, ctime_ns, inode) of the file, of a link itself."""
    stat = path.lstat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
