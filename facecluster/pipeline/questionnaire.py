"""Questions on a page, and the answers that come back from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from facecluster.albums.questions import Card, render_questions
from facecluster.errors import UsageError
from facecluster.pipeline.edits import Edit
from facecluster.pipeline.people import People
from facecluster.pipeline.suggest import Kind, Question, Questions, answer
from facecluster.store import Store

VERSION = 1


class Suggestions:
    """Questions to the user of a library, and what becomes of the answers; see ``pipeline.suggest``."""

    def __init__(self, store: Store, people: People, join_distance: float) -> None:
        self._store, self._people, self._join_distance = store, people, join_distance

    def ask(self, limit: int = 20, *, skip: Collection[tuple[str, int, int]] = ()) -> list[Question]:
        """The questions worth most; those whose ``key`` is in ``skip`` are left out."""
        known = self._store.faces.model()
        return Questions(self._store, known[0], self._join_distance).ask(limit, skip) if known else []

    def answer(self, question: Question, yes: bool) -> Edit:
        """Do what the answer means. Raises ``UsageError`` when the question is out of date."""
        return answer(self._people, question, yes)

    def answer_all(self, data: Any) -> tuple[list[Edit], list[str]]:
        """Do what answers saved from a page say; see ``answer_all``."""
        return answer_all(self._people, data)

    def chips(self, faces: Sequence[int]) -> list[bytes]:
        """The chips (JPEG, 224 × 224) of faces, in order."""
        return [jpeg for _, jpeg in self._store.faces.chips(faces)]

    def photos(self, faces: Sequence[int]) -> list[Path]:
        """Where the photos of faces are; those that are missing are left out."""
        photo, paths = self._store.faces.photos_of(faces), self._store.photos.paths()
        return [paths[photo[face]] for face in faces if photo.get(face) in paths]

    def page(self, questions: Sequence[Question]) -> bytes:
        """A page that asks the questions, with pictures of the faces; it saves what ``answer_all`` reads."""
        titles = {id_: row.title for id_, row in self._store.people.all().items()}
        shown = {face for question in questions for face in (*question.left, *question.right)}
        boxes = {found.id: found.face.box for found in self._store.faces.all() if found.id in shown}
        faces = {face: (jpeg, boxes[face]) for face, jpeg in self._store.faces.chips(sorted(shown))}
        return render_questions([_card(question, titles) for question in questions], faces.get)


def _card(question: Question, titles: dict[int, str]) -> Card:
    other = titles[question.other] if question.other else f"face {question.face}"
    note = f"{question.faces} faces depend on it" if question.faces > 1 else f"distance {question.distance:.2f}"
    sides = (titles[question.person], question.left), (other, question.right)
    return Card(question.text, note, saved(question), sides)


def saved(question: Question) -> dict[str, Any]:
    """What an answer has to be kept with."""
    return {
        "kind": str(question.kind),
        "person": question.person,
        "other": question.other,
        "face": question.face,
        "left": question.left[0] if question.left else None,
        "right": question.right[0] if question.right else None,
    }


def answer_all(people: People, data: Any) -> tuple[list[Edit], list[str]]:
    """Do what saved answers mean, one after the other: the changes, and why others could not be made.

    Somebody who was merged by an answer is the person merged with in later ones. Raises ``UsageError`` for what
    no page has saved; then nothing is changed.
    """
    done: list[Edit] = []
    failed: list[str] = []
    became: dict[int, int] = {}
    for question, yes in _read(data):
        person, other = (_now(id_, became) for id_ in (question.person, question.other))
        if person is None or (question.kind is Kind.MERGE and person == other):
            continue  # they are one already
        try:
            done.append(answer(people, _for(question, person, other), yes))
        except UsageError as error:
            failed.append(str(error))
            continue
        if question.kind is Kind.MERGE and yes and other is not None:
            became[other] = person
    return done, failed


def _now(person: int | None, became: dict[int, int]) -> int | None:
    while person in became:
        person = became[person]
    return person


def _for(question: Question, person: int, other: int | None) -> Question:
    return Question(
        question.kind, "", person, other, question.face, 0, question.distance, question.left, question.right
    )


def _read(data: Any) -> list[tuple[Question, bool]]:
    if not isinstance(data, dict) or data.get("facecluster answers") != VERSION:
        raise UsageError("These are no answers that a page of `facecluster suggest --html` saved.")
    try:
        return [(_restored(one), {"yes": True, "no": False}[one["answer"]]) for one in data["answers"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"The file of answers is damaged ({type(error).__name__}: {error}).") from error


def _restored(one: dict[str, Any]) -> Question:
    kind, person = Kind(one["kind"]), int(one["person"])
    other, face, left, right = (
        None if one[key] is None else int(one[key]) for key in ("other", "face", "left", "right")
    )
    missing = (other, left, right) if kind is Kind.MERGE else (face,)
    if None in missing:
        raise ValueError(f"a question of the kind {kind} is not complete")
    samples = [() if side is None else (side,) for side in (left, right)]
    return Question(kind, "", person, other, face, 0, 0.0, samples[0], samples[1])
