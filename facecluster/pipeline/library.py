"""A photo library and all that can be done with it: the one object that scripts and the commands use.

Methods that need networks or hdbscan import their part of the pipeline themselves, so the others answer at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import platformdirs

from facecluster import albums
from facecluster.errors import ModelMismatchError, UsageError
from facecluster.machine import cores
from facecluster.nets.specs import spec_of
from facecluster.nets.weights import dimension, fingerprint
from facecluster.pipeline.export import albums_of, chips_of
from facecluster.pipeline.people import People
from facecluster.pipeline.scan import Progress, Read, Scan, ScanResult
from facecluster.store import Counts, Store, Unreadable

if TYPE_CHECKING:
    from facecluster.faces import DetectOptions
    from facecluster.people import ClusterOptions
    from facecluster.pipeline.cluster import ClusterResult, QualityGate
    from facecluster.pipeline.explanation import Explanation, Mapped

DEFAULT_MODEL = "facenet"


@dataclass(frozen=True, slots=True)
class Status:
    """What the library holds, which model's embeddings it uses, and the files that could not be read."""

    database: Path
    model: str | None
    counts: Counts
    unreadable: list[Unreadable]


MAX_WORKERS = 8
"""Each worker holds a few decoded photos and their tables, about 100 MB."""


def default_database() -> Path:
    """``$FACECLUSTER_DB``, or ``library.db`` in the user's data folder."""
    chosen = os.environ.get("FACECLUSTER_DB")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("facecluster")) / "library.db"


class Library:
    """The people in a photo library, kept in one database file; use it as a context manager.

    ``scan``, then ``cluster``, then ``export``; see ``docs/python.md``.
    """

    def __init__(self, database: Path | None = None) -> None:
        self.store = Store(database or default_database())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    @property
    def people(self) -> People:
        """Names, corrections, and taking them back."""
        return People(self.store, self._apart)

    @property
    def model(self) -> str:
        """The name of the model whose embeddings the library uses."""
        known = self.store.faces.model()
        return known[1] if known else DEFAULT_MODEL

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

        name, options = model or self.model, options or DetectOptions()

        def load() -> Read:
            from facecluster.pipeline.networks import reader

            return reader(name, device, options)

        with self.store.alone():
            return Scan(
                self.store,
                load,
                self._use(name),
                options.key(),
                workers=min(MAX_WORKERS, cores()),
                on_progress=on_progress,
                stop=stop or threading.Event(),
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

    def cluster_options(self) -> ClusterOptions:
        """Options with the join distance that was calibrated for the library's model."""
        from facecluster.people import ClusterOptions

        return ClusterOptions(join_distance=spec_of(self.model).join_distance)

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

    def explain(self, face: int, map_to: Path | None = None, device: str = "auto") -> Explanation:
        """Why a face is where it is; see ``pipeline.explain``.

        ``map_to`` is a PNG to be made of which parts of the face carry the match, see ``pipeline.heat``; only for
        that are networks loaded. Raises ``UsageError`` for a face that is not there, and for a map that cannot be
        made or written; with ``map_to`` also ``WeightsError`` and ``ModelMismatchError``.
        """
        from facecluster.pipeline.cluster import QualityGate
        from facecluster.pipeline.explain import explain

        known = self.store.faces.model()
        if known is None:
            raise UsageError("The library is empty: run `facecluster scan FOLDER` first.")
        explanation = explain(self.store, known[0], face, self.cluster_options(), QualityGate())
        return explanation if map_to is None else replace(explanation, map=self._map(explanation, map_to, device))

    def status(self) -> Status:
        """Counts and unreadable files."""
        known = self.store.faces.model()
        model = known[1] if known else None
        return Status(self.store.path, model, self.store.counts(), self.store.photos.unreadable())

    def _apart(self, face_ids: list[int]) -> list[list[int]]:
        """Some faces in groups of those that look alike, the largest group first."""
        from facecluster.pipeline.cluster import apart

        known = self.store.faces.model()
        return apart(self.store, known[0], face_ids, self.cluster_options()) if known else [face_ids]

    def _map(self, explanation: Explanation, file: Path, device: str) -> Mapped:
        from facecluster.embeddings import Embedder
        from facecluster.nets.runtime import pick_device
        from facecluster.pipeline.heat import draw

        self._use(self.model)
        return draw(self.store, explanation, lambda: Embedder.load(self.model, pick_device(device)), file)

    def _use(self, model: str) -> str:
        """The model's fingerprint, once it is sure that the library holds no other's embeddings."""
        mark, known = fingerprint(model), self.store.faces.model()
        if known is None:
            with self.store.transaction():
                self.store.faces.add_model(mark, model, dimension(spec_of(model)))
                self.store.faces.use_model(mark)
        elif known[0] != mark:
            version = "another version of " if known[1] == model else ""
            raise ModelMismatchError(
                f"This library holds embeddings of {version}{known[1]}, which do not mix with those of {model}. "
                f"Run `facecluster migrate --model {model}` to embed its faces again (no photo is opened), "
                "or choose another database with --db."
            )
        return mark
