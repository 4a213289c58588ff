"""``facecluster demo``: the whole way with the real networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow


def test_the_demo_finds_the_people_it_drew(process: Run, tmp_path: Path) -> None:
    place = tmp_path / "my demo"
    ran = process("demo", place, "--people", 3)
    assert (ran.code, ran.err) == (0, "")
    assert "Drew 3 people" in ran.out
    assert "3 people with" in ran.out
    for command in ("scan", "cluster", "export", "status"):
        assert f"\n$ facecluster {command}" in ran.out
    assert f"$ export FACECLUSTER_DB='{place}/library.db'" in ran.out
    assert len(list((place / "albums").glob("Person */*"))) >= 25
    assert (place / "albums" / "index.html").is_file()
    again = process("demo", place)
    assert (again.code, again.out) == (1, "")
    assert "not empty" in again.err
    found = process("cluster", "--json", "--db", place / "library.db")
    assert len(json.loads(found.out)["people"]) == 3
