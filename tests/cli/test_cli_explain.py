"""``facecluster explain``: what it says, and the map it draws with the real networks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecluster.cli.cluster import WHY_NOBODY
from facecluster.cli.explain import WHY_NOBODY as WHY_THIS_ONE
from facecluster.nets.specs import spec_of
from facecluster.pipeline.corrections import NOBODYS
from facecluster.store import Store
from tests.cli.conftest import Run

JOIN = spec_of("facenet").join_distance

LOADED = """import sys
from facecluster.cli import main
try: main()
except SystemExit as end: assert not end.code, end.code
print('loaded:', *sorted(sys.modules))
"""


@pytest.fixture
def known(run: Run, family: Path) -> Run:
    """Person 001 is blue, in four photos; person 002 red, in three; green is nobody."""
    assert run("cluster", "--min-size", 3).code == 0
    return run


def face_of(run: Run, person: int, nth: int = 0) -> int:
    return int(json.loads(run("people", "show", person, "--json").out)["face_list"][nth]["face_id"])


def nobodys(database: Path) -> list[int]:
    with Store(database) as store:
        return [a.face_id for a in store.people.assignments().values() if a.person_id is None]


def test_a_face_of_somebody(known: Run, tmp_path: Path) -> None:
    known("people", "name", 2, "Red")
    face = face_of(known, 2)
    other = json.loads(known("explain", face, "--json").out)["people"][1]
    ran = known("explain", face)
    lines = ran.out.splitlines()
    assert lines[0] == f"Face {face} is Red's, found by `cluster`."
    assert lines[1].startswith(f"  {tmp_path / 'photos'}")
    assert f"Distance to the person's other faces: 0.00, within the join distance of {JOIN:.2f}." in lines
    rows = [" ".join(line.split()) for line in lines]
    assert "2 Red 2 of 2 0.00 has it" in rows
    assert (
        f"1 Person 001 0 of 4 {other['distance']:.2f} too far; has face {other['rivals'][0]} in the same" in rows
    )
    assert "score 0.990 0.95" in rows
    assert lines[-1] == "The face may form a person."
    assert all(len(line) <= 80 for line in lines if str(tmp_path) not in line)


def test_a_face_of_nobody(known: Run, tmp_path: Path) -> None:
    (face,) = nobodys(tmp_path / "library.db")
    assert known("explain", face).out.startswith(f"Face {face} is nobody's: it is like no other face.\n")
    known("people", "confirm", 1)
    face = face_of(known, 1)
    assert known("explain", face).out.startswith(f"Face {face} is Person 001's, confirmed by you.\n")
    known("people", "reject", face, "--from", 1)
    out = known("explain", face).out
    assert out.startswith(f"Face {face} is nobody's: you took it from a person.\n")
    assert "you said it is not" in out
    assert "Nearest confirmed faces" in out
    assert f"{face_of(known, 1):>7}  0.00  Person 001  {tmp_path / 'photos'}" in out


def test_every_reason_has_its_words() -> None:
    assert set(WHY_THIS_ONE) == {*WHY_NOBODY, NOBODYS, None}


def test_before_clustering_and_without_embeddings(run: Run, family: Path, tmp_path: Path) -> None:
    out = run("explain", 1).out
    assert out.startswith("Face 1 is nobody's: it was not clustered yet; run `facecluster cluster`.\n")
    assert "Nearest" not in out
    ran = run("explain", 1, "--map", tmp_path / "map.png")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "Face 1 has nobody to be compared with: run `facecluster cluster` first.\n"
    with Store(tmp_path / "library.db") as store:
        store.db.execute("DELETE FROM embeddings WHERE face_id = 1")
    assert "no distance to anybody" in run("explain", 1).out
    assert run("explain", 1, "--map", tmp_path / "map.png").err.startswith("Face 1 is not embedded: run")
    assert run("explain", 99).err.startswith("There is no face 99;")


def test_json_says_it_all(known: Run, tmp_path: Path) -> None:
    known("people", "confirm", 1)
    face = face_of(known, 1)
    told = json.loads(known("explain", face, "--json").out)
    assert (told["face_id"], told["person_id"], told["confirmed"], told["reason"]) == (face, 1, True, None)
    assert (told["join_distance"], told["map"]) == (JOIN, None)
    assert told["distance"] == told["people"][0]["distance"] == pytest.approx(0, abs=1e-3)
    assert [near["person_id"] for near in told["people"]] == [1, 2]
    assert told["people"][1]["against"] == ["far", "same photo"]
    assert [c["person_id"] for c in told["confirmed_faces"]] == [1, 1, 1]
    assert told["quality"]["may_form"] is True
    assert told["gate"] == {"min_score": 0.95, "min_size": 32, "min_sharpness": 15.0}
    assert Path(told["paths"][0]).is_file()


def test_a_map_takes_nobodys_place(known: Run, tmp_path: Path) -> None:
    """What is wrong with the file is said before networks are loaded, which this test has none of."""
    (tmp_path / "mine.png").write_bytes(b"mine")
    for name, why in (
        ("mine.png", "is there already"),
        ("map.jpg", "call it map.png"),
        ("none/a.png", "no folder"),
    ):
        ran = known("explain", face_of(known, 1), "--map", tmp_path / name)
        assert (ran.code, ran.out) == (1, "")
        assert why in ran.err
    assert (tmp_path / "mine.png").read_bytes() == b"mine"


def test_without_a_map_nothing_heavy_is_loaded(process: Run, real_library: Path) -> None:
    ran = process("explain", 1, "--db", real_library, program=(sys.executable, "-c", LOADED))
    assert ran.err == ""
    text, _, loaded = ran.out.partition("loaded: ")
    assert text.startswith("Face 1 is ")
    assert not {"torch", "openvino", "hdbscan", "sklearn", "scipy", "cv2"} & set(loaded.split())


def test_the_map_of_a_real_match_is_on_the_face(
    run: Run, real_library: Path, real_weights: Path, tmp_path: Path
) -> None:
    with Store(real_library) as store:
        owned = store.people.owned()
        face = int(owned[0, 0])
        before = store.people.assignments()
    ran = run("explain", face, "--map", tmp_path / "map.png", "--db", real_library)
    assert (ran.code, ran.err) == (0, "")
    assert f"{tmp_path / 'map.png'} shows what carries the match with Person " in ran.out
    with Image.open(tmp_path / "map.png") as picture:
        pixels = np.asarray(picture.convert("RGB"), int)
    height, width = pixels.shape[:2]
    assert max(height, (width - 8) // 2) == 448
    heat = np.ptp(pixels[:, -((width - 8) // 2) :], axis=2)  # the face is grey there, heat is not
    side = heat.shape[1]
    inner = heat[height // 5 : -height // 5, side // 5 : -side // 5]
    assert heat.max() > 60
    assert inner.mean() > 3 * (heat.sum() - inner.sum()) / (heat.size - inner.size), "mostly on the face"
    told = json.loads(run("explain", face, "--map", tmp_path / "again.png", "--json", "--db", real_library).out)
    assert told["map"]["file"] == str(tmp_path / "again.png")
    assert told["map"]["distance"] == pytest.approx(told["distance"], abs=1e-4)
    assert 0.02 < told["map"]["strongest"] < 2
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "map.png").read_bytes()
    with Store(real_library) as store:
        assert store.people.assignments() == before
