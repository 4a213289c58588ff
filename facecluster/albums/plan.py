"""Plan an export: compare the people with what lies in the destination. Nothing is written here."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from facecluster.albums import manifest
from facecluster.albums.ground import Ground, Present, State, look
from facecluster.albums.layout import Conflict, Layout, Link, PersonFolder
from facecluster.albums.manifest import Entry
from facecluster.errors import UsageError
from facecluster.records import Album, AlbumFace

__all__ = ["Conflict", "ExportOptions", "ExportPlan", "Kept", "Link", "PersonFolder", "is_export", "plan"]

CHANGED = "it was changed since it was exported"
LAST_COPY = "its original is gone or not the same, so this may be the last copy"

Mode = Literal["symlink", "hardlink", "copy"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """``mode`` is how a photo comes into a person's folder; ``crops`` adds ``faces/`` with the face crops."""

    mode: Mode = "symlink"
    crops: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that an earlier export made and this one neither removes nor overwrites, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export would do. Paths are relative to ``dest``, with ``/``; ``dest`` has no links in it.

    ``missing`` are photos that are not there any more: they get no link. ``people`` says what each person's
    folder will hold, in the order given. ``sheet``, ``index`` and ``nomedia`` name the files beside the
    folders; ``nomedia`` is None when the user has one already.
    """

    dest: Path
    options: ExportOptions
    people: tuple[PersonFolder, ...]
    add: tuple[Link, ...]
    remove: tuple[str, ...]
    unchanged: tuple[Link, ...]
    kept: tuple[Kept, ...]
    conflicts: tuple[Conflict, ...]
    missing: tuple[Path, ...]
    folders: dict[str, int] = field(default_factory=dict)
    sheet: str = "index.html"
    index: str = "index.json"
    nomedia: str | None = ".nomedia"

    @property
    def steps(self) -> int:
        """The number that ``apply``'s progress adds up to."""
        return len(self.add) + len(self.remove) + 1


def is_export(dest: Path) -> bool:
    """Whether an earlier export is there, to be brought up to date."""
    return look(dest / manifest.NAME) is not None


def plan(albums: Sequence[Album], dest: Path, options: ExportOptions | None = None) -> ExportPlan:
    """What ``apply`` would do to make ``dest`` show ``albums``.

    Raises UsageError when ``dest`` is no folder, holds photos of the albums (the ``.nomedia`` written there
    would hide them from later scans), holds a manifest that cannot be understood, or cannot be read.
    """
    try:
        return _plan(albums, dest, options or ExportOptions())
    except OSError as error:
        raise UsageError(f"{error.filename or dest} cannot be read: {error.strerror or error}.") from error


def _plan(albums: Sequence[Album], dest: Path, options: ExportOptions) -> ExportPlan:
    root = Path(os.path.realpath(dest))
    if root.exists() and not root.is_dir():
        raise UsageError(f"{dest} is not a folder; choose another place to export to.")
    faces = [face for album in albums for face in album.faces]
    originals = {face.photo for face in faces}
    places = _places(originals)
    _refuse_library(root, places.values())
    same = [face for face in faces if face.photo in places and _as_seen(face)]
    present = Present(frozenset(f.sha256 for f in same), frozenset(places[f.photo] for f in same))
    ground = Ground(root, manifest.read(root))
    layout = Layout(ground, places, present)
    sheet, index = layout.beside("index.html"), layout.beside("index.json")
    people = layout.people(albums, options.mode, options.crops)
    nomedia = None if ground.state(".nomedia") is State.CHANGED else ".nomedia"
    device = root.stat().st_dev if root.exists() else None
    add, unchanged, replaced = _compare(ground, layout.links, present, device)
    wanted = {sheet, index, ".nomedia", *(link.path for link in layout.links)}
    remove, stale = _stale(ground, wanted, present)
    return ExportPlan(
        dest=root,
        options=options,
        people=people,
        add=tuple(add),
        remove=tuple(remove + [link.path for link in add if ground.exists(link.path)]),
        unchanged=tuple(unchanged),
        kept=tuple(replaced + stale),
        conflicts=tuple(layout.conflicts),
        missing=tuple(sorted(photo for photo in originals if photo not in places)),
        folders=layout.folders,
        sheet=sheet,
        index=index,
        nomedia=nomedia,
    )


def _places(photos: Collection[Path]) -> dict[Path, Path]:
    """Photos that are there, and where they lie once every link to a folder is followed."""
    real: dict[Path, Path] = {}
    for photo in photos:
        if photo.parent not in real:
            real[photo.parent] = Path(os.path.realpath(photo.parent))
    return {photo: real[photo.parent] / photo.name for photo in photos if look(photo)}


def _as_seen(face: AlbumFace) -> bool:
    """Whether the file plausibly is the photo still: its size and modification time are as they were."""
    found = look(face.photo)
    return found is not None and face.seen in (None, (found.st_size, found.st_mtime_ns))


def _refuse_library(root: Path, places: Iterable[Path]) -> None:
    folders = {place.parent for place in places}
    inside = min((folder for folder in folders if root in (folder, *folder.parents)), default=None)
    if inside is not None:
        raise UsageError(
            f"{root} holds photos of your library (in {inside}), and later scans skip a folder of albums; "
            f"choose a folder of its own, such as {root / 'Albums'}."
        )


def _compare(
    ground: Ground, links: Iterable[Link], present: Present, dest_device: int | None
) -> tuple[list[Link], list[Link], list[Kept]]:
    """Links to add, links that are there already, and files that stay in place of a link."""
    add: list[Link] = []
    unchanged: list[Link] = []
    kept: list[Kept] = []
    for link in links:
        state = ground.state(link.path)
        if state is State.CHANGED:
            kept.append(Kept(link.path, CHANGED))
        elif state is State.OURS and _settled(ground.manifest.files[link.path], link, dest_device):
            unchanged.append(link)
        elif state is State.OURS and ground.last_copy(link.path, present):
            kept.append(Kept(link.path, LAST_COPY))
        else:
            add.append(link)
    return add, unchanged, kept


def _settled(before: Entry, link: Link, dest_device: int | None) -> bool:
    wanted = link.entry
    if before.source != wanted.source:
        return False
    if wanted.kind == "hardlink" and before.kind == "copy":
        return link.photo.stat().st_dev != dest_device
    return before.kind == wanted.kind and (wanted.kind != "symlink" or before.original == wanted.original)


def _stale(ground: Ground, wanted: Collection[str], present: Present) -> tuple[list[str], list[Kept]]:
    """Files of earlier exports that are no longer wanted: those to remove, and those to keep."""
    remove: list[str] = []
    kept: list[Kept] = []
    for path in ground.manifest.files:
        if path in wanted or ground.state(path) is State.ABSENT:
            continue
        if ground.state(path) is State.CHANGED:
            kept.append(Kept(path, CHANGED))
        elif ground.last_copy(path, present):
            kept.append(Kept(path, LAST_COPY))
        else:
            remove.append(path)
    return remove, kept
