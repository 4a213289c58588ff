"""Grouping and identification on folders of painted people, and on a library with confirmed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from facecluster import people
from facecluster.errors import UsageError
from facecluster.evaluation import identify, score_groups
from facecluster.faces import DetectOptions
from facecluster.nets.specs import spec_of
from facecluster.nets.weights import fingerprint
from facecluster.pipeline import networks
from facecluster.pipeline.evaluate.library import measure_library
from facecluster.pipeline.evaluate.options import MeasureOptions
from facecluster.pipeline.evaluate.people import Crowd, GroupOptions, groups, judge, measure_folder
from facecluster.pipeline.portraits import Portrayer
from facecluster.records import Box, Face, FileEntry, Float32, Int64, Photo
from facecluster.store import Assignment, Store
from tests.conftest import fake_detect, fake_embed

Paint = Callable[..., Path]

OPTIONS = MeasureOptions(("facenet",))


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    def portrayer(models: Sequence[str], device: str, *, flip: bool, options: DetectOptions) -> Portrayer:
        return Portrayer(fake_detect, dict.fromkeys(models, fake_embed))

    monkeypatch.setattr(networks, "portrayer", portrayer)


def crowd(people: int, each: int, spread: float = 0.25, seed: int = 0) -> tuple[Float32, Int64]:
    random = np.random.default_rng(seed)
    vectors = np.repeat(random.normal(size=(people, 32)), each, axis=0)
    vectors += spread * random.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), np.repeat(np.arange(people), each)


def alone(count: int) -> people.Constraints:
    return people.Constraints(photo=np.arange(count), may_form=np.ones(count, bool))


def test_a_run_of_clustering_is_scored_against_who_is_known() -> None:
    vectors, labels = crowd(6, 8)
    assert groups(vectors, labels).bcubed.f == 1.0
    options = people.ClusterOptions(min_size=2, join_distance=0.05)
    found = people.cluster(vectors, alone(48), options).labels
    some = np.where(np.arange(48) % 3 == 0, -1, labels)
    expected = score_groups(found[some >= 0], some[some >= 0])
    assert groups(vectors, some, options) == expected
    assert (expected.faces, expected.bcubed.f < 1) == (32, True)


def test_constraints_are_kept() -> None:
    vectors, labels = crowd(4, 6, spread=0.7)
    one_photo = people.Constraints(photo=np.zeros(24, np.int64), may_form=np.ones(24, bool))
    assert groups(vectors, labels).bcubed.recall > 0.8
    assert groups(vectors, labels, constraints=one_photo).bcubed.recall < 0.5
    nobody_may = people.Constraints(photo=np.arange(24), may_form=np.zeros(24, bool))
    assert groups(vectors, labels, constraints=nobody_may).nobody == 24


def test_all_figures_of_a_crowd() -> None:
    vectors, labels = crowd(6, 8, spread=0.9)
    some = np.where(labels == 5, -1, labels)
    found = judge("facenet", "mark", vectors, Crowd(some, alone(48)), GroupOptions(join_distance=0.7), 1.05)
    options = people.ClusterOptions(join_distance=0.7)
    assert (found.model, found.fingerprint, found.join_distance) == ("facenet", "mark", 0.7)
    assert found.groups == groups(vectors, some, options)
    assert found.identification == identify(vectors[some >= 0], some[some >= 0])
    pairs = [(i, j) for i in range(40) for j in range(i)]
    own = sorted(float(((vectors[i] - vectors[j]) ** 2).sum()) for i, j in pairs if labels[i] == labels[j])
    others = sorted(float(((vectors[i] - vectors[j]) ** 2).sum()) for i, j in pairs if labels[i] != labels[j])
    limit = others[int(0.01 * len(others))]  # the first that is one too many
    assert found.at_far[0].rate == 0.01
    assert found.at_far[0].val == pytest.approx(sum(d < limit - 1e-6 for d in own) / len(own))
    assert found.threshold == found.at_far[1].threshold
    assert found.threshold is not None
    assert found.threshold < others[0] + 1e-6, "at most a thousandth of 640 pairs is none"


def test_a_join_distance_is_the_models_unless_it_is_given() -> None:
    asked = GroupOptions(people.ClusterOptions(min_size=2), 0.0)
    assert asked.of(1.05) == people.ClusterOptions(min_size=2, join_distance=0.0)
    assert GroupOptions().of(1.1).join_distance == 1.1
    assert (asked.told()["join_distance"], GroupOptions().told()["join_distance"]) == (0.0, None)
    assert asked.told()["identify"]["neighbours"] == 1


def test_nobody_can_be_told_from_one_person() -> None:
    vectors, _ = crowd(1, 5)
    one = judge("facenet", "m", vectors, Crowd(np.zeros(5, np.int64), alone(5)), GroupOptions(), 1.05)
    assert (one.at_far, one.threshold, one.identification, one.columns) == ((), None, None, ())
    assert one.groups.bcubed.f == 1.0


@pytest.fixture
def folder(tmp_path: Path, paint: Paint) -> Path:
    for person, colours in (
        ("Ana", ["red"] * 5),
        ("Bo", ["blue"] * 4 + ["red"]),
        ("Cy", ["green", "green"]),
        ("Di", ["white"]),
    ):
        for i, colour in enumerate(colours):
            paint(tmp_path / "people" / person / "some" / f"{i}.png", colour, seed=i)
    paint(tmp_path / "people" / "Ana" / "nothing.png")
    paint(tmp_path / "people" / "beside.png", "red")
    (tmp_path / "people" / "Ana" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "people" / "Ana" / "notes.txt").write_text("not a photo")
    return tmp_path / "people"


def sharp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Painted squares have no edges inside; as faces they are to be good enough to form people."""
    monkeypatch.setattr("facecluster.pipeline.cluster.QualityGate.passes", lambda self, face: True)


