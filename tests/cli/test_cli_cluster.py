"""``facecluster cluster``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from facecluster.cli.cluster import WHY_NOBODY, people_table
from facecluster.cli.console import out
from facecluster.people import Reason
from facecluster.pipeline.cluster import NOT_EMBEDDED, PersonSummary
from facecluster.store import Store
from tests.cli.conftest import Run


def people(database: Path) -> int:
    with Store(database) as store:
        return store.counts().people


def test_people_are_listed_and_the_rest_is_explained(run: Run, family: Path) -> None:
    ran = run("cluster", "--min-size", 3)
    assert (ran.code, ran.err) == (0, "")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["Person", "001", "4", "4", "–", "0.00"] in lines
    assert ["Person", "002", "3", "3", "–", "0.00"] in lines
    assert ran.out.splitlines()[-4:] == [
        "2 people with 7 of 8 faces.",
        "Nobody yet: 1 like no other face.",
        "Changed: 7 faces joined, 2 new people.",
        "Next: facecluster people name 1 NAME, or facecluster export albums/",
    ]
    assert "Changed: nothing." in run("cluster", "--min-size", 3).out


def test_a_dry_run_writes_nothing(run: Run, family: Path, tmp_path: Path) -> None:
    out = run("cluster", "--dry-run").out
    assert "Would change: 7 faces joined, 2 new people." in out
    assert "Nothing was written." in out
    assert people(tmp_path / "library.db") == 0
    run("cluster")
    assert people(tmp_path / "library.db") == 2


def test_options_reach_the_library(run: Run, family: Path) -> None:
    assert "1 person with 4 of 8 faces." in run("cluster", "--min-size", 4, "--dry-run").out
    assert "3 people with 8 of 8 faces." in run("cluster", "--min-size", 1, "--dry-run").out
    assert "3 people" in run("cluster", "--algorithm", "kmeans", "--k", 3, "--min-size", 1, "--dry-run").out
    wide = run("cluster", "--join-distance", 4, "--min-size", 1, "--dry-run").out
    assert "3 people" not in wide


def test_limit_shortens_the_table_only(run: Run, family: Path) -> None:
    out = run("cluster", "--limit", 1).out
    assert "Person 001" in out
    assert "Person 002" not in out
    assert "… and 1 more person; see --limit." in out
    assert "2 people with" in out


def test_json_is_all_that_is_printed(run: Run, family: Path) -> None:
    ran = run("cluster", "--json")
    result = json.loads(ran.out)
    assert ran.err == ""
    assert [(person["title"], person["faces"]) for person in result["people"]] == [
        ("Person 001", 4),
        ("Person 002", 3),
    ]
    assert result["nobody"] == {"alone": 1}


def test_a_library_without_faces_is_no_error(
    run: Run, fake_nets: None, tmp_path: Path, paint: Callable[..., Path]
) -> None:
    paint(tmp_path / "photos" / "landscape.png")
    run("scan", tmp_path / "photos")
    ran = run("cluster")
    assert ran.code == 0
    assert ran.out.splitlines() == ["0 people with 0 of 0 faces.", "Changed: nothing."]


def test_the_table_fits_80_columns_whatever_the_names(run: Run, capsys: object) -> None:
    person = PersonSummary(12345, "[red]Maria\n" + "von und zu " * 10, 1_234_567, 1_234_567, (1999, 2025), 1.234)
    with out.capture() as captured:
        out.print(people_table([person]), width=80)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if "Maria" in line)
    assert row.startswith(r" [red]Maria\nvon und zu"[0:5]) or "[red]Maria\\nvon" in row
    assert "1999–2025" in row
    assert "1,234,567" in row


def test_every_reason_has_words() -> None:
    assert set(WHY_NOBODY) == {*Reason, NOT_EMBEDDED}


def test_faces_without_embeddings_name_the_command_that_makes_them(run: Run, family: Path, tmp_path: Path) -> None:
    with Store(tmp_path / "library.db") as store:
        store.db.execute("DELETE FROM embeddings WHERE face_id = 1")
    lines = run("cluster", "--dry-run").out.splitlines()
    assert any(line.startswith("Nobody yet:") and "1 not embedded" in line for line in lines)
    assert "1 face not embedded; run `facecluster migrate --model facenet`." in lines
