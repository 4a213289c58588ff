"""Forget a person for good: nothing stays but that these faces, in these photos, are not to be found again.

No template of the person is kept, so new photos are not known to show somebody who was forgotten: keeping one
would be the contrary of forgetting.
"""

from __future__ import annotations

from dataclasses import dataclass

from facecluster.errors import StoreError
from facecluster.pipeline.naming import find_person
from facecluster.store import PersonRow, Place, Store, StoredFace


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed of a person, or would be.

    ``photos`` is how many photos the ``faces`` are in; the photos stay. ``embeddings`` are those of all models,
    ``changes`` the entries of the journal, which may name the person.
    """

    id: int
    title: str
    name: str | None
    born: str | None
    faces: int
    chips: int
    embeddings: int
    photos: int
    changes: int


def forget(store: Store, person: str, *, dry_run: bool = False) -> Forgotten:
    """Remove a person's faces, name and birth date from the database and from the bytes of its file.

    With ``dry_run``, only says what there is. The person's number goes last, so that a run that was interrupted,
    or could not write the file anew, is ended by another one. Raises ``UsageError`` for nobody, ``StoreError``.
    """
    with store.transaction():  # a correction beside it moves no face between two reads and the removal
        rows = store.people.all()
        row = rows[find_person(person, rows)]
        faces = _faces_of(store, row.id)
        found = _told(store, row, faces)
        if not dry_run:
            _remove(store, row.id, faces)
    if not dry_run:
        _scrub(store, row.id)
        _end(store, row.id)
    return found


def _end(store: Store, person_id: int) -> None:
    with store.transaction():
        if store.people.faces_of(person_id):
            raise StoreError(
                f"Person {person_id:03d} got faces meanwhile: run `facecluster forget {person_id}` again."
            )
        store.people.remove(person_id)


def _faces_of(store: Store, person_id: int) -> list[StoredFace]:
    own = {face.face_id for face in store.people.faces_of(person_id)}
    return [face for face in store.faces.all() if face.id in own]


def _told(store: Store, row: PersonRow, faces: list[StoredFace]) -> Forgotten:
    chips, embeddings = store.faces.counts(face.id for face in faces)
    photos = len({face.photo_id for face in faces})
    changes = len(store.journal.all())
    return Forgotten(row.id, row.title, row.name, row.born, len(faces), chips, embeddings, photos, changes)


def _remove(store: Store, person_id: int, faces: list[StoredFace]) -> None:
    photos = store.photos.all()
    store.refusals.add(Place.of(photos[face.photo_id], face.face.box) for face in faces)
    store.faces.remove(face.id for face in faces)
    store.people.change(person_id, name=None, born=None)
    store.journal.clear()


def _scrub(store: Store, person_id: int) -> None:
    try:
        store.scrub()
    except StoreError as error:
        raise StoreError(
            f"Person {person_id:03d} was removed, but parts may be left in the file. {error} Close what else uses "
            f"it, make room on the disk, and run `facecluster forget {person_id}` again."
        ) from error
