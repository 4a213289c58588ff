"""Export: people in the library to albums on disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime

from facecluster.pipeline.naming import find_person
from facecluster.records import Album, AlbumFace
from facecluster.store import Store


def albums_of(store: Store, min_size: int = 1, persons: Collection[str] = ()) -> list[Album]:
    """An album for every person with at least ``min_size`` photos that are there, most photos first.

    Without ``persons``, of all who are not hidden. With ``persons`` (ids, titles or names), only theirs; raises
    ``UsageError`` for one that is nobody's, or may be several people's.
    """
    rows = store.people.all()
    wanted = {find_person(text, rows) for text in persons} or {id_ for id_, row in rows.items() if not row.hidden}
    faces = _faces_by_person(store, wanted)
    albums = [
        Album(id_, rows[id_].title, tuple(sorted(found, key=_when)))
        for id_, found in faces.items()
        if len({face.sha256 for face in found}) >= min_size
    ]
    return sorted(albums, key=lambda album: (-len({face.sha256 for face in album.faces}), album.person_id))


def chips_of(store: Store) -> Callable[[int], bytes | None]:
    """What gives a face's chip, JPEG, by the face's id; None where there is none."""
    return lambda face_id: next((jpeg for _, jpeg in store.faces.chips([face_id])), None)


def _faces_by_person(store: Store, wanted: set[int]) -> dict[int, list[AlbumFace]]:
    assignments, photos, paths = store.people.assignments(), store.photos.all(), store.photos.paths()
    files = store.photos.known_files()  # a scan may be writing: what one of these knows, another may not
    faces: dict[int, list[AlbumFace]] = defaultdict(list)
    for found in store.faces.all():
        assignment = assignments.get(found.id)
        photo, path = photos.get(found.photo_id), paths.get(found.photo_id)
        if assignment is None or assignment.person_id not in wanted or photo is None or path not in files:
            continue
        faces[assignment.person_id].append(
            AlbumFace(
                face_id=found.id,
                photo=path,
                sha256=photo.sha256,
                width=photo.width,
                height=photo.height,
                box=found.face.box,
                taken_at=photo.taken_at,
                distance=assignment.distance,
                confirmed=assignment.confirmed,
                seen=(files[path].size, files[path].mtime_ns),
            )
        )
    return faces


def _when(face: AlbumFace) -> tuple[datetime, str, int]:
    return face.taken_at or datetime.max, str(face.photo), face.face_id
