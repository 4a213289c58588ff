"""``index.json``: the albums for other programs, in a format that stays.

::

    {"version": 1,
     "people": [{"id": 3, "title": "Ann", "folder": "Ann", "count": 1, "photos": [
       {"path": "Ann/IMG_1.jpg", "original": "/home/ann/Pictures/IMG_1.jpg", "sha256": "a1b2…",
        "width": 4032, "height": 3024, "taken_at": "2019-05-12T14:03:11",
        "faces": [{"id": 7, "box": [x0, y0, x1, y1], "distance": 0.41, "confirmed": false,
                   "crop": "Ann/faces/IMG_1-7.jpg"}]}]}]}

``count`` is the number of photos. ``path`` and ``crop`` are relative to the file's folder, with ``/``.
``path`` is null when the photo is not there any more, ``folder`` when none is, ``crop`` when crops were not
asked for. ``original`` is where the photo is. Boxes are pixels of the upright photo, ``width`` × ``height``;
``distance`` is the squared L2 distance to the person's mean embedding. ``taken_at`` is the camera's local
time, without zone. Unknown values are null. Bytes of a file name that are not UTF-8 appear as U+DC80 to
U+DCFF (PEP 383).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from facecluster.albums.layout import PersonFolder
from facecluster.records import AlbumFace

VERSION = 1


def render(people: Sequence[PersonFolder]) -> bytes:
    """The text of ``index.json``: ASCII, a line per person, the same for the same albums."""
    lines = ",\n".join(json.dumps(_person(person)) for person in people)
    return f'{{"version": {VERSION}, "people": [\n{lines}\n]}}\n'.encode("ascii")


def digest(text: bytes) -> str:
    """What tells one ``index.json`` from another, hex."""
    return hashlib.sha256(text).hexdigest()


def _person(person: PersonFolder) -> dict[str, Any]:
    album = person.album
    photos: dict[str, list[AlbumFace]] = {}
    for face in album.faces:
        photos.setdefault(face.sha256, []).append(face)
    return {
        "id": album.person_id,
        "title": album.title,
        "folder": person.folder,
        "count": len(photos),
        "photos": [_photo(person, faces) for faces in photos.values()],
    }


def _photo(person: PersonFolder, faces: Sequence[AlbumFace]) -> dict[str, Any]:
    face = faces[0]
    return {
        "path": person.photos.get(face.sha256),
        "original": str(face.photo),
        "sha256": face.sha256,
        "width": face.width,
        "height": face.height,
        "taken_at": face.taken_at.isoformat() if face.taken_at else None,
        "faces": [_face(person, face) for face in faces],
    }


def _face(person: PersonFolder, face: AlbumFace) -> dict[str, Any]:
    box = face.box
    return {
        "id": face.face_id,
        "box": [round(value, 1) for value in (box.x0, box.y0, box.x1, box.y1)],
        "distance": None if face.distance is None else round(face.distance, 4),
        "confirmed": face.confirmed,
        "crop": person.crops.get(face.face_id),
    }
