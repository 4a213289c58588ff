"""People without their database: names and faces by photo and place, for another computer or a new start.

A face is known by the SHA-256 of its photo and its box; the same detector finds it again, another one nearly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from facecluster.errors import UsageError
from facecluster.pipeline.naming import clean_name, parse_day
from facecluster.records import Box
from facecluster.store import Store

VERSION = 1

SAME_FACE = 0.5
"""Boxes of one photo with so much intersection over union are of one face."""


@dataclass(frozen=True, slots=True)
class Known:
    """A person of a file, and the numbers of those faces that are in this library."""

    name: str | None
    born: str | None
    hidden: bool
    confirmed: list[int]
    others: list[int]
    rejected: list[int]

    def columns(self) -> dict[str, str | int | None]:
        """What the file says of the person; what it leaves open stays as it is."""
        given: dict[str, str | int | None] = {
            "name": self.name,
            "born": self.born,
            "hidden": int(self.hidden) or None,
        }
        return {column: value for column, value in given.items() if value is not None}


def portable(store: Store) -> dict[str, Any]:
    """Everybody whom the user touched, with their faces and the rejected ones, and links, ready for JSON."""
    faces, touched = _places(store), {id_: row for id_, row in store.people.all().items() if row.touched}
    rejected: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for face, person in store.people.rejections():
        rejected[person].append(faces[face])
    people = []
    for id_, row in touched.items():
        own = sorted(store.people.faces_of(id_), key=lambda face: face.face_id)
        places = [faces[face.face_id] | {"confirmed": face.confirmed} for face in own]
        told = {"name": row.name, "born": row.born, "hidden": row.hidden}
        people.append(told | {"faces": places, "rejected": rejected[id_]})
    links = [{"one": faces[one], "other": faces[other], "same": same} for one, other, same in store.links.all()]
    return {"facecluster people": VERSION, "people": people, "links": links}


def _places(store: Store) -> dict[int, dict[str, Any]]:
    return {id_: {"photo": sha256, "box": list(corners)} for id_, sha256, corners in store.faces.places()}


Link = tuple[int, int, bool]
"""Two faces, and whether they were said to be one person's."""


def known_faces(store: Store, data: Any) -> tuple[list[Known], list[Link], int]:
    """The people that ``portable`` gave, with the faces that are here, their links, and how many faces are not.

    Faces that are confirmed here are left out, and so is somebody without any face here whose name is not known
    here either: it may be one who was forgotten. Raises ``UsageError`` for what ``portable`` cannot have given.
    """
    if not isinstance(data, dict) or data.get("facecluster people") != VERSION:
        raise UsageError("This is no file that `facecluster people export` wrote.")
    here = _Here(store)
    try:
        people = [here.person(person) for person in data["people"]]
        missing = here.missing
        links = [link for one in data.get("links", ()) for link in here.link(one)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"The file of people is damaged ({type(error).__name__}: {error}).") from error
    names = {row.name.casefold() for row in store.people.all().values() if row.name}
    found = [one for one in people if one.confirmed or one.others or (one.name or "").casefold() in names]
    return found, links, missing


class _Here:
    """Faces of this library by photo and place."""

    def __init__(self, store: Store) -> None:
        self.missing = 0
        self._store = store

    def person(self, person: dict[str, Any]) -> Known:
        """A person of the file."""
        faces: list[dict[str, Any]] = person["faces"]
        return Known(
            name=clean_name(person["name"]) if person["name"] else None,
            born=parse_day(person["born"]) if person["born"] else None,
            hidden=bool(person["hidden"]),
            confirmed=self._found(face for face in faces if face["confirmed"]),
            others=self._found(face for face in faces if not face["confirmed"]),
            rejected=self._found(person["rejected"]),
        )

    def link(self, link: dict[str, Any]) -> list[Link]:
        """A link of the file; none where one of the faces is not here."""
        one, other = (self._face(link[side]) for side in ("one", "other"))
        return [(one, other, bool(link["same"]))] if one and other and one != other else []

    def _face(self, place: dict[str, Any]) -> int | None:
        """The face of this library at a place of the file."""
        box = Box(*map(float, place["box"]))
        faces = self._store.faces.places(str(place["photo"]))
        near = [(Box(*corners).overlap(box), -id_) for id_, _, corners in faces]
        overlap, number = max(near, default=(0.0, 0))
        return -number if overlap >= SAME_FACE else None

    def _found(self, places: Iterable[dict[str, Any]]) -> list[int]:
        found = []
        for place in places:
            near = self._face(place)
            if near is None:
                self.missing += 1
            elif not (now := self._store.people.assignment(near)) or not now.confirmed:
                found.append(near)
        return found
