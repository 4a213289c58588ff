"""Two ways to run the program: inside of the test with fake networks, and as a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

import facecluster
from facecluster.cli import console, main
from facecluster.demo import draw_library
from facecluster.pipeline import networks
from facecluster.pipeline.outcomes import Claims, Outcome, Seen
from facecluster.pipeline.readers import read
from facecluster.records import FileEntry
from tests.conftest import fake_detect, fake_embed

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Ran(NamedTuple):
    """How a run ended and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``facecluster`` in this process with a database of the test's own, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FACECLUSTER_DB", str(tmp_path / "library.db"))
    for printer in (console.out, console.err):
        monkeypatch.setattr(printer, "_width", 80)

    def run(*args: object, traceback: bool = False) -> Ran:
        monkeypatch.setattr(sys, "argv", ["facecluster", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ("Traceback" in printed.err) == traceback
        return Ran(int(ended.value.code or 0), ANSI.sub("", printed.out), ANSI.sub("", printed.err))

    return run


@pytest.fixture
def fake_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans see the coloured squares of ``paint`` as faces, and as sharp ones."""

    def work(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
        outcomes = read(entries, claims, 1000, fake_detect, fake_embed)
        return [replace(outcome, seen=tuple(map(_sharp, outcome.seen))) for outcome in outcomes]

    monkeypatch.setattr(networks, "reader", lambda *args, **kwargs: work)


def _sharp(seen: Seen) -> Seen:
    return replace(seen, face=replace(seen.face, sharpness=100.0))


@pytest.fixture
def family(tmp_path: Path, paint: Callable[..., Path], fake_nets: None, run: Run) -> Path:
    """A scanned folder: red is in three photos, blue in four, green in one."""
    photos = tmp_path / "photos"
    for i, people in enumerate((("red", "blue"), ("red", "blue"), ("red", "blue"), ("blue", "green"))):
        paint(photos / f"{i}.png", *people, seed=i)
    assert run("scan", photos).code == 0
    return photos


@pytest.fixture(scope="session")
def environment(weights_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a process of its own: 80 columns, a home that is empty, the weights of the tests."""
    home = tmp_path_factory.mktemp("home")
    scripts = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
        "PYTHONPATH": str(Path(facecluster.__file__).parents[1]),  # what is tested, wherever that is
        "HOME": str(home),
        "COLUMNS": "80",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "FACECLUSTER_CACHE": str(weights_cache),
        "FACECLUSTER_DB": str(home / "library.db"),
    }


@pytest.fixture
def process(environment: dict[str, str]) -> Run:
    """Run ``facecluster``, or ``program`` instead, as a process, with further variables."""

    def process(*args: object, program: Sequence[str] = ("facecluster",), **variables: str) -> Ran:
        done = subprocess.run(
            [*program, *map(str, args)],
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return process


@pytest.fixture(scope="session")
def scanned(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a drawn library, scanned by the real networks and clustered; its photos are gone."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_library(folder / "photos", people=2, photos_per_person=4)
    database = folder / "library.db"
    for command in (["scan", str(folder / "photos")], ["cluster", "--min-size", "2"]):
        subprocess.run(["facecluster", *command, "--db", str(database)], env=environment, check=True)
    shutil.rmtree(folder / "photos")
    return database


@pytest.fixture
def real_library(scanned: Path, tmp_path: Path) -> Path:
    """A copy of ``scanned`` that the test may change."""
    return Path(shutil.copy(scanned, tmp_path / "real.db"))
