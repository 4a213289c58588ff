"""The stopwatch of a scan, and that a scan uses it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from facecluster.pipeline import Library, networks
from facecluster.pipeline.readers import read
from facecluster.pipeline.scan import Read, Scan
from facecluster.pipeline.stopwatch import STAGES, WORK, Stopwatch
from facecluster.store import Store
from tests.conftest import fake_detect, fake_embed


def fail() -> None:
    time.sleep(0.02)
    raise ValueError("no")


def test_time_adds_up_also_when_something_fails() -> None:
    watch = Stopwatch()
    assert list(watch.seconds) == list(STAGES)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"), watch.time("read"):
            fail()
    assert 0.04 <= watch.seconds["read"] < 1
    assert sum(watch.seconds.values()) == watch.seconds["read"]


def test_a_timed_function_is_the_function() -> None:
    watch = Stopwatch()
    add = watch.timed("embed", lambda a, b: a + b)
    assert add(1, b=2) == 3
    assert watch.seconds["embed"] > 0


class Slow(dict[str, float]):
    def __getitem__(self, stage: str) -> float:
        seconds = super().__getitem__(stage)
        time.sleep(0.001)  # another thread has its turn between reading and writing
        return seconds


def test_threads_may_share_it() -> None:
    watch = Stopwatch(Slow(dict.fromkeys(STAGES, 0.0)))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(watch.add, "crop"), [0.5] * 40))
    assert watch.seconds["crop"] == 20


def test_workers_idle_when_they_do_not_work() -> None:
    watch = Stopwatch()
    for stage in STAGES[:-1]:
        watch.add(stage, 1.0)
    watch.rest(2, 4.0)
    assert watch.seconds["idle"] == 8.0 - len(WORK)
    late = Stopwatch()
    late.add("embed", 3.0)  # clocks differ by a little: never less than nothing
    late.rest(1, 2.9)
    assert late.seconds["idle"] == 0


def test_a_scan_tells_how_long_each_stage_took(tmp_path: Path, paint: Callable[..., Path]) -> None:
    for i in range(3):
        paint(tmp_path / "photos" / f"{i}.png", "red", seed=i)
    watch = Stopwatch()

    def slow(images: object) -> object:
        time.sleep(0.05)
        return fake_detect(images)  # type: ignore[arg-type]

    work = partial(read, max_side=1000, detect=slow, embed=fake_embed, watch=watch)  # type: ignore[arg-type]
    with Store(tmp_path / "library.db") as store:
        with store.transaction():
            store.faces.add_model("mark", "fake", 128)
        result = Scan(store, lambda: work, "mark", "", workers=2, watch=watch).run([tmp_path / "photos"])
    assert result.profile is watch.seconds
    assert all(result.profile[stage] > 0 for stage in STAGES)
    assert result.profile["detect"] >= 0.05
    assert result.workers == 2


def test_a_librarys_scan_uses_one_watch_for_all_stages(
    tmp_path: Path, paint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reader(*args: object, watch: Stopwatch) -> Read:
        return partial(read, max_side=1000, detect=fake_detect, embed=fake_embed, watch=watch)

    monkeypatch.setattr(networks, "reader", reader)
    monkeypatch.setattr("facecluster.pipeline.opened.fingerprint", lambda name: "mark")
    paint(tmp_path / "photos" / "a.png", "red")
    with Library(tmp_path / "library.db") as library:
        profile = library.scan([tmp_path / "photos"]).profile
    assert all(profile[stage] > 0 for stage in STAGES)
