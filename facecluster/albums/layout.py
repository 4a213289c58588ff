"""Which person gets which folder, and which photo which name in it.

A name that an earlier export gave stays as long as it is one the title or the file name could have: links
keep their addresses when other people or photos come and go.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facecluster.albums.ground import Ground, Present
from facecluster.albums.manifest import NAME, PARTS, Entry, Kind, stamp
from facecluster.albums.names import (
    name_key,
    numbered,
    numbered_file,
    photo_names,
    remembered_form,
    safe_name,
)
from facecluster.records import Album, AlbumFace


@dataclass(frozen=True, slots=True)
class Link:
    """One file to be in a person's folder: the photo of ``face`` as a link or copy, or the face's crop.

    ``photo`` is where it lies once every link to a folder is followed; ``entry`` is what the manifest will say.
    """

    path: str
    photo: Path
    entry: Entry
    face: AlbumFace


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something not ours is at ``wanted``, so ``chosen`` is used."""

    wanted: str
    chosen: str


@dataclass(frozen=True, slots=True)
class PersonFolder:
    """A person as exported: ``photos`` maps a photo's SHA-256 to its path, ``crops`` a face id to its crop's.

    ``folder`` is None when none of the person's photos is there any more.
    """

    album: Album
    folder: str | None
    photos: Mapping[str, str]
    crops: Mapping[int, str]


class Layout:
    """Names for everything that one export wants; gathers ``links``, ``folders`` and ``conflicts``.

    ``places`` maps the photos that are there to their path without links; those that are ``present`` are as
    the scan saw them.
    """

    def __init__(self, ground: Ground, places: Mapping[Path, Path], present: Present) -> None:
        self.ground = ground
        self.places = places
        self.present = present
        self.links: list[Link] = []
        self.folders: dict[str, int] = {}
        self.conflicts: list[Conflict] = []
        self._taken = {name_key(name) for name in (NAME, PARTS, ".nomedia")}
        self._given = _given_names(ground)

    def beside(self, name: str) -> str:
        """A name for one of our own files beside the people's folders."""
        return self._choose(numbered_file(name), self._free_file)

    def people(self, albums: Sequence[Album], mode: Kind, crops: bool) -> tuple[PersonFolder, ...]:
        """Lay out every person's folder. One who has no photo left gets none."""
        there = [album for album in albums if any(face.photo in self.places for face in album.faces)]
        names = self._folder_names(there)
        self.folders.update({folder: person for person, folder in names.items()})
        return tuple(self._person(album, names.get(album.person_id), mode, crops) for album in albums)

    def _folder_names(self, albums: Sequence[Album]) -> dict[int, str]:
        before = {person: name for name, person in self.ground.manifest.folders.items() if "/" not in name}
        names: dict[int, str] = {}
        for album in albums:
            name = before.get(album.person_id)
            if name and remembered_form(name, numbered(safe_name(album.title))) and self._is_left(name):
                names[album.person_id] = self._take(name)
        for album in albums:
            if album.person_id not in names:
                wishes = numbered(safe_name(album.title))
                names[album.person_id] = self._choose(wishes, self.ground.free_folder)
        return names

    def _is_left(self, folder: str) -> bool:
        return name_key(folder) not in self._taken and self.ground.free_folder(folder)

    def _person(self, album: Album, folder: str | None, mode: Kind, crops: bool) -> PersonFolder:
        if folder is None:
            return PersonFolder(album, None, {}, {})
        faces = [face for face in album.faces if face.photo in self.places]
        inside = self._choose(numbered(f"{folder}/faces"), self.ground.free_folder)
        photos = self._photos(folder, faces, mode)
        if not crops:
            return PersonFolder(album, folder, photos, {})
        self.folders[inside] = album.person_id
        return PersonFolder(album, folder, photos, self._crops(inside, faces))

    def _photos(self, folder: str, faces: Iterable[AlbumFace], mode: Kind) -> dict[str, str]:
        shown: dict[str, AlbumFace] = {}
        for face in faces:
            shown.setdefault(face.sha256, face)
        paths = self._names(folder, {sha256: face.photo.name for sha256, face in shown.items()})
        for sha256, face in shown.items():
            photo = self.places[face.photo]
            self.links.append(Link(paths[sha256], photo, self._entry(mode, photo, sha256, folder), face))
        return paths

    def _crops(self, folder: str, faces: Iterable[AlbumFace]) -> dict[int, str]:
        sources = {_digest(face): face for face in faces}
        wishes = {source: f"{face.photo.stem}-{face.face_id}.jpg" for source, face in sources.items()}
        paths = self._names(folder, wishes)
        for source, face in sources.items():
            self.links.append(Link(paths[source], self.places[face.photo], Entry("crop", source), face))
        return {face.face_id: paths[source] for source, face in sources.items()}

    def _entry(self, mode: Kind, photo: Path, sha256: str, folder: str) -> Entry:
        original = _relative(photo, self.ground.dest / folder)
        if mode == "symlink":
            return Entry("symlink", sha256, original)
        known = stamp(photo.resolve()) if mode == "hardlink" else None
        return Entry(mode, sha256, original, sha256, known)

    def _names(self, folder: str, wishes: Mapping[str, str]) -> dict[str, str]:
        """Source to path in ``folder``, from source to wished name; names given before come first."""
        given = self._given[folder]
        paths = {
            source: self._take(f"{folder}/{given[source]}")
            for source, name in wishes.items()
            if source in given and remembered_form(given[source], photo_names(name, source))
        }
        for source, name in wishes.items():
            if source not in paths:
                candidates = (f"{folder}/{candidate}" for candidate in photo_names(name, source))
                paths[source] = self._choose(candidates, self._free_file)
        return paths

    def _choose(self, candidates: Iterator[str], is_free: Callable[[str], bool]) -> str:
        left = (path for path in candidates if name_key(path) not in self._taken)
        wanted = next(left)
        chosen = wanted if is_free(wanted) else next(path for path in left if is_free(path))
        if chosen != wanted:
            self.conflicts.append(Conflict(wanted, chosen))
        return self._take(chosen)

    def _free_file(self, path: str) -> bool:
        return not self.ground.exists(path) or self.ground.removable(path, self.present)

    def _take(self, path: str) -> str:
        self._taken.add(name_key(path))
        return path


def _given_names(ground: Ground) -> dict[str, dict[str, str]]:
    """Folder to (source to file name), as earlier exports gave them."""
    given: dict[str, dict[str, str]] = defaultdict(dict)
    for path, entry in ground.manifest.files.items():
        folder, _, name = path.rpartition("/")
        given[folder][entry.source] = name
    return given


def _digest(face: AlbumFace) -> str:
    box = face.box
    corners = f"{box.x0:.1f} {box.y0:.1f} {box.x1:.1f} {box.y1:.1f}"
    return hashlib.sha256(f"{face.face_id} {face.sha256} {corners}".encode()).hexdigest()


def _relative(photo: Path, folder: Path) -> str:
    try:
        return os.path.relpath(photo, folder)
    except ValueError:  # another drive on Windows
        return str(photo)
