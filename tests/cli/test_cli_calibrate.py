"""``facecluster calibrate``: what it prints, stores and forgets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facecluster.cli.calibrate import show
from facecluster.nets.specs import spec_of
from facecluster.pipeline.calibrate import Calibration, Within
from facecluster.records import Box, Face, Photo
from facecluster.store import Store
from tests.cli.conftest import Run

JOIN = spec_of("facenet").join_distance

PEOPLE, FACES = 8, 6


@pytest.fixture
def confirmed(run: Run, tmp_path: Path) -> Run:
    """Eight confirmed people with six faces each, some of whom are alike: 336 comparisons with others."""
    random = np.random.default_rng(3)
    vectors = np.repeat(random.normal(size=(PEOPLE, 6)), FACES, axis=0)
    vectors += 0.6 * random.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with Store(tmp_path / "library.db") as store, store.transaction():
        store.faces.add_model("mark", "facenet", 6)
        store.faces.use_model("mark")
        face = Face(Box(0, 0, 99, 99), np.zeros((5, 2), np.float32), 0.99, 100.0, 1.0)
        photos = [store.photos.add(Photo(f"{i:064}", "JPEG", 400, 300), "") for i in range(len(vectors))]
        faces = [store.faces.add(photo, face, b"chip") for photo in photos]
        store.faces.add_vectors(faces, vectors.astype(np.float32), "mark")
        for first in range(0, len(faces), FACES):
            store.people.assign(faces[first : first + FACES], store.people.add())
    return run


def measured(run: Run, *options: object) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads(run("calibrate", "--rate", 0.01, "--json", *options).out)
    return found


def test_two_histograms_and_a_sentence(confirmed: Run) -> None:
    ran = confirmed("calibrate", "--rate", 0.01)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    found = measured(confirmed)
    new, now = found["found"]["join_distance"], found["present"]["join_distance"]
    assert now == JOIN
    for what, distance in ("found", new), ("now", now):
        (row,) = [line for line in lines if "◂" in line and f"{what} {distance:.2f}" in line]
        low, high = map(float, row.split()[0].split("–"))
        assert low <= distance < high
    assert lines[0].split() == ["distance", "the", "own", "person", "somebody", "else"]
    bars = [line[9:31].rstrip() for line in lines if "–" in line]
    assert max(bars, key=len) == "█" * 22
    sentences = " ".join(ran.out.split())
    assert f"Joining within {new:.3f} leaves {100 * found['found']['own']:.2f} % of 48 faces" in sentences
    assert "0.893 % of 336 comparisons with somebody else" in sentences  # three of them
    assert "Careful" not in sentences  # it is smaller
    assert sentences.endswith("To use it: facecluster calibrate --save, then facecluster cluster --anew")


def test_what_is_stored_is_the_default_until_reset(confirmed: Run) -> None:
    assert "joins at" not in confirmed("status").out
    new = measured(confirmed)["found"]["join_distance"]
    assert "Stored. Next: facecluster cluster --anew" in confirmed("calibrate", "--rate", 0.01, "--save").out
    assert f"joins at  {new:.3f}, calibrated for false merges up to 1 %" in confirmed("status").out.splitlines()
    assert json.loads(confirmed("status", "--json").out)["calibrated"]["join_distance"] == new
    assert measured(confirmed)["present"] == measured(confirmed)["found"]
    assert confirmed("calibrate", "--reset").out == f"Forgotten: the join distance is the model's, {JOIN:.3f}.\n"
    assert "Nothing was stored" in confirmed("calibrate", "--reset").out
    assert json.loads(confirmed("calibrate", "--reset", "--json").out) == {"dropped": False, "join_distance": JOIN}
    assert json.loads(confirmed("status", "--json").out)["calibrated"] is None


def test_cluster_uses_what_is_stored(confirmed: Run, tmp_path: Path) -> None:
    with Store(tmp_path / "library.db") as store, store.transaction():
        store.people.assign(range(3 * FACES + 1, PEOPLE * FACES + 1), None)

    def clustered(*options: object) -> int:
        return len(json.loads(confirmed("cluster", "--anew", "--dry-run", "--json", *options).out)["people"])

    models = clustered()
    with Store(tmp_path / "library.db") as store:
        store.calibrations.set("mark", 0.25, 0.01)
    assert clustered() == clustered("--join-distance", 0.25) != models
    assert clustered("--join-distance", JOIN) == models


def test_too_little_is_a_sentence(confirmed: Run) -> None:
    ran = confirmed("calibrate")
    assert (ran.code, ran.out) == (1, "")
    assert "336 of at least 1,000 comparisons with somebody else for --rate 0.001" in ran.err
    assert "or ask for --rate 0.003." in ran.err
    assert confirmed("calibrate", "--rate", 0.003).code == 0


def test_to_store_and_to_forget_at_once_is_refused(confirmed: Run) -> None:
    ran = confirmed("calibrate", "--save", "--reset")
    assert (ran.code, "not for both" in ran.err) == (1, True)


@pytest.mark.parametrize(("people", "further", "careful"), [(9, True, True), (10, True, False), (9, False, False)])
def test_few_people_who_look_different_are_no_reason_to_join_further(
    people: int, further: bool, careful: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Within(1.3 if further else 0.9, 1.0, 0.0)
    show(Calibration(0.01, found, Within(1.05, 1.0, 0.0), people, 20, 100, 0.1, (20,), (0, 100), None))
    assert ("Careful: these are 9 people" in capsys.readouterr().out) is careful
