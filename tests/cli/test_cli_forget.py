"""``facecluster forget`` and ``facecluster purge``: what they print, ask and remove."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from facecluster.nets.install import install
from facecluster.store import Store
from tests.cli.conftest import Run
from tests.trained_fakes import a_card, some_arrays


@pytest.fixture
def known(run: Run, family: Path) -> Run:
    """Person 001 is blue, in four photos, and called Blue; person 002 red, in three."""
    assert run("cluster", "--min-size", 3).code == 0
    assert run("people", "name", 1, "Blue [b]").code == 0
    return run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with a kilobyte of weights."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("FACECLUSTER_CACHE", str(folder))
    folder.mkdir()
    (folder / "facenet.safetensors").write_bytes(b"0" * 1000)
    return folder


def answer(monkeypatch: pytest.MonkeyPatch, yes: bool) -> list[str]:
    """Answer every question so; the questions are returned as they come."""
    asked: list[str] = []

    def confirm(question: str, **_: bool) -> None:
        asked.append(question)
        if not yes:
            raise typer.Abort

    monkeypatch.setattr(typer, "confirm", confirm)
    return asked


def names(run: Run) -> list[str]:
    return [person["title"] for person in json.loads(run("people", "--json").out)]


def test_forgetting_says_what_goes_and_what_stays(known: Run, tmp_path: Path) -> None:
    known("people", "born", 1, "2001-02-03")
    assert known("export", tmp_path / "albums").code == 0
    out = known("forget", "blue [B]", "--yes").out
    assert out.splitlines() == [
        "Blue [b] is forgotten; gone for good:",
        "  4 faces in 4 photos; the photos stay",
        "  4 chips, 4 embeddings",
        "  the name Blue [b]",
        "  the birth date 2001-02-03",
        "  the journal of what you changed (2 changes): nothing can be undone",
        "Albums exported earlier still show Blue [b] until the next `facecluster export` there.",
        "New photos of the same person would form a new person: nothing is kept to know the face by.",
    ]
    assert names(known) == ["Person 002"]
    assert known("people", "undo").out == "Nothing to undo.\n"
    assert known("people", "history").out == "No changes yet.\n"
    assert (tmp_path / "albums" / "Blue [b]").is_dir()
    assert known("export", tmp_path / "albums").code == 0
    assert not (tmp_path / "albums" / "Blue [b]").exists()
    assert b"Blue [b]" not in b"".join(path.read_bytes() for path in tmp_path.glob("library.db*"))


def test_forgotten_faces_do_not_come_back(known: Run, family: Path, tmp_path: Path) -> None:
    known("forget", 1, "--yes")
    with Store(tmp_path / "library.db") as store:
        store.db.execute("DELETE FROM photos")
    assert known("scan", family).code == 0
    with Store(tmp_path / "library.db") as store:
        assert len(store.photos.all()) == 4
        assert sorted(face.face.box.x0 for face in store.faces.all()) == [20, 20, 20, 100]  # red and green
    known("cluster", "--min-size", 3)
    assert names(known) == ["Person 003"]


def test_a_dry_run_or_a_no_forgets_nobody(known: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, yes=False)
    out = known("forget", 1, "--dry-run").out
    assert out.startswith("Blue [b] would be forgotten; this would go for good:\n  4 faces in 4 photos")
    assert out.endswith("Nothing was written.\n")
    assert asked == []
    assert known("forget", 1).code == 1
    assert asked == ["Remove Blue [b], 4 faces in 4 photos and your journal (1 change) for good?"]
    assert names(known) == ["Blue [b]", "Person 002"]
    assert known("people", "undo").out.startswith("Undone")
    answer(monkeypatch, yes=True)
    assert known("forget", 2).code == 0
    assert names(known) == ["Person 001"]


def test_json_is_all_that_is_printed(known: Run) -> None:
    expected = {"id": 1, "title": "Blue [b]", "name": "Blue [b]", "born": None, "changes": 1}
    expected |= dict.fromkeys(("faces", "chips", "embeddings", "photos"), 4)
    assert json.loads(known("forget", 1, "--dry-run", "--json").out) == expected
    assert json.loads(known("forget", 1, "--yes", "--json").out) == expected


def test_nobody_cannot_be_forgotten(known: Run, tmp_path: Path) -> None:
    ran = known("forget", "Nobody", "--yes")
    assert (ran.code, ran.out) == (1, "")
    assert "There is no person 'Nobody'" in ran.err
    assert "There is no library" in known("forget", 1, "--db", tmp_path / "none.db").err


def test_purge_removes_database_and_cache(known: Run, family: Path, cache: Path, tmp_path: Path) -> None:
    photos = {path: path.read_bytes() for path in family.iterdir()}
    database = tmp_path / "library.db"
    size = sum(path.stat().st_size for path in tmp_path.glob("library.db*")) + 1000
    out = known("purge", "--yes").out
    assert out.splitlines() == [
        str(database),
        f"{database}.lock",
        f"{cache}: 1 file of weights and networks",
        f"Together {size / 1e6:,.1f} MB ({size:,} bytes). Photos and albums are not touched.",
        f"Removed 3 files, {size / 1e6:,.1f} MB ({size:,} bytes).",
    ]
    assert not list(tmp_path.glob("library.db*"))
    assert not cache.exists()
    assert {path: path.read_bytes() for path in family.iterdir()} == photos
    assert "There is no database at" in known("purge", "--yes").err


def test_purge_asks_first(known: Run, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, yes=False)
    assert known("purge", "--dry-run").out.endswith("Nothing was removed.\n")
    assert asked == []
    assert known("purge").code == 1
    assert asked == ["Remove all this for good?"]
    assert (tmp_path / "library.db").exists()
    assert (cache / "facenet.safetensors").exists()
    assert str(cache) not in known("purge", "--keep-cache", "--yes").out
    assert not (tmp_path / "library.db").exists()
    assert (cache / "facenet.safetensors").exists()


def test_purge_names_how_much_is_left_in_the_cache(known: Run, cache: Path) -> None:
    (cache / "mine.txt").write_text("mine")
    out = known("purge", "--yes").out
    assert "The folder stays, with 1 other thing in it that facecluster did not make." in out
    assert [path.name for path in cache.iterdir()] == ["mine.txt"]


def test_purge_tells_of_own_models_that_stay(known: Run, cache: Path, own_models: Path) -> None:
    install(some_arrays(), a_card())
    stays = f"1 model of your own in {own_models} will stay; --models removes them, too."
    assert stays in known("purge", "--dry-run").out
    out = known("purge", "--models", "--yes").out
    assert stays not in out
    assert str(own_models / "family.safetensors") in out.splitlines()
    assert "Removed 4 files" in out
    assert not own_models.exists()
