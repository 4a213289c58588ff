"""Which questions are asked, in which order, and what the answers do."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from facecluster.albums.questions import Card, render_questions
from facecluster.errors import UsageError
from facecluster.pipeline.cluster import QualityGate, cluster
from facecluster.pipeline.people import People
from facecluster.pipeline.questionnaire import Suggestions, saved
from facecluster.pipeline.suggest import Kind, Question, Questions
from facecluster.store import Store
from tests.pipeline.test_pipeline_people import MODEL, OPTIONS, add, clustered, owners, people_of

JOIN = {"kind": "join", "person": 1, "other": None, "face": 2, "left": 1, "right": 2, "answer": "yes"}
REACH = OPTIONS.join_distance


@pytest.fixture
def people(store: Store) -> People:
    """Person 1 has faces 1 to 4, 2 has 5 to 7, 3 has 8 and 9, who are a little too far from 2; 10 is near 1."""
    for angles in ([0, 1, 2, 3, 90, 91, 92], [134, 135, 47]):
        add(store, [float(angle) for angle in angles])
        store.faces.use_model(MODEL)
        clustered(store)
    assert owners(store) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2, 8: 3, 9: 3, 10: None}
    return people_of(store)


def suggestions(store: Store, people: People) -> Suggestions:
    return Suggestions(store, people, REACH)


def test_what_more_faces_depend_on_is_asked_first(people: People, store: Store) -> None:
    merge, join = suggestions(store, people).ask()
    assert (merge.kind, merge.text, merge.faces) == (Kind.MERGE, "Is Person 003 Person 002?", 2)
    assert (merge.person, merge.other, merge.left[0], merge.right[0]) == (2, 3, 7, 8)
    assert merge.distance == pytest.approx(mean_distance([90, 91, 92], [134, 135]), abs=1e-4)
    assert REACH < merge.distance < 1.2 * REACH
    assert (join.kind, join.text, join.face) == (Kind.JOIN, "Is this Person 002?", 10)
    assert join.distance == pytest.approx(mean_distance([90, 91, 92], [47]), abs=1e-4)
    assert suggestions(store, people).ask(1) == [merge]
    assert suggestions(store, people).ask(skip={merge.key}) == [join]


def mean_distance(some: list[float], others: list[float]) -> float:
    apart = [2 - 2 * np.cos(np.radians(a - b)) for a in some for b in others]
    return float(np.mean(apart))


def test_a_named_person_comes_first_and_two_named_ones_are_two(people: People, store: Store) -> None:
    people.name("3", "Cleo")
    assert suggestions(store, people).ask()[0].text == "Is Person 002 Cleo?"
    people.name("2", "Bea")
    assert [question.kind for question in suggestions(store, people).ask()] == [Kind.JOIN]


def test_people_in_one_photo_and_hidden_ones_are_not_asked_about(people: People, store: Store) -> None:
    store.db.execute("UPDATE faces SET photo_id = (SELECT photo_id FROM faces WHERE id = 8) WHERE id = 5")
    assert [question.kind for question in suggestions(store, people).ask()] == [Kind.JOIN]
    people.hide(["1", "2"])
    assert suggestions(store, people).ask() == []


def test_yes_makes_one_of_two(people: People, store: Store) -> None:
    ask = suggestions(store, people)
    assert ask.answer(ask.ask()[0], True).faces == 2
    assert owners(store)[8] == 2


def test_no_is_remembered(people: People, store: Store) -> None:
    ask = suggestions(store, people)
    for question in ask.ask():
        ask.answer(question, False)
    assert ask.ask() == []
    clustered(store)
    assert (owners(store)[8], owners(store)[10]) == (3, None)
    for _ in range(2):
        people.undo()
    assert len(ask.ask()) == 2


def test_a_face_joins_or_is_rejected(people: People, store: Store) -> None:
    ask = suggestions(store, people)
    ask.answer(ask.ask()[1], True)
    assert owners(store)[10] == 2
    people.undo()
    ask.answer(ask.ask()[1], False)
    assert store.people.rejections() == [(10, 2)]


def test_doubtful_faces_of_named_people_are_asked_about(people: People, store: Store) -> None:
    people.name("1", "Anna")
    with store.transaction():
        store.people.assign([10], 1, confirmed=False)
    doubt = next(q for q in suggestions(store, people).ask() if q.kind is Kind.CONFIRM)
    assert (doubt.text, doubt.face, doubt.right) == ("Is this Anna?", 10, (10,))
    assert doubt.distance == pytest.approx(mean_distance([0, 1, 2, 3, 47], [47]), abs=1e-4)
    assert doubt.left == (4, 3, 2)
    ask = suggestions(store, people)
    ask.answer(doubt, True)
    assert Kind.CONFIRM not in {question.kind for question in ask.ask()}
    people.undo()
    ask.answer(doubt, False)
    assert owners(store)[10] is None


def test_an_answer_that_is_out_of_date_changes_nothing(people: People, store: Store) -> None:
    merge, join = suggestions(store, people).ask()
    people.move([10], "1")
    people.name("2", "Bea")
    people.name("3", "Cleo")
    before = owners(store)
    for yes in (True, False):
        with pytest.raises(UsageError, match="out of date"):
            suggestions(store, people).answer(join, yes)
        with pytest.raises(UsageError, match="both have names"):
            suggestions(store, people).answer(merge, yes)
    assert owners(store) == before


def test_faces_told_apart_and_those_from_before_a_birth_are_not_asked_about(people: People, store: Store) -> None:
    people.different(10, 5)
    assert [question.kind for question in suggestions(store, people).ask()] == [Kind.MERGE]
    people.undo()
    store.db.execute("UPDATE photos SET taken_at = '2001-01-01T00:00:00' WHERE id = 10")
    people.born("2", "2002-01-01")
    assert [question.kind for question in suggestions(store, people).ask()] == [Kind.MERGE]


def test_an_empty_library_has_no_questions(store: Store) -> None:
    assert suggestions(store, people_of(store)).ask() == []


def test_the_fast_way_finds_what_pairs_one_by_one_find(store: Store) -> None:
    rng = np.random.default_rng(0)
    add(store, [float(angle) for angle in rng.uniform(0, 360, 60)])
    store.faces.use_model(MODEL)
    cluster(store, MODEL, replace(OPTIONS, join_distance=0.05), QualityGate())
    asked = {q.key for q in Questions(store, MODEL, REACH).ask(1000) if q.kind is Kind.MERGE}
    ids, vectors = store.faces.vectors(MODEL)
    own = {
        person: vectors[[i for i, f in enumerate(ids.tolist()) if owners(store)[f] == person]]
        for person in sorted(store.people.all())
    }
    slow = set()
    for one in own:
        for other in own:
            far = np.mean([np.square(a - b).sum() for a in own[one] for b in own[other]])
            if one < other and far < 1.2 * REACH:
                first, second = sorted((one, other), key=lambda id_: (-len(own[id_]), id_))
                slow.add(("merge", first, second))
    assert asked == slow
    assert slow


def test_the_page_shows_faces_and_saves_what_is_read_again(people: People, store: Store) -> None:
    people.name("2", "<Bea> & Co")
    ask = suggestions(store, people)
    page = ask.page(ask.ask()).decode()
    assert "&lt;Bea&gt; &amp; Co" in page
    assert "<Bea>" not in page
    assert "http" not in page.replace("http-equiv", "")
    found = [json.loads(html.unescape(text)) for text in re.findall(r'data-question="([^"]*)"', page)]
    assert found == [saved(question) for question in ask.ask()]
    answers = {"facecluster answers": 1, "answers": [one | {"answer": "yes"} for one in found]}
    done, failed = ask.answer_all(json.loads(json.dumps(answers)))
    assert ([edit.faces for edit in done], failed) == ([2, 1], [])
    assert owners(store)[8] == owners(store)[10] == 2


def test_pictures_are_in_the_page(store: Store, paint: Any, tmp_path: Any) -> None:
    picture = paint(tmp_path / "a.jpg", "red").read_bytes()
    from facecluster.records import Box

    card = Card("Is it?", "", {"kind": "join"}, (("Anna", (1, 2)), ("face 3", (3,))))
    page = render_questions([card], {1: (picture, Box(0, 0, 9, 9)), 3: (picture, Box(0, 0, 9, 9))}.get).decode()
    assert page.count("data:image/jpeg;base64,") == 2
    assert "1 question<" in page


def test_answers_follow_those_who_were_merged(people: People, store: Store) -> None:
    def merge(one: int, other: int, said: str) -> dict[str, Any]:
        left, right = ({1: 1, 2: 5, 3: 8}[id_] for id_ in (one, other))
        question = Question(Kind.MERGE, "", one, other, None, 0, 0.0, (left,), (right,))
        return saved(question) | {"answer": said}

    said = [merge(2, 3, "yes"), merge(3, 1, "yes"), merge(1, 2, "yes"), merge(1, 3, "no")]
    done, failed = suggestions(store, people).answer_all({"facecluster answers": 1, "answers": said})
    assert (len(done), failed) == (2, [])
    assert {owners(store)[face] for face in range(1, 10)} == {2}
    again = {"facecluster answers": 1, "answers": [merge(2, 3, "yes")]}
    assert suggestions(store, people).answer_all(again)[1] == [
        "A question about person 2 is out of date: ask `facecluster suggest` again."
    ]


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"facecluster answers": 2, "answers": []},
        {"facecluster answers": 1},
        {"facecluster answers": 1, "answers": [{}]},
        {"facecluster answers": 1, "answers": [JOIN | {"face": None}]},
        {"facecluster answers": 1, "answers": [JOIN | {"answer": "perhaps"}]},
    ],
)
def test_files_that_hold_no_answers_change_nothing(people: People, store: Store, data: Any) -> None:
    with pytest.raises(UsageError, match=r"no answers|damaged"):
        suggestions(store, people).answer_all(data)
    assert people.history() == []
