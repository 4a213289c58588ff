"""A library that is open: its people, and what can be asked of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import platformdirs

from facecluster.errors import ModelMismatchError, UsageError
from facecluster.nets.specs import spec_of
from facecluster.nets.weights import dimension, fingerprint
from facecluster.pipeline.people import People
from facecluster.store import Calibrated, Counts, Evaluation, Store, Unreadable

if TYPE_CHECKING:
    from facecluster.people import ClusterOptions
    from facecluster.pipeline.explanation import Explanation, Mapped
    from facecluster.pipeline.find import Finder
    from facecluster.pipeline.questionnaire import Suggestions

DEFAULT_MODEL = "facenet"


@dataclass(frozen=True, slots=True)
class Status:
    """What the library holds, which model's embeddings it uses, and the files that could not be read.

    ``calibrated`` is the library's own join distance, None while the model's is used.
    """

    database: Path
    model: str | None
    counts: Counts
    unreadable: list[Unreadable]
    calibrated: Calibrated | None = None


def default_database() -> Path:
    """``$FACECLUSTER_DB``, or ``library.db`` in the user's data folder."""
    chosen = os.environ.get("FACECLUSTER_DB")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("facecluster")) / "library.db"


class OpenLibrary:
    """A library's database, and everything that only reads it. Methods import what is slow to load themselves."""

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
    def suggestions(self) -> Suggestions:
        """The questions whose answers set the most faces right."""
        from facecluster.pipeline.questionnaire import Suggestions

        return Suggestions(self.store, self.people, self.cluster_options().join_distance)

    @property
    def model(self) -> str:
        """The name of the model whose embeddings the library uses."""
        known = self.store.faces.model()
        return known[1] if known else DEFAULT_MODEL

    def cluster_options(self) -> ClusterOptions:
        """Options with the join distance that ``calibrate`` stored for this library, or else the model's."""
        from facecluster.people import ClusterOptions

        own = self._calibrated()
        return ClusterOptions(join_distance=own.join_distance if own else spec_of(self.model).join_distance)

    def finder(self, *, device: str = "auto") -> Finder:
        """What recognises the library's people in photos: call it with paths; see ``pipeline.find``.

        Raises ``UsageError`` when there are no people, ``WeightsError``.
        """
        from facecluster.faces import DetectOptions
        from facecluster.pipeline.find import Finder
        from facecluster.pipeline.networks import looker

        look = looker(self.model, device, DetectOptions())
        return Finder(self.store, self.model, self.cluster_options().join_distance, look)

    def photos_of(self, persons: Sequence[str], *, only: bool = False) -> tuple[list[Path], int]:
        """Photos that show all of ``persons``, with ``only`` nobody else; see ``pipeline.find.together``."""
        from facecluster.pipeline.find import together

        return together(self.store, persons, only=only)

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

    def evaluations(self) -> dict[tuple[str, str], Evaluation]:
        """The latest record of each model (its fingerprint) and what was measured; see ``pipeline.evaluate``."""
        return self.store.evaluations.latest()

    def status(self) -> Status:
        """Counts and unreadable files."""
        known = self.store.faces.model()
        model = known[1] if known else None
        counts, unreadable = self.store.counts(), self.store.photos.unreadable()
        return Status(self.store.path, model, counts, unreadable, self._calibrated())

    def _calibrated(self) -> Calibrated | None:
        """The join distance that is stored for the library's model."""
        known = self.store.faces.model()
        return self.store.calibrations.get(known[0]) if known else None

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
