"""Explain: why a face is where it is, in the numbers and rules that clustering goes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facecluster.errors import UsageError
from facecluster.people.ages import Ages
from facecluster.people.grouping import NOBODY, STRONG, ClusterOptions
from facecluster.pipeline.cluster import QualityGate
from facecluster.pipeline.explanation import ConfirmedFace, Explanation, Near, Quality, Rule
from facecluster.pipeline.known import year_of
from facecluster.records import Float32, Int64
from facecluster.store import Assignment, PersonRow, Store, StoredFace

PEOPLE = 4
"""The nearest people that are told: as many as a face tries when it joins, see ``people.joining``."""

FACES = 5
"""The nearest confirmed faces that are told."""


@dataclass(frozen=True, slots=True, eq=False)
class Others:
    """The embedded faces beside one face, which is not among them.

    ``ids`` (N,) int64 in rising order, ``owner`` (N,) int64 whose they are, -1 for nobody, ``confirmed`` (N,) bool
    whether for good, ``vectors`` (N, D) float32. ``vector`` (D,) is the one face's own.
    """

    ids: Int64
    owner: Int64
    confirmed: NDArray[np.bool_]
    vectors: Float32
    vector: Float32

    @property
    def distance(self) -> Float32:
        """The squared L2 distance (N,) of each to the one face."""
        return 2 - 2 * (self.vectors @ self.vector)

    def mean(self, person_id: int) -> Float32:
        """The mean (D,) of a person's faces."""
        mean: Float32 = self.vectors[self.owner == person_id].mean(axis=0)
        return mean


def explain(store: Store, model: str, face_id: int, options: ClusterOptions, gate: QualityGate) -> Explanation:
    """Why a face is where it is, by the embeddings of ``model`` (a fingerprint).

    Distances to people are those that clustering compares with the join distance, mean squared distances to the
    person's faces, 2 - 2·x·mean, but the mean of the face's own person leaves the face itself out: it is at no
    distance from itself, and would look nearer than it is, most of all where the person has few faces. Raises
    ``UsageError`` when there is no such face.
    """
    with store.transaction():  # a scan or a correction beside it changes nothing between two reads
        found = store.faces.get(face_id)
        if found is None:
            raise UsageError(f"There is no face {face_id}; `facecluster people show` lists a person's faces.")
        now, rows = store.people.assignment(face_id) or Assignment(face_id, None), store.people.all()
        others = others_of(store, model, face_id)
        people = _people(store, others, rows, found, now, options) if others else []
        return Explanation(
            face_id=face_id,
            person_id=now.person_id,
            title=None if now.person_id is None else rows[now.person_id].title,
            confirmed=now.confirmed,
            reason=now.reason,
            paths=store.photos.paths_of(found.photo_id),
            taken_at=store.photos.taken_at(found.photo_id),
            embedded=others is not None,
            distance=next((near.distance for near in people if near.owns), None),
            join_distance=options.join_distance,
            people=people,
            confirmed_faces=_confirmed(store, others, rows) if others else [],
            quality=_quality(found, gate),
            gate=gate,
        )


def others_of(store: Store, model: str, face_id: int) -> Others | None:
    """What ``model`` embedded beside a face; None when it has not embedded the face itself."""
    ids, vectors = store.faces.vectors(model)
    own = ids == face_id
    if not own.any():
        return None
    owned = store.people.owned()
    owned = owned[np.isin(owned[:, 0], ids)]
    place = np.searchsorted(ids, owned[:, 0])
    owner, confirmed = np.full(len(ids), NOBODY, np.int64), np.zeros(len(ids), bool)
    owner[place], confirmed[place] = owned[:, 1], owned[:, 2] == 1
    return Others(ids[~own], owner[~own], confirmed[~own], vectors[~own], vectors[own][0])


def _people(
    store: Store,
    others: Others,
    rows: dict[int, PersonRow],
    found: StoredFace,
    now: Assignment,
    options: ClusterOptions,
) -> list[Near]:
    """The ``PEOPLE`` nearest, and whose the face is, by distance."""
    far, join = others.distance, options.join_distance
    theirs = others.owner != NOBODY
    faces = np.bincount(others.owner[theirs])
    total = np.bincount(others.owner[theirs], far[theirs].astype(np.float64))
    within = np.bincount(others.owner[theirs & (far <= join)], minlength=len(faces))
    ids = np.flatnonzero(faces)
    mean = total[ids] / faces[ids]
    order = np.argsort(mean, kind="stable")
    chosen = [i for rank, i in enumerate(order.tolist()) if rank < PEOPLE or ids[i] == now.person_id]
    rules = _Rules(store, others, found, options)
    near = []
    for id_, far_off in ((int(ids[i]), float(mean[i])) for i in chosen):
        aged = _at_that_age(store, others, found, rows[id_], far_off)
        near.append(rules.judge(rows[id_], int(faces[id_]), int(within[id_]), aged, id_ == now.person_id))
    if now.person_id is not None and not any(one.owns for one in near):
        near.insert(0, rules.judge(rows[now.person_id], 0, 0, None, True))
    return near