def test_folders_of_people(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sharp(monkeypatch)
    done: list[tuple[int, int]] = []
    figures = measure_folder(folder, OPTIONS, on_progress=lambda now, total: done.append((now, total)))
    assert (figures.people, figures.faces, figures.faceless, figures.others) == (4, 13, 1, 0)
    assert [one.path.name for one in figures.unreadable] == ["broken.jpg"]
    assert done[-1] == (15, 15)
    (model,) = figures.models
    assert (model.model, model.fingerprint) == ("facenet", fingerprint("facenet"))
    assert model.join_distance == spec_of("facenet").join_distance
    truth = np.repeat([0, 1, 2, 3], [5, 5, 2, 1])
    found = np.array([0] * 5 + [1] * 4 + [0] + [-1] * 3)
    assert model.groups == score_groups(found, truth)
    assert (model.groups.found, model.groups.nobody) == (2, 3)
    assert model.identification is not None
    assert (model.identification.people, model.identification.alone) == (3, 1)
    (pairs,) = measure_folder(folder, OPTIONS, GroupOptions(people.ClusterOptions(min_size=2))).models
    assert pairs.groups.found == 3


def test_faces_that_are_too_poor_form_nobody(folder: Path) -> None:
    (model,) = measure_folder(folder, OPTIONS).models
    assert model.groups.found == 0
    assert model.groups.nobody == 13


def test_folders_have_groups_of_people_too(folder: Path) -> None:
    (folder / "attributes.csv").write_text("person,sex\nAna,female\nBo,male\nCy,female\n")
    (model,) = measure_folder(folder, OPTIONS).models
    ((column),) = model.columns
    assert [(one.group, one.same, one.different) for one in column.groups] == [("female", 11, 10), ("male", 10, 0)]


@pytest.mark.parametrize("trouble", ["empty", "flat", "none", "faceless"])
def test_folders_in_which_nothing_can_be_measured(tmp_path: Path, paint: Paint, trouble: str) -> None:
    place = tmp_path / "people"
    place.mkdir()
    why = "has no photos of people: it needs a folder for each"
    if trouble == "flat":
        paint(place / "red.png", "red")
    elif trouble == "none":
        place, why = tmp_path / "nowhere", "There is no file or folder"
    elif trouble == "faceless":
        paint(place / "Ana" / "grey.png")
        why = "No face was found in the 1 photos"
    with pytest.raises(UsageError, match=why):
        measure_folder(place, OPTIONS)


@pytest.fixture
def library(store: Store) -> tuple[Store, Float32, Int64]:
    """Five people with six confirmed faces each, two of them wrongly, and two people nobody confirmed."""
    vectors, labels = crowd(7, 6)
    mark = fingerprint("facenet")
    with store.transaction():
        store.faces.add_model(mark, "facenet", 32)
        store.faces.use_model(mark)
        persons = [store.people.add() for _ in range(5)]
        ids = []
        for i, label in enumerate(labels.tolist()):
            photo = store.photos.add(Photo(f"{i:064}", "JPEG", 400, 300, datetime(2000 + i % 6, 7, 1)), "")
            store.photos.link(FileEntry(Path(f"/p/{label}/{i}.jpg"), 1, 1), photo)
            face = Face(Box(0, 0, 99, 99), np.zeros((5, 2), np.float32), 0.99, 100.0, 1.0)
            ids.append(store.faces.add(photo, face, b"chip"))
        store.faces.add_vectors(ids, vectors, mark)
        for label, person in enumerate(persons):
            store.people.assign([face for face, own in zip(ids, labels, strict=True) if own == label], person)
            store.people.change(person, name=f"Person {label}", born=f"{1990 - 10 * label}-07-01")
        store.people.assign([ids[0], ids[1]], persons[1])  # the user was wrong
        store.people.replace_auto(
            [Assignment(face, persons[0]) for face in ids[30:34]], []
        )  # and so was `cluster`
    return store, vectors, labels


def dump(store: Store) -> list[str]:
    return list(store.db.iterdump())


def test_a_library_is_measured_by_what_was_confirmed_and_stays_as_it_is(
    library: tuple[Store, Float32, Int64],
) -> None:
    store, vectors, labels = library
    before = dump(store)
    figures = measure_library(store, MeasureOptions(()), GroupOptions(), 1.0)
    assert dump(store) == before
    assert (figures.what, figures.people, figures.faces, figures.others) == ("library", 5, 30, 12)
    truth = np.where(labels < 5, labels, -1)
    truth[:2] = 1
    (model,) = figures.models
    assert model.groups == groups(vectors, truth, people.ClusterOptions(join_distance=1.0))
    assert model.groups.bcubed.f < 1, "the run knows nothing of what was confirmed"
    assert model.groups.found == 5
    ages, gaps = model.columns
    assert [one.group for one in ages.groups] == ["10–19", "20–29", "30–39", "40–49", "50–59"]
    assert {one.group for one in gaps.groups} == {"same year", "1–2", "3–5"}


def test_a_librarys_attributes_are_by_person_or_path(
    library: tuple[Store, Float32, Int64], tmp_path: Path
) -> None:
    store, _, _ = library
    for text in (
        "person,sex\nPerson 0,female\nPerson 1,female\nPerson 2,male\n",
        "path,sex\n"
        + "".join(
            f"/p/{label}/{i}.jpg,{'male' if label == 2 else 'female'}\n"
            for label in range(3)
            for i in range(6 * label, 6 * label + 6)
        ),
    ):
        (tmp_path / "a.csv").write_text(text)
        options = MeasureOptions(("facenet",), attributes=tmp_path / "a.csv")
        (model,) = measure_library(store, options, GroupOptions(), 1.0).models
        (sex,) = [column for column in model.columns if column.name == "sex"]
        female, male = sex.groups
        assert (female.same, female.different) == (8 * 7 / 2 + 4 * 3 / 2, 8 * 4)
        assert (male.same, male.different) == (15, 0)


def test_another_model_embeds_the_chips_and_nothing_is_kept(
    library: tuple[Store, Float32, Int64], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, vectors, _ = library
    before, asked = dump(store), []

    def embed_stored(store: Store, batch: Sequence[object], embed: object) -> Float32:
        asked.append(len(batch))
        return vectors[sum(asked[:-1]) :][: len(batch)]

    monkeypatch.setattr("facecluster.pipeline.evaluate.library.embed_stored", embed_stored)
    monkeypatch.setattr("facecluster.pipeline.evaluate.library.BATCH", 20)
    monkeypatch.setattr(networks, "embedder", lambda model, device: fake_embed)
    done: list[tuple[int, int]] = []
    figures = measure_library(
        store,
        MeasureOptions(("sface", "facenet")),
        GroupOptions(),
        1.0,
        lambda now, total: done.append((now, total)),
    )
    sface, facenet = figures.models
    assert (sface.model, sface.fingerprint, sface.join_distance) == ("sface", fingerprint("sface"), 1.10)
    assert (facenet.model, facenet.join_distance) == ("facenet", 1.0)
    assert sface.at_far == facenet.at_far
    assert (asked, done) == ([20, 20, 2], [(20, 42), (40, 42), (42, 42)])
    assert dump(store) == before


def test_a_library_without_anybody_confirmed_cannot_be_measured(store: Store) -> None:
    with pytest.raises(UsageError, match="library is empty"):
        measure_library(store, OPTIONS, GroupOptions(), 1.0)
    with store.transaction():
        store.faces.add_model("mark", "facenet", 3)
        store.faces.use_model("mark")
        store.photos.add(Photo("0" * 64, "JPEG", 4, 3), "")
    with pytest.raises(UsageError, match="Nobody is confirmed yet"):
        measure_library(store, OPTIONS, GroupOptions(), 1.0)
