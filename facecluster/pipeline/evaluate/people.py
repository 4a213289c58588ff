"""How right a model is about people: groups, identification and pairs, on a folder per person."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from facecluster import people, photos
from facecluster.errors import UsageError
from facecluster.evaluation import (
    RATES,
    AtFar,
    GroupScores,
    IdentifyOptions,
    identify,
    pair_distances,
    sample_pairs,
    score_groups,
    val_at_far,
)
from facecluster.nets.specs import spec_of
from facecluster.nets.weights import fingerprint
from facecluster.pipeline.cluster import QualityGate
from facecluster.pipeline.evaluate.figures import NotRead, PeopleFigures, PeopleOfModel
from facecluster.pipeline.evaluate.labels import Attributes, Labels, read_attributes
from facecluster.pipeline.evaluate.options import MeasureOptions
from facecluster.pipeline.portraits import Portraits, portray
from facecluster.records import Float32, Int64
from facecluster.store import StoredFace

COMMON = 1e-3
"""FAR over all pairs at the threshold at which groups are compared."""


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How faces are grouped and identified; without a ``join_distance`` it is the model's, or the library's."""

    cluster: people.ClusterOptions = field(default_factory=people.ClusterOptions)
    join_distance: float | None = None
    identify: IdentifyOptions = field(default_factory=IdentifyOptions)

    def of(self, join_distance: float) -> people.ClusterOptions:
        """The options for a model whose own join distance is given."""
        own = join_distance if self.join_distance is None else self.join_distance
        return replace(self.cluster, join_distance=own)

    def told(self) -> dict[str, Any]:
        """What was asked for, for a record; which distance that came to is among the figures."""
        return asdict(self.cluster) | {"join_distance": self.join_distance, "identify": asdict(self.identify)}


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """N faces without their embeddings.

    ``labels`` (N,) int64 is the person of each, -1 where nobody knows: those are grouped with the others, and not
    judged. ``known`` is what else is known of the faces whose person is.
    """

    labels: Int64
    constraints: people.Constraints
    known: Labels | None = None


def groups(
    vectors: Float32,
    labels: Int64,
    options: people.ClusterOptions | None = None,
    constraints: people.Constraints | None = None,
) -> GroupScores:
    """How right a run of clustering is that is told nothing of the ``labels``.

    ``vectors`` is (N, D) float32, unit length; ``labels`` (N,) int64 as in ``Crowd``. Without ``constraints`` each
    face is in a photo of its own and may form a person.
    """
    count = len(vectors)
    alone = people.Constraints(photo=np.arange(count), may_form=np.ones(count, bool))
    found = people.cluster(vectors, constraints or alone, options or people.ClusterOptions()).labels
    return score_groups(found[labels >= 0], labels[labels >= 0])


def measure_folder(
    folder: Path,
    options: MeasureOptions,
    grouping: GroupOptions | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> PeopleFigures:
    """Grouping and identification of the photos in ``folder``, which has a folder per person.

    Of each photo the face nearest to the centre counts; one without a face takes no part. Raises ``UsageError``
    when there are no photos or a file cannot be read, ``WeightsError``.
    """
    files, grouping = _photos_of(folder), grouping or GroupOptions()
    attributes = read_attributes(folder, options.attributes)
    _labels(attributes, folder, files)  # what is wrong with it should be said now
    own = {model: spec_of(model).join_distance for model in options.models}
    seen = portray(files, options.load(), on_progress)
    kept = np.flatnonzero(seen.found)
    if not len(kept):
        raise UsageError(f"No face was found in the {len(files):,} photos in {folder}.")
    crowd = _crowd(seen, kept, folder, attributes)
    models = [
        judge(model, fingerprint(model), vectors[kept], crowd, grouping, own[model])
        for model, vectors in seen.vectors.items()
    ]
    return PeopleFigures(
        what="folder",
        folder=folder,
        people=len(np.unique(crowd.labels)),
        faces=len(kept),
        others=0,
        faceless=int((~seen.found).sum()),
        unreadable=NotRead.all_of(seen.unreadable),
        models=tuple(models),
    )


def judge(
    model: str, mark: str, vectors: Float32, crowd: Crowd, grouping: GroupOptions, join_distance: float
) -> PeopleOfModel:
    """All figures of a model whose fingerprint is ``mark`` and whose own join distance is given.

    ``vectors`` is (N, D) float32, the embeddings of the ``crowd``.
    """
    options, known = grouping.of(join_distance), crowd.labels >= 0
    own, labels = vectors[known], crowd.labels[known]
    first, second, same = sample_pairs(labels)
    distances = pair_distances(own, first, second)
    told = same.any() and not same.all()
    at_far = tuple(AtFar(rate, *val_at_far(distances, same, rate)) for rate in (RATES if told else ()))
    threshold = val_at_far(distances, same, COMMON).threshold if told else None
    accepted = distances <= (-np.inf if threshold is None else threshold)
    columns = crowd.known.columns(first, second, same, accepted) if crowd.known and told else ()
    return PeopleOfModel(
        model=model,
        fingerprint=mark,
        join_distance=options.join_distance,
        groups=groups(vectors, crowd.labels, options, crowd.constraints),
        identification=identify(own, labels, grouping.identify),
        at_far=at_far,
        threshold=threshold,
        columns=columns,
    )


def _crowd(seen: Portraits, kept: Int64, folder: Path, attributes: Attributes | None) -> Crowd:
    """The ``kept`` faces, each in a photo of its own."""
    files = [seen.files[i] for i in kept]
    persons = np.unique([_within(folder, file).parts[0] for file in files], return_inverse=True)[1]
    may_form = [QualityGate().passes(StoredFace(0, 0, seen.faces[i])) for i in kept]
    constraints = people.Constraints(photo=np.arange(len(kept)), may_form=np.array(may_form, bool))
    return Crowd(persons.astype(np.int64), constraints, _labels(attributes, folder, files))


def _labels(attributes: Attributes | None, folder: Path, files: Sequence[Path]) -> Labels | None:
    names = [_within(folder, file) for file in files]
    if attributes is None:
        return None
    return attributes.labels([name.as_posix() for name in names], [name.parts[0] for name in names])


def _photos_of(folder: Path) -> list[Path]:
    """The photos below the folders of people, sorted; what lies beside those folders is nobody's."""
    found = [entry.path for entry in photos.walk([folder]) if photos.looks_like_photo(entry.path)]
    kept = [file for file in found if len(_within(folder, file).parts) > 1]
    if not kept:
        raise UsageError(f"{folder} has no photos of people: it needs a folder for each, such as Anna/1.jpg.")
    return kept


def _within(folder: Path, file: Path) -> Path:
    """The file's path in the folder; ``file`` is absolute, as ``photos.walk`` gives it."""
    return file.relative_to(os.path.normpath(folder.absolute()))
