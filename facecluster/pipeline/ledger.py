"""The ledger of a scan: its one writer, which keeps outcomes and counts what they mean."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from facecluster import photos
from facecluster.pipeline.outcomes import Outcome
from facecluster.records import FileEntry
from facecluster.store import KnownFile, Place, Store


@dataclass(slots=True)
class ScanResult:
    """What a scan did, in files unless said otherwise.

    ``photos`` new photos were searched and hold ``faces`` faces, without those of people who were forgotten.
    ``copies`` are further paths of known photos, ``moved`` files were found at another path, ``edited`` files hold
    another photo than before, ``returned`` were missing, ``missing`` photos have vanished. ``unreadable`` could
    not be read in this run; ``folders`` are folders that could not be entered, with the reason. ``otherwise``
    photos of those that were met had been searched with other options. ``profile`` has the seconds of each stage,
    summed over the ``workers`` and the writer; see ``stopwatch``.
    """

    unchanged: int = 0
    photos: int = 0
    faces: int = 0
    copies: int = 0
    moved: int = 0
    edited: int = 0
    returned: int = 0
    missing: int = 0
    unreadable: int = 0
    otherwise: int = 0
    seconds: float = 0.0
    workers: int = 1
    stopped: bool = False
    folders: list[tuple[Path, str]] = field(default_factory=list)
    profile: dict[str, float] = field(default_factory=dict)


class Ledger:
    """What the library knew of each file, what this scan met and read, and what that amounts to.

    First every file is met, then outcomes are kept, then accounts are settled, once.
    """

    def __init__(self, store: Store, model: str, searched_with: str) -> None:
        self.result = ScanResult()
        self._store, self._model, self._searched_with = store, model, searched_with
        self._known, self._replaced = store.photos.known_files(), store.photos.replaced()
        self._refusals = store.refusals.all()
        self._met: set[Path] = set()
        self._returned: list[Path] = []
        self._due: set[Path] = set()  # known files that have changed and were not read yet
        self._holds: dict[Path, int | None] = {}  # the files that were read; None: no photo
        self._new: set[int] = set()
        self._failed: dict[str, Outcome] = {}
        self._waiting: dict[str, list[FileEntry]] = {}  # copies of photos that are still being searched

    def meet(self, entry: FileEntry) -> bool:
        """Note a file that the walk met; returns whether it has to be read."""
        self._met.add(entry.path)
        known = self._known.get(entry.path)
        if known is None:
            return photos.looks_like_photo(entry.path) or _holds_photo(entry.path)
        if not known.is_unchanged(entry):
            self._due.add(entry.path)
            return True
        if known.missing:
            self._returned.append(entry.path)
        self.result.unchanged += not known.missing
        return False

    def keep(self, outcomes: Iterable[Outcome]) -> None:
        """Write some outcomes, all of them or none."""
        with self._store.transaction():
            for outcome in outcomes:
                self._keep(outcome)

    def _keep(self, outcome: Outcome) -> None:
        entry, sha256 = outcome.entry, outcome.sha256
        self._due.discard(entry.path)
        if outcome.reason:
            self._fail(outcome)
        elif sha256 is None:
            self._met.discard(entry.path)
        elif photo_id := self._store.photos.find(sha256) or self._add(outcome):
            self._holds[entry.path] = photo_id
            self._store.photos.link(entry, photo_id)
        elif sha256 in self._failed:
            self._fail(replace(self._failed[sha256], entry=entry))
        else:
            self._waiting.setdefault(sha256, []).append(entry)
            return
        for copy in self._waiting.pop(sha256 or "", ()):
            self._keep(Outcome(copy, sha256))

    def _fail(self, outcome: Outcome) -> None:
        if outcome.sha256:
            self._failed[outcome.sha256] = outcome
        if not outcome.again:
            self._holds[outcome.entry.path] = None
        self.result.unreadable += 1
        self._store.photos.add_unreadable(outcome.entry, outcome.reason or "", outcome.again)

    def _add(self, outcome: Outcome) -> int | None:
        if outcome.photo is None:
            return None
        photo_id = self._store.photos.add(outcome.photo, self._searched_with)
        refuses = self._refusals.refuses
        wanted = [seen for seen in outcome.seen if not refuses(Place.of(outcome.photo, seen.face.box))]
        for seen in wanted:
            face_id = self._store.faces.add(photo_id, seen.face, seen.jpeg)
            self._store.faces.add_vectors([face_id], seen.vector[None], self._model)
        self._new.add(photo_id)
        self.result.photos += 1
        self.result.faces += len(wanted)
        return photo_id

    def settle(self, roots: Sequence[Path], complete: bool) -> None:
        """What only shows once all files are known: what returned, vanished, moved, or was edited away.

        Unless the scan is ``complete``, a photo whose file has vanished may yet be read elsewhere, so only those
        that were found already are dealt with.
        """
        vanished = self._vanished([absolute(root) for root in roots])
        self._count_arrivals(self._lost(vanished))
        found = set(self._holds.values())
        settled = [path for path in vanished if complete or self._known[path].photo_id in found]
        table = self._store.photos
        with self._store.transaction():
            table.set_missing(self._returned, False)
            table.set_missing(settled, True)
            table.forget_moved()
            gone = {self._known[path].photo_id for path in settled} - {None}
            self.result.missing = len(gone - set(table.paths()))
            if complete:
                table.drop_replaced()
        met = found | {self._known[path].photo_id for path in self._met & self._known.keys()}
        self.result.otherwise = len(table.searched_otherwise(self._searched_with) & met)

    def _vanished(self, roots: Sequence[Path]) -> list[Path]:
        """Known files that should have been met."""
        shut = [folder for folder, _ in self.result.folders]
        return [
            path
            for path, known in self._known.items()
            if path not in self._met and not known.missing and _is_below(path, roots) and not _is_below(path, shut)
        ]

    def _lost(self, vanished: Iterable[Path]) -> Counter[int | None]:
        """How many paths each photo was known at that do not hold it any more."""
        gone = self._due.union(vanished)
        return Counter(self._replaced) + Counter(
            known.photo_id
            for path, known in self._known.items()
            if path in gone
            or (known.missing and path not in self._met)
            or self._holds.get(path, known.photo_id) != known.photo_id
        )

    def _count_arrivals(self, lost: Counter[int | None]) -> None:
        """Sort the files that were read by what they hold now and held before."""
        result, nothing = self.result, KnownFile(None, 0, 0)
        result.returned = len(self._returned)
        arrived: Counter[int] = Counter()
        for path, photo_id in self._holds.items():
            before = self._known.get(path, nothing)
            if photo_id is None:
                continue
            if before.photo_id == photo_id:
                result.returned += before.missing
                result.unchanged += not before.missing
                continue
            result.edited += before.photo_id is not None and not before.missing
            arrived[photo_id] += 1
        pathless = arrived.keys() - self._new - self._replaced - {known.photo_id for known in self._known.values()}
        result.returned += len(pathless)
        for photo_id, count in arrived.items():
            moved = min(count, lost[photo_id])
            result.moved += moved
            result.copies += count - moved - (photo_id in self._new or photo_id in pathless)


def absolute(root: Path) -> Path:
    """A root as ``photos.walk`` spells the paths below it."""
    return Path(os.path.normpath(root.absolute()))


def _is_below(path: Path, folders: Iterable[Path]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


def _holds_photo(path: Path) -> bool:
    """Whether the content is a photo although the name does not say so; an unreadable file is passed over."""
    try:
        with path.open("rb") as file:
            return photos.sniff(file.read(64)) is not None
    except OSError:
        return False
