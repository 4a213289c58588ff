"""Corrections: which faces are whose, and who is one with whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from facecluster.errors import UsageError
from facecluster.pipeline.edits import Edit, Edits

NOBODYS = "rejected"
"""Why a face belongs to nobody after the user took it from a person."""


class Corrections(Edits):
    """What the user says of faces. It is final: no later run of ``cluster`` moves a face that was confirmed."""

    def merge(self, persons: Sequence[str], *, dry_run: bool = False) -> Edit:
        """Make several people one, who keeps the number of the first and the first name that there is."""
        ids = list(dict.fromkeys(map(self.find, persons)))
        if len(ids) < 2:
            raise UsageError("It takes two different people to merge.")
        rows, table = self._store.people.all(), self._store.people
        others = ids[1:]
        name = next((rows[id_].name for id_ in ids if rows[id_].name), None)
        born = next((rows[id_].born for id_ in ids if rows[id_].born), None)

        def act() -> None:
            """Make the change, inside of its transaction."""
            for other in others:
                table.hand_over(other, ids[0])
                table.change(other, name=None)
                table.remove(other)
            table.change(ids[0], name=name, born=born)

        what = f"{', '.join(rows[id_].title for id_ in others)} merged into {rows[ids[0]].title}"
        return self._edit(what, sum(len(self._faces(id_)) for id_ in others), dry_run, act)

    def split(self, person: str, faces: Collection[int] = (), *, dry_run: bool = False) -> Edit:
        """Make ``faces`` of a person another one; without any, those that look least like the others.

        Raises ``UsageError`` when no part of the person looks like somebody else.
        """
        id_ = self.find(person)
        own = self._faces(id_)
        if strangers := set(faces) - set(own):
            raise UsageError(f"Face {min(strangers)} is not this person's; `facecluster people show` lists them.")
        parts = [sorted(faces)] if faces else self._together(self._split(own))[1:]
        if not parts:
            raise UsageError("All faces of this person look alike: say which to split off with --faces.")
        table, title = self._store.people, self._store.people.all()[id_].title

        def act() -> None:
            """Make the change, inside of its transaction."""
            table.change(id_)
            for part in parts:
                table.assign(part, table.add())
                table.reject(part, id_)

        count = sum(map(len, parts))
        return self._edit(f"{title} split, {len(parts)} more", count, dry_run, act)

    def move(self, faces: Collection[int], to: str, *, dry_run: bool = False) -> Edit:
        """Make faces a person's, confirmed; whose they were before, they are not."""
        id_, owners = self.find(to), self._owners(faces)
        table = self._store.people

        def act() -> None:
            """Make the change, inside of its transaction."""
            for face, owner in owners.items():
                if owner not in (None, id_):
                    table.reject([face], int(owner or 0))
            table.assign(owners, id_)
            table.accept(id_)
            table.change(id_)

        title = table.all()[id_].title
        return self._edit(f"Faces moved to {title}", len(owners), dry_run, act)

    def confirm(self, person: str, faces: Collection[int] = (), *, dry_run: bool = False) -> Edit:
        """Say that faces of a person are right where they are; all, when none is given."""
        id_ = self.find(person)
        own, table = self._faces(id_), self._store.people
        if strangers := set(faces) - set(own):
            raise UsageError(f"Face {min(strangers)} is not this person's: to make it so, use `people move`.")

        def act() -> None:
            """Make the change, inside of its transaction."""
            table.assign(faces or own, id_)
            table.change(id_)

        return self._edit(f"{table.all()[id_].title} confirmed", len(faces or own), dry_run, act)

    def reject(self, faces: Collection[int], person: str, *, dry_run: bool = False) -> Edit:
        """Say that faces are not a person's; they are nobody's then, and never that person's again."""
        id_, owners = self.find(person), self._owners(faces)
        table = self._store.people

        def act() -> None:
            """Make the change, inside of its transaction."""
            table.reject(owners, id_)
            table.assign([face for face, owner in owners.items() if owner == id_], None, reason=NOBODYS)
            table.change(id_)
            self._store.links.untie(owners, id_)

        return self._edit(f"Faces rejected from {table.all()[id_].title}", len(owners), dry_run, act)

    def same(self, faces: Collection[int], *, dry_run: bool = False) -> Edit:
        """Say that faces are one person's, whoever that is. If one of them is somebody's, the others are, too.

        Raises ``UsageError`` when they belong to several people, or were told apart or rejected from the one.
        """
        owners, table = self._owners(self._tied(faces)), self._store.people
        persons = sorted({owner for owner in owners.values() if owner is not None})
        if len(set(faces)) < 2:
            raise UsageError("It takes two different faces.")
        if len(persons) > 1:
            raise UsageError(
                f"Faces of several people: `facecluster people merge {persons[0]} {persons[1]}` unites them."
            )
        if refused := [face for face, person in table.rejections() if person in persons and face in owners]:
            raise UsageError(
                f"Face {refused[0]} was rejected: `people move {refused[0]} --to {persons[0]}` undoes that."
            )
        own = {face for person in persons for face in self._faces(person)}
        if apart := self._told_apart(owners.keys() | own):
            raise UsageError(
                f"Faces {apart[0]} and {apart[1]} were told apart: `facecluster people undo` takes that back."
            )

        def act() -> None:
            """Make the change, inside of its transaction."""
            self._store.links.add(pairwise(sorted(set(faces))), same=True)
            if persons:
                table.assign(
                    [face for face, owner in owners.items() if owner is None], persons[0], confirmed=False
                )

        return self._edit("Faces said to be one person's", len(set(faces)), dry_run, act)

    def different(self, one: int, other: int, *, dry_run: bool = False) -> Edit:
        """Say that two faces are not one person's. If both are somebody's, these are two people for good.

        Raises ``UsageError`` when they belong to one person: then it must be said whose the other is not.
        """
        owners = self._owners([one, other])
        persons = {owner for owner in owners.values() if owner is not None}
        if len(owners) < 2:
            raise UsageError("It takes two different faces.")
        if other in self._tied([one]):
            raise UsageError("They were said to be one person's: `facecluster people undo` takes that back.")
        if len(persons) == 1 and None not in owners.values():
            title = self._store.people.all()[min(persons)].title
            raise UsageError(f"Both are {title}'s: say which is not, with `facecluster people reject`.")

        def act() -> None:
            """Make the change, inside of its transaction."""
            self._store.links.add([(one, other)], same=False)
            for person in persons if len(persons) == 2 else ():
                self._store.people.change(person)

        return self._edit("Faces said to be two people's", 2, dry_run, act)

    def _tied(self, faces: Collection[int]) -> set[int]:
        """The faces, and all that were said to be of one person with one of them."""
        pairs = [(one, other) for one, other, same in self._store.links.all() if same]
        found = set(faces)
        while more := {face for pair in pairs if found & set(pair) for face in pair} - found:
            found |= more
        return found

    def _told_apart(self, faces: Collection[int]) -> tuple[int, int] | None:
        """Two of the faces that were said to be of two people."""
        links = self._store.links.all()
        return next(((one, other) for one, other, same in links if not same and {one, other} <= set(faces)), None)

    def _together(self, parts: list[list[int]]) -> list[list[int]]:
        """The parts of a person, the first ones with all faces that are tied to one of theirs."""
        whole: list[list[int]] = []
        for part in parts:
            taken = {face for earlier in whole for face in earlier}
            own = {face for part_ in parts for face in part_}
            whole.append(sorted((self._tied(part) & own) - taken))
        return [part for part in whole if part]
