"""``facecluster export``."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from facecluster.store import Store
from tests.cli.conftest import Run


@pytest.fixture
def clustered(run: Run, family: Path) -> Path:
    assert run("cluster").code == 0
    return family


def test_albums_are_written_and_kept_in_step(run: Run, clustered: Path, tmp_path: Path) -> None:
    albums = tmp_path / "albums"
    ran = run("export", albums)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"2 albums in {albums}",
        "7 files added, 0 removed, 0 unchanged.",
        f"Look at them: {albums / 'index.html'}",
    ]
    assert (albums / "Person 001" / "0.png").resolve() == clustered / "0.png"
    assert "0 files added, 0 removed, 7 unchanged." in run("export", albums).out


def test_one_person_with_copies_and_crops(run: Run, clustered: Path, tmp_path: Path) -> None:
    ran = run("export", tmp_path / "blue", "--person", "Person 002", "--mode", "copy", "--crops")
    assert f"1 album in {tmp_path / 'blue'}" in ran.out
    assert [path.name for path in (tmp_path / "blue").glob("Person*")] == ["Person 002"]
    assert not (tmp_path / "blue" / "Person 002" / "0.png").is_symlink()
    assert len(list((tmp_path / "blue" / "Person 002" / "faces").iterdir())) == 3


def test_a_dry_run_writes_nothing(run: Run, clustered: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    ran = run("export", tmp_path / "albums", "--dry-run")
    assert "+ Person 001/0.png" in ran.out.splitlines()
    assert ran.out.splitlines()[-2:] == ["Would add 7 files, remove 0, keep 0.", "Nothing was written."]
    assert sorted(tmp_path.rglob("*")) == before


def test_json_of_a_plan_is_short_and_names_every_link(run: Run, clustered: Path, tmp_path: Path) -> None:
    ran = run("export", tmp_path / "albums", "--dry-run", "--json")
    plan = json.loads(ran.out)
    assert ran.err == ""
    assert {"path": "Person 001/0.png", "photo": str(clustered / "0.png")} in plan["add"]
    assert len(plan["add"]) == 7
    assert [(person["title"], person["photos"]) for person in plan["people"]] == [
        ("Person 001", 4),
        ("Person 002", 3),
    ]
    assert len(ran.out) < 5000, "the crops of the faces are not for reading"


def test_json_of_an_export_is_all_that_is_printed(run: Run, clustered: Path, tmp_path: Path) -> None:
    ran = run("export", tmp_path / "albums", "--json")
    assert len(json.loads(ran.out)["added"]) == 7
    assert ran.err == ""


def test_min_size_counts_photos(run: Run, clustered: Path, tmp_path: Path) -> None:
    assert "1 album in" in run("export", tmp_path / "albums", "--min-size", 4).out


def test_an_unknown_person_is_a_sentence(run: Run, clustered: Path, tmp_path: Path) -> None:
    ran = run("export", tmp_path / "albums", "--person", "Bob")
    assert (ran.code, ran.out) == (1, "")
    assert "'Bob'" in ran.err
    assert "`facecluster people` lists them" in ran.err
    assert not (tmp_path / "albums").exists()


def test_the_photos_own_folder_is_refused(run: Run, clustered: Path) -> None:
    ran = run("export", clustered)
    assert ran.code == 1
    assert str(clustered) in ran.err
    assert sorted(path.name for path in clustered.iterdir()) == ["0.png", "1.png", "2.png", "3.png"]


def test_changed_files_are_left_and_named(run: Run, clustered: Path, tmp_path: Path) -> None:
    albums = tmp_path / "albums"
    run("export", albums, "--mode", "copy")
    (albums / "Person 001" / "0.png").write_bytes(b"painted over")
    ran = run("export", albums, "--mode", "copy")
    assert "Person 001/0.png was left: it was changed since it was exported." in ran.out
    assert (albums / "Person 001" / "0.png").read_bytes() == b"painted over"


@pytest.mark.parametrize("mode", ["copy", "hardlink"])
def test_photos_overwritten_since_the_scan_are_named(run: Run, clustered: Path, tmp_path: Path, mode: str) -> None:
    (clustered / "3.png").write_bytes((clustered / "2.png").read_bytes())
    ran = run("export", tmp_path / "albums", "--mode", mode)
    assert ran.code == 1
    assert "Person 001/3.png failed: it changed since the scan; scan again." in ran.out
    assert not (tmp_path / "albums/Person 001/3.png").exists()


def test_vanished_photos_are_counted(run: Run, clustered: Path, tmp_path: Path) -> None:
    (clustered / "3.png").unlink()
    assert "1 photo is not there any more and got no link." in run("export", tmp_path / "albums").out
    (clustered / "2.png").unlink()
    assert "2 photos are not there any more" in run("export", tmp_path / "more").out


def test_before_the_first_cluster_it_says_what_to_do(run: Run, family: Path, tmp_path: Path) -> None:
    for more in ((), ("--dry-run",), ("--person", "Bob")):
        ran = run("export", tmp_path / "albums", *more)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.strip() == "Nobody to show yet: run `facecluster cluster` first."
    assert not (tmp_path / "albums").exists()


def test_albums_of_people_who_are_gone_are_emptied(run: Run, clustered: Path, tmp_path: Path) -> None:
    albums = tmp_path / "albums"
    run("export", albums)
    forget_people(tmp_path)
    assert "0 files added, 7 removed, 0 unchanged." in run("export", albums).out
    assert list(albums.glob("Person*")) == []


def forget_people(tmp_path: Path) -> None:
    with Store(tmp_path / "library.db") as store, store.transaction():
        store.people.replace_auto([], [])


def name(tmp_path: Path, person: int, text: str) -> None:
    with closing(sqlite3.connect(tmp_path / "library.db")) as db, db:
        db.execute("UPDATE people SET name = ? WHERE id = ?", [text, person])


@pytest.mark.parametrize("words", ["2", "Person 002", "Ann"])
def test_a_person_is_found_by_number_title_or_name(run: Run, clustered: Path, tmp_path: Path, words: str) -> None:
    name(tmp_path, 2, "Ann")
    assert run("export", tmp_path / "albums", "--person", words).code == 0
    assert [path.name for path in (tmp_path / "albums").iterdir() if path.is_dir()] == ["Ann"]


def test_words_that_may_be_two_people_are_refused(run: Run, clustered: Path, tmp_path: Path) -> None:
    name(tmp_path, 1, "2")
    ran = run("export", tmp_path / "albums", "--person", "2")
    assert ran.code == 1
    assert "'2' may be Person 001 or Person 002" in ran.err
    assert not (tmp_path / "albums").exists()
    assert run("export", tmp_path / "albums", "--person", "Person 002").code == 0


def test_a_name_that_is_no_text_is_shown_and_exported(run: Run, clustered: Path, tmp_path: Path) -> None:
    odd = os.fsencode(clustered) + b"/[i]\xff\n.png"
    (clustered / "0.png").rename(os.fsdecode(odd))
    run("scan", clustered)
    ran = run("export", tmp_path / "albums", "--dry-run")
    assert ran.code == 0
    assert "[i]" in ran.out
    assert json.loads(run("export", tmp_path / "albums", "--dry-run", "--json").out)["add"]
