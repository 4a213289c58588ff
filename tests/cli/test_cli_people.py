"""``facecluster people`` and its commands: what they print, ask and write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from facecluster.cli import corrections
from facecluster.store import Store
from tests.cli.conftest import Run


@pytest.fixture
def known(run: Run, family: Path) -> Run:
    """Person 001 is blue, in four photos; person 002 red, in three."""
    assert run("cluster", "--min-size", 3).code == 0
    return run


def faces_of(run: Run, person: str) -> list[int]:
    shown = json.loads(run("people", "show", person, "--json").out)
    return sorted(face["face_id"] for face in shown["face_list"])


def test_people_are_listed(known: Run) -> None:
    lines = [line.split() for line in known("people").out.splitlines()]
    assert ["1", "Person", "001", "4", "0", "4", "–"] in lines
    assert ["2", "Person", "002", "3", "0", "3", "–"] in lines
    assert "… and 1 more person" in known("people", "--limit", 1).out
    listed = json.loads(known("people", "--json").out)
    assert [(person["id"], person["name"], person["faces"]) for person in listed] == [(1, None, 4), (2, None, 3)]


def test_show_lists_faces_and_their_photos(known: Run, tmp_path: Path) -> None:
    out = known("people", "show", "2").out
    assert str(tmp_path / "photos" / "0.png") in out
    assert "… and 2 more faces" in known("people", "show", "2", "--limit", 1).out
    assert len(faces_of(known, "2")) == 3


def test_names_are_final(known: Run) -> None:
    assert known("people", "name", 1, "Blue").out == "Person 001 is Blue: 4 faces.\n"
    known("cluster", "--anew")
    assert [person["name"] for person in json.loads(known("people", "--json").out)] == ["Blue", None]
    assert "Blue" not in known("people", "--unnamed").out
    assert known("people", "name", "blue", "--clear").out.startswith("Person 001 has no name any more")
    assert known("people", "name", 1).code == 1
    assert "Give a name, or --clear" in known("people", "name", 1).err


@pytest.mark.parametrize("answer", [True, False])
def test_two_of_one_name_can_be_merged(known: Run, answer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(typer, "confirm", lambda question, **_: asked.append(question) or answer)  # type: ignore[func-returns-value]
    known("people", "name", 1, "Anna")
    ran = known("people", "name", 2, "anna")
    assert asked == ["Person 001 is called Anna, too. Merge the two?"]
    assert len(json.loads(known("people", "--json").out)) == (1 if answer else 2)
    assert ran.code == (0 if answer else 1)
    assert ("merged into Anna: 3 faces" in ran.out) is answer


def test_merge_split_and_undo(known: Run) -> None:
    assert known("people", "merge", 1, 2).out == "Person 002 merged into Person 001: 3 faces.\n"
    assert len(faces_of(known, "1")) == 7
    assert known("people", "undo").out == "Undone: Person 002 merged into Person 001 (3 faces).\n"
    assert len(faces_of(known, "1")) == 4
    assert known("people", "redo").out == "Done again: Person 002 merged into Person 001 (3 faces).\n"
    assert "Person 001 split, 1 more: 3 faces." in known("people", "split", 1).out
    assert known("people", "redo").out == "Nothing to redo.\n"
    for _ in range(2):
        known("people", "undo")
    assert known("people", "undo").out == "Nothing to undo.\n"


def test_faces_are_moved_rejected_and_confirmed(known: Run, tmp_path: Path) -> None:
    one, two, *_ = faces_of(known, "1")
    assert known("people", "move", one, "--to", 2).out == "Faces moved to Person 002: 1 face.\n"
    assert known("people", "reject", two, "--from", 1).out == "Faces rejected from Person 001: 1 face.\n"
    assert known("people", "confirm", 1).out == "Person 001 confirmed: 2 faces.\n"
    known("cluster")
    assert one in faces_of(known, "2")
    assert two not in faces_of(known, "1")
    assert known("people", "split", 2, "--faces", one).code == 0
    assert one not in faces_of(known, "2")


def test_a_dry_run_writes_nothing(known: Run, tmp_path: Path) -> None:
    with Store(tmp_path / "library.db") as store:
        before = store.people.all(), store.people.assignments()
        face = str(faces_of(known, "1")[0])
        for command in (
            ("name", 1, "Anna"),
            ("merge", 1, 2),
            ("split", 1, "--faces", face),
            ("move", face, "--to", 2),
            ("confirm", 1),
            ("reject", face, "--from", 1),
            ("ignore", 1),
            ("unignore", 1),
            ("born", 1, "2001-02-03"),
        ):
            assert "Nothing was written." in known("people", *command, "--dry-run").out, command
            assert (store.people.all(), store.people.assignments()) == before
    assert known("people", "history").out == "No changes yet.\n"


def test_ignored_people_are_in_no_list_and_no_album(known: Run, tmp_path: Path) -> None:
    assert known("people", "ignore", "--unnamed-below", 4).out == "Person 002 ignored: 3 faces.\n"
    assert "Person 002" not in known("people").out
    assert "Person 002 (ignored)" in known("people", "--all").out
    known("export", tmp_path / "albums")
    assert {path.name for path in (tmp_path / "albums").iterdir() if path.is_dir()} >= {"Person 001"}
    assert not (tmp_path / "albums" / "Person 002").exists()
    assert known("people", "unignore", 2).out == "Person 002 shown again: 3 faces.\n"
    assert "Person 002" in known("people").out


def test_births_and_history(known: Run) -> None:
    assert known("people", "born", 1, "2001-02-03").out == "Person 001 was born on 2001-02-03: 4 faces.\n"
    assert "is no date" in known("people", "born", 1, "yesterday").err
    known("people", "name", 1, "Anna")
    known("people", "undo")
    lines = known("people", "history").out.splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == [
        "Person 001 was born on 2001-02-03",
        "Person 001 is Anna  (undone)",
    ]
    assert len(json.loads(known("people", "history", "--json").out)) == 2
    assert "forget it" in known("people", "born", 1).err
    assert known("people", "born", 1, "--clear").code == 0


def test_many_faces_are_asked_about(known: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "MANY", 2)
    asked: list[str] = []

    def refuse(question: str, abort: bool) -> None:
        asked.append(question)
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", refuse)
    assert known("people", "merge", 1, 2).code == 1
    assert asked == ["Person 002 merged into Person 001: 3 faces. Go on?"]
    assert len(json.loads(known("people", "--json").out)) == 2
    file = tmp_path / "people.json"
    known("people", "name", 1, "Anna")
    known("people", "export", file)
    assert known("people", "import", file).code == 1
    assert "1 people taken over" in asked[1]
    assert known("people", "import", file, "--yes").code == 0
    assert known("people", "merge", 1, 2, "--yes").code == 0


def test_people_go_to_another_database(known: Run, tmp_path: Path) -> None:
    known("people", "name", 1, "Bl\u00fce")
    file = tmp_path / "people.json"
    assert known("people", "export", file).out == f"1 person written to {file}.\n"
    assert "choose another file" in known("people", "export", file).err
    other = tmp_path / "other.db"
    known("scan", tmp_path / "photos", "--db", other)
    assert "Nothing was written." in known("people", "import", file, "--db", other, "--dry-run").out
    assert "taken over" in known("people", "import", file, "--db", other).out
    assert [p["name"] for p in json.loads(known("people", "--json", "--db", other).out)] == ["Bl\u00fce"]
    assert "cannot be read" in known("people", "import", tmp_path / "none.json").err


def test_nobody_and_nothing(run: Run, family: Path) -> None:
    assert run("people").out == "Nobody yet: run `facecluster cluster` first.\n"
    assert "There is no person 'Bob'" in run("people", "show", "Bob").err
