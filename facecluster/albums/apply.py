"""Carry out a plan: links made, links of earlier exports removed, index and contact sheet written.

Files are made in a staging folder, announced in the manifest, and only then moved to their places: whatever
moment a run is stopped at, the next one knows every file of ours and goes on from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from facecluster.albums import index, manifest, sheet, staging
from facecluster.albums.crops import ChipOf
from facecluster.albums.ground import Ground, State, look
from facecluster.albums.layout import Link
from facecluster.albums.manifest import Entry, Manifest, stamp
from facecluster.albums.plan import CHANGED, ExportPlan, Kept
from facecluster.errors import UsageError

BATCH = 1000
"""Files between two writes of the manifest: what an interrupted export may have to make again."""


@dataclass(slots=True)
class ExportResult:
    """What an export did. Paths are relative to ``dest``, with ``/``; ``sheet`` is the page to open.

    ``people`` is how many are shown.
    ``missing`` are photos not there any more. ``failed`` says why a path could not be made or removed.
    ``copied`` are photos copied because a hard link cannot reach them on another file system.
    """

    dest: Path
    sheet: Path
    people: int
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    kept: list[Kept] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)


def apply(
    plan: ExportPlan, chip_of: ChipOf, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> ExportResult:
    """Make the destination as planned. Originals are only read; nothing that is not ours is touched.

    ``chip_of`` is asked only for faces that are to be shown. ``on_progress`` is called with the steps done and
    ``plan.steps``. Raises UsageError when the destination cannot hold links of the kind asked for, is full, or
    cannot be written; what was done so far stays, and the next export goes on from there.
    """
    try:
        plan.dest.mkdir(parents=True, exist_ok=True)
        with staging.folder(plan.dest) as parts:
            return _Export(plan, chip_of, on_progress, parts).run()
    except OSError as error:
        raise UsageError(f"{plan.dest} cannot be written: {error.strerror or error}.") from error


class _Export:
    """One run: ``files`` and ``folders`` are what the manifest says by and by, ``parts`` is for staging."""

    def __init__(
        self, plan: ExportPlan, chip_of: ChipOf, on_progress: Callable[[int, int], None], parts: Path
    ) -> None:
        before = manifest.read(plan.dest)
        self.plan = plan
        self.chip_of = chip_of
        self.on_progress = on_progress
        self.parts = parts
        self.done = 0
        self.ground = Ground(plan.dest, before)
        self.files = {path: e for path, e in before.files.items() if self.ground.exists(path)}
        self.folders = before.folders | plan.folders
        self.result = ExportResult(
            plan.dest,
            plan.dest / plan.sheet,
            len(plan.people),
            unchanged=len(plan.unchanged),
            kept=list(plan.kept),
            missing=list(plan.missing),
        )

    def run(self) -> ExportResult:
        """Carry out the plan, step by step."""
        for path in self.plan.remove:
            self._remove(path)
            self._step()
        self._remove_empty_folders()
        self._write_pages()
        for start in range(0, len(self.plan.add), BATCH):
            self._add(self.plan.add[start : start + BATCH])
        for link in self.plan.unchanged:
            self.files[link.path] = replace(self.files[link.path], original=link.entry.original)
        self._announce()
        self._step()
        return self.result

    def _step(self) -> None:
        self.done += 1
        self.on_progress(self.done, self.plan.steps)

    def _announce(self) -> None:
        manifest.write(self.plan.dest, Manifest(self.files, self.folders), self.parts / "manifest")

    def _remove(self, path: str) -> None:
        if self.ground.state(path) is State.CHANGED:
            self.result.kept.append(Kept(path, CHANGED))
            return
        try:
            (self.plan.dest / path).unlink(missing_ok=True)
        except OSError as error:
            self.result.failed.append((path, error.strerror or str(error)))
            return
        self.files.pop(path, None)
        self.result.removed.append(path)

    def _remove_empty_folders(self) -> None:
        for folder in sorted(set(self.folders) - set(self.plan.folders), reverse=True):
            path = self.plan.dest / folder
            if path.is_symlink() or not path.is_dir():
                del self.folders[folder]
            elif not any(path.iterdir()):
                path.rmdir()
                del self.folders[folder]

    def _write_pages(self) -> None:
        text = index.render(self.plan.people)
        pages: list[tuple[str | None, str, Iterable[bytes]]] = [
            (self.plan.nomedia, "nomedia", ()),
            (self.plan.index, index.digest(text), [text]),
            (self.plan.sheet, sheet.digest(self.plan.people), sheet.render(self.plan.people, self.chip_of)),
        ]
        made: dict[str, Entry] = {}
        for path, source, parts in pages:
            if path and not (self.ground.state(path) is State.OURS and self.files[path].source == source):
                made[path] = staging.write(self.parts / str(len(made)), parts, source)
        for path in made:
            if self.ground.state(path) is State.OURS:
                (self.plan.dest / path).unlink()
        self._place(made)

    def _add(self, links: Sequence[Link]) -> None:
        made: dict[str, Entry] = {}
        for link in links:
            part = self.parts / str(len(made))
            try:
                made[link.path] = staging.make(link, part, self.chip_of)
            except staging.PhotoError as error:
                part.unlink(missing_ok=True)
                self._skip(link, error)
            self._step()
        self.result.added += self._place(made)
        kinds = {link.path: link.entry.kind for link in links}
        self.result.copied += [p for p, e in made.items() if e.kind == "copy" and kinds[p] == "hardlink"]

    def _skip(self, link: Link, error: staging.PhotoError) -> None:
        if look(link.photo):
            self.result.failed.append((link.path, str(error)))
        elif link.photo not in self.result.missing:
            self.result.missing.append(link.photo)

    def _place(self, made: dict[str, Entry]) -> list[str]:
        """Announce staged files, numbered in the order of ``made``, and move them to their places."""
        if made:
            self.files.update(made)
            self._announce()
        placed = []
        for number, (path, entry) in enumerate(made.items()):
            part, target = self.parts / str(number), self.plan.dest / path
            if os.path.lexists(target):
                part.unlink()
                del self.files[path]
                self.result.failed.append((path, "another file appeared there meanwhile"))
                continue
            target.parent.mkdir(exist_ok=True)
            part.rename(target)
            if entry.stamp is not None:
                self.files[path] = replace(entry, stamp=stamp(target))  # moving it changed its ctime
            placed.append(path)
        return placed
