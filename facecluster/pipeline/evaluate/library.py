"""How right a model is about the people whom the user confirmed; the library stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

import numpy as np

from facecluster import people
from facecluster.embeddings import BATCH
from facecluster.errors import UsageError
from facecluster.nets.specs import spec_of
from facecluster.nets.weights import fingerprint
from facecluster.pipeline import networks
from facecluster.pipeline.cluster import QualityGate
from facecluster.pipeline.evaluate.figures import PeopleFigures
from facecluster.pipeline.evaluate.labels import AGE, AGES, Attributes, Labels, age_band, read_attributes
from facecluster.pipeline.evaluate.options import MeasureOptions
from facecluster.pipeline.evaluate.people import Crowd, GroupOptions, judge
from facecluster.pipeline.known import Known, read_library, year_of
from facecluster.pipeline.migrate import embed_stored
from facecluster.pipeline.readers import Embed
from facecluster.records import Float32, Int64
from facecluster.store import Store, StoredFace

OnProgress = Callable[[int, int], None]


def measure_library(
    store: Store,
    options: MeasureOptions,
    grouping: GroupOptions,
    join_distance: float,
    on_progress: OnProgress = lambda done, total: None,
) -> PeopleFigures:
    """Grouping, identification and pairs of the confirmed faces of a library.

    All faces are grouped anew, by a run that knows nothing of what was confirmed, rejected or tied together; the
    confirmed ones are judged. ``join_distance`` is that of the library's model. Other models embed the stored
    chips, and nothing is kept of that. Raises ``UsageError`` when nobody is confirmed.
    """
    current = store.faces.model()
    if current is None:
        raise UsageError("The library is empty: run `facecluster scan FOLDER` first.")
    mark, name = current
    known = read_library(store, mark)
    labels = np.where(known.confirmed, known.was, -1)
    if not (labels >= 0).any():
        raise UsageError("Nobody is confirmed yet: `facecluster people confirm` says who is who.")
    crowd = Crowd(labels, _constraints(known), _known(store, known, labels, options.attributes))
    models = []
    for model in dict.fromkeys(options.models or (name,)):
        if model == name:
            models.append(judge(model, mark, known.vectors, crowd, grouping, join_distance))
        else:
            vectors = _embedded(store, known, model, options.device, on_progress)
            models.append(judge(model, fingerprint(model), vectors, crowd, grouping, spec_of(model).join_distance))
    return PeopleFigures(
        what="library",
        folder=store.path,
        people=len(np.unique(labels[labels >= 0])),
        faces=int((labels >= 0).sum()),
        others=int((labels < 0).sum()),
        faceless=0,
        unreadable=(),
        models=tuple(models),
    )


def _constraints(known: Known) -> people.Constraints:
    """What the photos themselves say; nothing of what the user said."""
    gate = QualityGate()
    return people.Constraints(
        photo=np.array([face.photo_id for face in known.found], np.int64),
        may_form=np.array([gate.passes(face) for face in known.found], bool),
    )


def _embedded(store: Store, known: Known, model: str, device: str, on_progress: OnProgress) -> Float32:
    """The embeddings (N, D) of all faces by another model: those that are stored, and those of the chips."""
    ids, stored = store.faces.vectors(fingerprint(model))
    vectors = dict(zip(ids.tolist(), stored, strict=True))
    todo = [face for face in known.found if face.id not in vectors]
    if todo:
        with store.alone():  # a scan beside it could drop a chip
            vectors |= _embed(store, todo, networks.embedder(model, device), on_progress)
    return np.stack([vectors[face.id] for face in known.found])


def _embed(store: Store, todo: list[StoredFace], embed: Embed, on_progress: OnProgress) -> dict[int, Float32]:
    """The embeddings of stored faces, by their ids."""
    vectors: dict[int, Float32] = {}
    for start in range(0, len(todo), BATCH):
        batch = todo[start : start + BATCH]
        vectors |= dict(zip((face.id for face in batch), embed_stored(store, batch, embed), strict=True))
        on_progress(len(vectors), len(todo))
    return vectors


def _known(store: Store, known: Known, labels: Int64, file: Path | None) -> Labels:
    """What is known of the confirmed faces: when the photo was taken, how old the person was, and the file."""
    rows = np.flatnonzero(labels >= 0).tolist()
    taken = [known.taken[i] for i in rows]
    persons = [known.people[int(labels[i])] for i in rows]
    years = np.array([year_of(when) if when else np.nan for when in taken], np.float64)
    ages = [_age(person.born, when) for person, when in zip(persons, taken, strict=True)]
    groups = {AGE: np.array(ages, np.str_)} if any(ages) else {}
    attributes = read_attributes(None, file)
    if attributes:
        told = attributes.labels(_paths(store, known, rows, attributes), [person.title for person in persons])
        groups |= told.groups
        years = np.where(np.isnan(years), told.years, years)
    return Labels(groups, years, {AGE: AGES})


def _age(born: str | None, taken: datetime | None) -> str:
    """The band of ages, empty where unknown."""
    if born is None or taken is None:
        return ""
    birth = year_of(datetime.combine(date.fromisoformat(born), time()))
    return age_band(max(0.0, year_of(taken) - birth))


def _paths(store: Store, known: Known, rows: list[int], attributes: Attributes) -> list[str]:
    """Where the photos of some faces are, within the folder of the file if they are below it."""
    paths, base = store.photos.paths(), attributes.file.absolute().parent
    found = [paths.get(known.found[i].photo_id) for i in rows]
    return [p.relative_to(base).as_posix() if p and p.is_relative_to(base) else str(p or "") for p in found]
