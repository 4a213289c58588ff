"""``facecluster find`` and ``verify``: what they print, and the real networks behind them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facecluster.demo import draw_library
from tests.cli.conftest import Run


def test_photos_of_people(run: Run, family: Path) -> None:
    run("cluster", "--min-size", "3")
    found = run("find", "--person", "1", "--with", "2")
    assert found.out.split() == [str(family / f"{i}.png") for i in range(3)]
    assert json.loads(run("find", "--person", "1", "--only", "--json").out) == {"photos": [], "missing": 0}
    assert run("find", "--person", "1", "--only").out == "No photo.\n"
    (family / "0.png").unlink()
    run("scan", family)
    assert "1 more photo is not there any more." in run("find", "--person", "1", "--with", "2").out


@pytest.mark.parametrize("wrong", [[], ["a.jpg", "--person", "1"], ["a.jpg", "--only"], ["a.jpg", "--with", "2"]])
def test_what_find_cannot_mean_is_a_sentence(run: Run, family: Path, wrong: list[str]) -> None:
    ended = run("find", *wrong)
    assert ended.code == 1
    assert "--person" in ended.err


def test_nobody_is_known_yet(run: Run, family: Path, real_weights: Path) -> None:
    assert "run `facecluster cluster` first" in run("find", family / "0.png").err


@pytest.mark.slow
def test_real_faces_are_recognised(process: Run, real_library: Path, tmp_path: Path) -> None:
    """The library's drawn people on photos that it has not seen, and one person that it does not know."""
    draw_library(tmp_path / "more", people=3, photos_per_person=6)
    files = sorted((tmp_path / "more").rglob("*.jpg"))
    ended = process("find", *files, "--db", real_library, "--json")
    assert (ended.code, ended.err) == (1, "")
    found = json.loads(ended.out)
    assert [photo["path"] for photo in found] == list(map(str, files))
    assert (
        len([photo["reason"] for photo in found if photo["reason"]]) == 1
    )  # a file of the drawn library is damaged
    persons = [face["person"] for photo in found for face in photo["faces"]]
    assert {"Person 001", "Person 002"} <= set(persons)
    shown = process("find", files[0], "no.jpg", "--db", real_library)
    assert shown.code == 1
    assert "no.jpg: the file is not there" in shown.out
    assert all(len(line) <= 80 for line in shown.out.splitlines() if "/" not in line)


@pytest.mark.slow
def test_real_faces_are_verified(process: Run, shared: Path) -> None:
    lfw = shared / "lfw"
    one, other = sorted((lfw / "George_W_Bush").glob("*.jpg"))[:2]
    same = process("verify", one, other)
    assert same.code == 0, same.err
    assert "The same person: the distance is " in same.out
    different = process("verify", one, next((lfw / "Aaron_Peirsol").glob("*.jpg")), "--json")
    assert different.code == 4
    result = json.loads(different.out)
    assert not result["same"]
    assert result["distance"] > result["threshold"]
