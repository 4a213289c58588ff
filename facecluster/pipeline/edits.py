"""What every change of people has in common: it is rehearsed or done, and noted in the journal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from facecluster.errors import UsageError
from facecluster.pipeline.naming import find_person
from facecluster.store import Store


@dataclass(frozen=True, slots=True)
class Edit:
    """What was changed, or would be: a sentence, and how many faces it concerns."""

    what: str
    faces: int


class _Rehearsal(Exception):  # noqa: N818  # nothing went wrong
    """Ends a transaction so that nothing of it is written."""


class Edits:
    """Whom the user means, and the changes of a library's people as entries of its journal."""

    def __init__(self, store: Store, split: Callable[[list[int]], list[list[int]]]) -> None:
        self._store = store
        self._split = split

    def find(self, person: str) -> int:
        """The number of somebody."""
        return find_person(person, self._store.people.all())

    def whose(self, faces: Collection[int]) -> dict[int, int | None]:
        """The number of each face's person, None for nobody's; faces that are not there are left out."""
        return self._store.people.owners(faces)

    def named(self, person_id: int) -> bool:
        """Whether there is such a person, and has a name."""
        row = self._store.people.all().get(person_id)
        return bool(row and row.name)

    def _faces(self, person_id: int) -> list[int]:
        return sorted(face.face_id for face in self._store.people.faces_of(person_id))

    def _owners(self, faces: Collection[int]) -> dict[int, int | None]:
        owners = self._store.people.owners(faces)
        if gone := set(faces) - set(owners):
            raise UsageError(f"There is no face {min(gone)}; `facecluster people show` lists a person's faces.")
        return owners

    def _edit(self, what: str, faces: int, dry_run: bool, act: Callable[[], None]) -> Edit:
        with self._rehearsed(dry_run), self._store.journal.note(what):
            act()
            self._store.links.agree()
        return Edit(what, faces)

    @contextmanager
    def _rehearsed(self, dry_run: bool) -> Iterator[None]:
        try:
            with self._store.transaction():
                yield
                if dry_run:
                    raise _Rehearsal
        except _Rehearsal:
            pass
