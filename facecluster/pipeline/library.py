"""A photo library and all that can be done with it: the one object that scripts and the commands use.

Methods that need networks or hdbscan import their part of the pipeline themselves, so the others answer at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from facecluster import albums
from facecluster.errors import UsageError
from facecluster.machine import cores
from facecluster.pipeline.export import albums_of, chips_of
from facecluster.pipeline.forget import Forgotten, forget
from facecluster.pipeline.opened import OpenLibrary
from facecluster.pipeline.scan import Progress, Read, Scan, ScanResult
from facecluster.pipeline.stopwatch import Stopwatch

if TYPE_CHECKING:
    from facecluster.faces import DetectOptions
    from facecluster.people import ClusterOptions
    from facecluster.pipeline.calibrate import Calibration
    from facecluster.pipeline.cluster import ClusterResult, QualityGate

MAX_WORKERS = 8
"""Each worker holds a few decoded photos and their tables, about 100 MB."""


class Library(OpenLibrary):
    """The people in a photo library, kept in one database file; use it as a context manager.

    ``scan``, then ``cluster``, then ``export``; see ``docs/python.md``.
    """

    def scan(
        self,
        roots: Sequence[Path],
        *,
        model: str | None = None,
        device: str = "auto",
        options: DetectOptions | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        stop: threading.Event | None = None,
    ) -> ScanResult:
        """Bring the library up to date with the files below ``roots``; see ``pipeline.scan``.

        Raises ``UsageError`` when a root does not exist, ``WeightsError``, and ``ModelMismatchError`` when
        ``model`` is not the one that the library was scanned with.
        """
        from facecluster.faces import DetectOptions

        name, options, watch = model or self.model, options or DetectOptions(), Stopwatch()

        def load() -> Read:
            """Load the networks that the scan needs."""
            from facecluster.pipeline.networks import reader

            return reader(name, device, options, watch=watch)

        with self.store.alone():
            return Scan(
                self.store,
                load,
                self._use(name),
                options.key(),
                workers=min(MAX_WORKERS, cores()),
                on_progress=on_progress,
                stop=stop or threading.Event(),
                watch=watch,
            ).run(roots)

    def cluster(
        self,
        options: ClusterOptions | None = None,
        *,
        gate: QualityGate | None = None,
        dry_run: bool = False,
        anew: bool = False,
    ) -> ClusterResult:
        """Group all faces into people, or let those there are grow; see ``pipeline.cluster``.

        Without ``options``, the model's own are used. Raises ``UsageError`` when nothing was scanned yet.
        """
        from facecluster.pipeline.cluster import QualityGate, cluster

        known = self.store.faces.model()
        if known is None:
            raise UsageError("The library is empty: run `facecluster scan FOLDER` first.")
        with nullcontext() if dry_run else self.store.alone():
            options, gate = options or self.cluster_options(), gate or QualityGate()
            return cluster(self.store, known[0], options, gate, dry_run, anew)

    def calibrate(self, rate: float = 0.001, *, save: bool = False) -> Calibration:
        """The join distance for this library at a rate of false merges; ``save`` stores it.

        See ``pipeline.calibrate``. Raises ``UsageError`` when nothing was scanned or too little is confirmed.
        """
        from facecluster.pipeline.calibrate import calibrate

        known = self.store.faces.model()
        if known is None:
            raise UsageError("The library is empty: run `facecluster scan FOLDER` first.")
        return calibrate(self.store, known[0], self.cluster_options().join_distance, rate, save)

    def forget_calibration(self) -> bool:
        """Use the model's join distance again; whether another was stored."""
        known = self.store.faces.model()
        return known is not None and self.store.calibrations.drop(known[0])

    def export(
        self,
        folder: Path,
        options: albums.ExportOptions | None = None,
        *,
        min_size: int = 1,
        persons: Collection[str] = (),
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> albums.ExportResult:
        """Write an album for every person to ``folder``, or bring there up to date what an earlier export wrote.

        Only people with ``min_size`` photos, and only ``persons`` (numbers or names) if there are any, get one.
        ``on_progress`` is called with the files done and all that there are to do. Raises ``UsageError``, as
        ``plan_export`` does, and when ``folder`` cannot be written.
        """
        plan = self.plan_export(folder, options, min_size=min_size, persons=persons)
        return albums.apply(plan, chips_of(self.store), on_progress)

    def plan_export(
        self,
        folder: Path,
        options: albums.ExportOptions | None = None,
        *,
        min_size: int = 1,
        persons: Collection[str] = (),
    ) -> albums.ExportPlan:
        """What ``export`` would do. Nothing is written.

        Raises ``UsageError``, also when there is nobody to show and nothing to bring up to date, or when an
        export of some ``persons`` would remove the albums of others.
        """
        if not self.store.people.all() and not albums.is_export(folder):
            raise UsageError("Nobody to show yet: run `facecluster cluster` first.")
        plan = albums.plan(albums_of(self.store, min_size, persons), folder, options)
        others = {path.split("/")[0] for path in plan.remove if "/" in path} - {p.folder for p in plan.people}
        if persons and others:
            raise UsageError(
                f"{folder} holds albums of other people ({min(others)}), which an export of these alone would "
                "remove: choose another folder, or export without --person."
            )
        return plan

    def migrate(
        self,
        model: str,
        *,
        device: str = "auto",
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """Embed every face again with another model, from the chips; returns how many. No photo is opened.

        People and their ids stay. An interrupted run is continued by the next, and until the last face is done
        the library keeps using its present model. Raises ``UsageError``, ``WeightsError``.
        """
        from facecluster.embeddings import Embedder
        from facecluster.nets.runtime import pick_device
        from facecluster.pipeline.migrate import migrate

        with self.store.alone():
            return migrate(self.store, Embedder.load(model, pick_device(device)), on_progress)

    def forget(self, person: str, *, dry_run: bool = False) -> Forgotten:
        """Remove a person's faces, name and birth date for good, and empty the journal; see ``pipeline.forget``.

        Raises ``UsageError`` for nobody, or while another facecluster works on the library, and ``StoreError``.
        """
        with nullcontext() if dry_run else self.store.alone():
            return forget(self.store, person, dry_run=dry_run)
