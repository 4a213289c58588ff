"""A picture of which parts of a face carry its match with a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from facecluster import faces
from facecluster.albums.heat import heat_map
from facecluster.albums.picture import check_free, save
from facecluster.embeddings import Embedder, embed, seen
from facecluster.errors import UsageError
from facecluster.occlusion import occlusion
from facecluster.pipeline.explain import others_of
from facecluster.pipeline.explanation import Explanation, Mapped, Near
from facecluster.pipeline.readers import sides
from facecluster.records import Float32, UInt8
from facecluster.store import Store, StoredFace


def draw(store: Store, explanation: Explanation, load: Callable[[], Embedder], file: Path) -> Mapped:
    """Write a map of an explained face's match with its person's other faces to ``file``.

    A face of nobody, or the only one of its person, is compared with the nearest person. ``load`` gives the model
    by which the face was explained, and is called when nothing speaks against the map. Raises ``UsageError`` when
    ``file`` is there already or cannot be written, or when there is nobody to compare with.
    """
    check_free(file)
    person = _compared(explanation)
    embedder = load()
    others = others_of(store, embedder.fingerprint, explanation.face_id)
    found = store.faces.get(explanation.face_id)
    if others is None or found is None:
        raise UsageError(f"Face {explanation.face_id} is gone: it was scanned anew meanwhile.")
    mean = others.mean(person.person_id)
    chip, heat = _heat(store, found, mean, embedder)
    save(heat_map(chip, heat, found.face.box), file)
    distance = float(2 - 2 * others.vector @ mean)
    return Mapped(file, person.title, distance, max(0.0, float(heat.max())))


def _compared(explanation: Explanation) -> Near:
    """Whose the face is, or else the nearest."""
    number = explanation.face_id
    if not explanation.embedded:
        raise UsageError(f"Face {number} is not embedded: run `facecluster migrate` with the library's model.")
    known = [near for near in explanation.people if near.distance is not None]
    if not known:
        raise UsageError(f"Face {number} has nobody to be compared with: run `facecluster cluster` first.")
    return next((near for near in known if near.owns), known[0])


def _heat(store: Store, found: StoredFace, mean: Float32, embedder: Embedder) -> tuple[UInt8, Float32]:
    """The chip of a face and, of each of its pixels, how much it adds to the match with ``mean`` (D,)."""
    ((_, jpeg),) = store.faces.chips([found.id])
    chip, shape = faces.decode(jpeg), sides([found.face.box])
    points = faces.landmarks_in_chip(found.face.landmarks, found.face.box)[None]

    def embed_all(chips: UInt8) -> Float32:
        """Embed changed copies of the chip."""
        count = len(chips)
        return embed(chips, np.repeat(points, count, axis=0), np.repeat(shape, count, axis=0), embedder)

    return chip, occlusion(chip, mean, embed_all, seen(points[0], shape[0], embedder.spec))