def _at_that_age(store: Store, others: Others, found: StoredFace, row: PersonRow, distance: float) -> float:
    """``distance`` to a person; where the birth is known, only to faces of about that age: ``people.ages``."""
    if row.born is None:
        return distance
    members = np.flatnonzero(others.owner == row.id)
    photos = store.faces.photos_of(others.ids[members].tolist())
    times = [*(store.photos.taken_at(photo) for photo in photos.values()), store.photos.taken_at(found.photo_id)]
    taken = np.array([year_of(when) if when else np.nan for when in times], np.float64)
    born = year_of(datetime.combine(date.fromisoformat(row.born), time()))
    apart = np.array([[distance]], np.float32)
    vectors = np.concatenate([others.vectors[members], others.vector[None]])
    labels, rows = np.append(np.zeros(len(members), np.int64), NOBODY), np.array([len(members)])
    Ages(taken, ((0, born),)).correct(apart, vectors, labels, rows)
    return float(apart[0, 0])


class _Rules:
    """What is known of a face and decides whose it cannot be."""

    def __init__(self, store: Store, others: Others, found: StoredFace, options: ClusterOptions) -> None:
        self.join_distance = options.join_distance
        self.taken_at = store.photos.taken_at(found.photo_id)
        self.rejected = store.people.not_of(found.id)
        unlike = others.distance >= STRONG * options.join_distance
        self.beside = _by_owner(others, np.isin(others.ids, store.faces.in_photo(found.photo_id)) & unlike)
        self.apart = _by_owner(others, np.isin(others.ids, list(store.people.told_apart(found.id))))

    def judge(self, row: PersonRow, faces: int, within: int, distance: float | None, owns: bool) -> Near:
        """A person with all that speaks against the face being that person's."""
        beside, apart = self.beside.get(row.id, []), self.apart.get(row.id, [])
        rules = {
            Rule.FAR: distance is not None and self.join_distance < distance < np.inf,
            Rule.OTHER_AGE: distance == np.inf and not self._born_later(row.born),
            Rule.REJECTED: row.id in self.rejected,
            Rule.TOLD_APART: bool(apart),
            Rule.SAME_PHOTO: bool(beside),
            Rule.BORN_LATER: self._born_later(row.born),
        }
        against = tuple(rule for rule, speaks in rules.items() if speaks)
        rivals = tuple(sorted({*beside, *apart}))
        shown = None if distance == np.inf else distance
        return Near(row.id, row.title, faces, within, shown, owns, against, rivals, row.born)

    def _born_later(self, born: str | None) -> bool:
        return bool(born and self.taken_at and self.taken_at.date() < date.fromisoformat(born))


def _by_owner(others: Others, chosen: NDArray[np.bool_]) -> dict[int, list[int]]:
    """The ``chosen`` faces (N,) that are somebody's, by whose they are."""
    faces: dict[int, list[int]] = {}
    for i in np.flatnonzero(chosen & (others.owner != NOBODY)).tolist():
        faces.setdefault(int(others.owner[i]), []).append(int(others.ids[i]))
    return faces


def _confirmed(store: Store, others: Others, rows: dict[int, PersonRow]) -> list[ConfirmedFace]:
    distance = others.distance
    sure = np.flatnonzero(others.confirmed)
    nearest = sure[np.argsort(distance[sure], kind="stable")[:FACES]].tolist()
    return [
        ConfirmedFace(
            face_id=int(others.ids[i]),
            distance=float(distance[i]),
            person_id=int(others.owner[i]),
            title=rows[int(others.owner[i])].title,
            photo=_photo_of(store, int(others.ids[i])),
        )
        for i in nearest
    ]


def _photo_of(store: Store, face_id: int) -> Path | None:
    found = store.faces.get(face_id)
    return next(iter(store.photos.paths_of(found.photo_id)), None) if found else None


def _quality(found: StoredFace, gate: QualityGate) -> Quality:
    face = found.face
    return Quality(face.score, face.box.width, face.sharpness, face.frontality, gate.passes(found))
