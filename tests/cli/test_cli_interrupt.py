"""Scans by the real networks that are stopped or killed in the middle, and go on."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecluster.machine import cores
from facecluster.pipeline.library import MAX_WORKERS
from facecluster.pipeline.scan import CHUNK
from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

PHOTOS = 120
IN_FLIGHT = CHUNK * (min(MAX_WORKERS, cores()) + 1)
NOTING = """
import sys
from facecluster import photos
from facecluster.cli import main

log, read_file = open(sys.argv.pop(1), "a"), photos.read_file

def noted(path):
    print(path, file=log, flush=True)
    return read_file(path)

photos.read_file = noted
main()
"""


class Scanning:
    """A scan in a process of its own that notes which files it reads."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.database, self.log = folder, folder.parent / "library.db", folder.parent / "read.txt"
        command = [sys.executable, "-c", NOTING, str(self.log), "scan", str(folder), "--db", str(self.database)]
        self.run = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def kept(self) -> int:
        """Photos in the database."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM photos").fetchone()[0])

    def wait_for_the_first(self) -> None:
        """Return as soon as something is in the database."""
        for _ in range(3000):
            assert self.run.poll() is None, self.run.communicate()
            try:
                if self.kept():
                    return
            except sqlite3.Error:
                pass  # there is no table yet
            time.sleep(0.03)
        raise AssertionError("nothing was scanned within 90 seconds")


@pytest.fixture
def scanning(tmp_path: Path, environment: dict[str, str]) -> Iterator[Scanning]:
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for i in range(PHOTOS):
        Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).resize((640, 480)).save(
            tmp_path / "photos" / f"{i:03d}.jpg"
        )
    started = Scanning(tmp_path / "photos", environment)
    yield started
    started.run.kill()
    started.run.communicate()


def test_ctrl_c_keeps_what_is_done_and_the_next_scan_goes_on(scanning: Scanning, process: Run) -> None:
    scanning.wait_for_the_first()
    scanning.run.send_signal(signal.SIGINT)
    out, err = scanning.run.communicate(timeout=60)
    kept = scanning.kept()
    assert scanning.run.returncode == 130
    assert 0 < kept < PHOTOS
    assert f"{kept} new photos" in out
    assert "the next scan goes on here" in out
    assert err.count("\n") == 1
    assert err.startswith("Stopping")
    ran = process("scan", scanning.folder, "--db", scanning.database, "--json")
    assert (ran.code, ran.err) == (0, "")
    result = json.loads(ran.out)
    assert (result["photos"], result["unchanged"]) == (PHOTOS - kept, kept)


def test_a_second_ctrl_c_stops_at_once_and_loses_nothing(scanning: Scanning, process: Run) -> None:
    scanning.wait_for_the_first()
    scanning.run.send_signal(signal.SIGINT)
    assert scanning.run.stderr is not None
    assert "Stopping" in scanning.run.stderr.readline()
    kept, began = scanning.kept(), time.monotonic()
    scanning.run.send_signal(signal.SIGINT)
    _, err = scanning.run.communicate(timeout=60)
    assert time.monotonic() - began < 2
    assert scanning.run.returncode == -signal.SIGINT
    assert err == ""
    assert scanning.kept() >= kept
    assert process("scan", scanning.folder, "--db", scanning.database).code == 0
    assert scanning.kept() == PHOTOS


def test_after_a_kill_only_the_photos_in_flight_are_read_again(
    scanning: Scanning, process: Run, tmp_path: Path
) -> None:
    scanning.wait_for_the_first()
    scanning.run.kill()
    scanning.run.communicate()
    first, kept = scanning.log.read_text().splitlines(), scanning.kept()
    assert 0 < kept < PHOTOS
    scanning.log.unlink()
    noting = (sys.executable, "-c", NOTING, str(scanning.log))
    ran = process("scan", scanning.folder, "--db", scanning.database, "--json", program=noting)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["photos"] == PHOTOS - kept
    second = scanning.log.read_text().splitlines()
    assert len(second) == PHOTOS - kept
    assert len(set(first) & set(second)) <= IN_FLIGHT
    assert scanning.kept() == PHOTOS
