"""``facecluster status``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from facecluster.records import FileEntry
from facecluster.store import Store
from tests.cli.conftest import Run


def test_counts_are_shown(run: Run, family: Path, tmp_path: Path) -> None:
    run("cluster")
    (family / "0.png").unlink()
    run("scan", family)
    ran = run("status")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:4] == [
        "photos    3, and 1 missing",
        "faces     8, of which 7 belong to people",
        "people    2",
        "model     facenet",
    ]
    assert str(tmp_path / "library.db") in ran.out
    assert "could not be read" not in ran.out


def test_unreadable_files_are_listed_with_reasons(run: Run, family: Path) -> None:
    (family / "bad.jpg").write_bytes(b"no photo at all")
    (family / "empty.jpg").write_bytes(b"")
    run("scan", family)
    lines = run("status").out.splitlines()
    assert "2 files could not be read; each is tried again when it changes:" in lines
    at = lines.index(str(family / "bad.jpg"))
    assert "not a picture" in lines[at + 1]
    at = lines.index(str(family / "empty.jpg"))
    assert "empty" in lines[at + 1]
    lines = run("status", "--limit", 1).out.splitlines()
    assert "… and 1 more; see --limit." in lines
    assert str(family / "empty.jpg") not in lines


def test_names_cannot_write_on_the_terminal(run: Run, family: Path) -> None:
    names = [b"[bold red]x[.jpg", b"two\nlines.jpg", b"\x1b[2Jclear.jpg", b":smile:.jpg", b"\xff\xfe.jpg"]
    for name in names:
        with open(os.fsencode(family) + b"/" + name, "wb") as file:  # noqa: PTH123
            file.write(b"no photo")
    assert "5 files could not be read" in run("scan", family).out
    lines = run("status").out.splitlines()
    shown = ["[bold red]x[.jpg", r"two\nlines.jpg", r"\x1b[2Jclear.jpg", ":smile:.jpg", r"\udcff\udcfe.jpg"]
    assert {f"{family}/{name}" for name in shown} <= set(lines)
    paths = [file["path"] for file in json.loads(run("status", "--json").out)["unreadable"]]
    assert {os.fsencode(path) for path in paths} == {os.fsencode(family) + b"/" + name for name in names}


def test_json_has_everything(run: Run, family: Path, tmp_path: Path) -> None:
    ran = run("status", "--json")
    found = json.loads(ran.out)
    assert ran.err == ""
    assert found["database"] == str(tmp_path / "library.db")
    assert found["model"] == "facenet"
    assert (found["counts"]["photos"], found["counts"]["faces"]) == (4, 8)
    assert found["unreadable"] == []


def test_head_ends_a_long_list_quietly(process: Run, tmp_path: Path, paint: Callable[..., Path]) -> None:
    database = tmp_path / "long.db"
    with Store(database) as store, store.transaction():
        for i in range(5000):
            store.photos.add_unreadable(FileEntry(Path(f"/photos/{i}.jpg"), 1, 1), "the file is empty")
    for options in ("--limit 9999", "--json"):
        pipe = f"facecluster status {options} | head -n 1"
        ran = process(program=("bash", "-c", pipe), FACECLUSTER_DB=str(database))
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.count("\n") == 1
