"""What already lies in the destination: ours, changed since, or somebody else's."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from facecluster.albums.manifest import Entry, Manifest, Stamp, sha256, stamp


class State(Enum):
    """How a file of the manifest is found now."""

    ABSENT = "absent"
    OURS = "ours"
    CHANGED = "changed"


def look(path: Path) -> os.stat_result | None:
    """What ``stat`` says of the file at ``path``, links followed; None where no file is or none can be reached."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


@dataclass(frozen=True, slots=True)
class Present:
    """Photos that are there as the scan saw them: their SHA-256, and where they lie, links followed."""

    sha256: frozenset[str]
    places: frozenset[Path]


class Ground:
    """The destination as it is. Paths are relative to it, with ``/``. Nothing here writes."""

    def __init__(self, dest: Path, manifest: Manifest) -> None:
        self.dest = dest
        self.manifest = manifest
        self._states: dict[str, State] = {}
        self._links: dict[str, bool] = {}

    def exists(self, path: str) -> bool:
        """Whether anything, a broken link included, is there."""
        return os.path.lexists(self.dest / path)

    def state(self, path: str) -> State:
        """Whether the manifest's file at ``path`` is still as an export left it (remembered once known).

        One that cannot be read counts as changed.
        """
        if path not in self._states:
            self._states[path] = self._look(path)
        return self._states[path]

    def _look(self, path: str) -> State:
        entry = self.manifest.files.get(path)
        if not self.exists(path):
            return State.ABSENT
        if entry is None or self._behind_link(path):
            return State.CHANGED
        try:
            return State.OURS if _untouched(self.dest / path, entry) else State.CHANGED
        except OSError:
            return State.CHANGED

    def _behind_link(self, path: str) -> bool:
        folder = path.rpartition("/")[0]
        if folder not in self._links:
            self._links[folder] = bool(folder) and ((self.dest / folder).is_symlink() or self._behind_link(folder))
        return self._links[folder]

    def last_copy(self, path: str, present: Present) -> bool:
        """Whether removing this copy might lose a photo: no photo is its equal, and its original is gone.

        An original that was edited and scanned since is there; one that was not scanned since may have been
        overwritten with another photo. Hard links are no better than copies: a file's other links may be ours
        too, and go with the same export.
        """
        entry, file = self.manifest.files[path], self.dest / path
        if entry.kind not in ("copy", "hardlink") or entry.sha256 in present.sha256:
            return False
        original = Path(os.path.normpath(file.parent / entry.original))
        found = look(original)
        if found is None or original in present.places or os.path.samestat(found, file.lstat()):
            return found is None
        return entry.stamp is None or not _alike(found, entry.stamp)

    def removable(self, path: str, present: Present) -> bool:
        """Whether the file is ours, unchanged, and no photo's last copy."""
        return self.state(path) is State.OURS and not self.last_copy(path, present)

    def free_folder(self, path: str) -> bool:
        """Whether a folder of ours may be at ``path``: it is there already, or nothing is."""
        if not self.exists(path):
            return True
        real = (self.dest / path).is_dir() and not (self.dest / path).is_symlink()
        return real and path in self.manifest.folders


def _alike(photo: os.stat_result, copy: Stamp) -> bool:
    """Whether size and time are the copy's: it was given the photo's, which FAT keeps to two seconds."""
    return photo.st_size == copy[0] and abs(photo.st_mtime_ns - copy[1]) <= 2_000_000_000


def _untouched(path: Path, entry: Entry) -> bool:
    if entry.kind == "symlink":
        return path.is_symlink() and str(path.readlink()) == entry.original
    if path.is_symlink() or not path.is_file():
        return False
    if entry.stamp is not None:
        if stamp(path) == entry.stamp:
            return True
        if entry.kind == "hardlink" and path.lstat().st_ino == entry.stamp[3] and path.lstat().st_nlink > 1:
            return True  # the photo itself was edited; its content lives on under its own name
    return sha256(path) == entry.sha256
