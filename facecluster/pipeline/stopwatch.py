"""Where the time of a scan goes: seconds by stage, summed over the threads that work on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

WORK = ("read", "decode", "detect", "crop", "embed")
"""What workers do with files, in order. ``crop`` cuts and encodes chips, decoding larger for small faces."""

STAGES = ("walk", "load", *WORK, "store", "idle")
"""All stages: finding files and loading networks come first, one writer stores.

``idle`` is the workers' time that is left: they wait, for the others at the end above all. The first call of each
worker takes its part of loading.
"""


@dataclass(slots=True)
class Stopwatch:
    """Seconds of wall time by stage; any number of threads may use it at once."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def time(self, stage: str) -> Generator[None]:
        """Add the time that the block takes to ``stage``, one of ``STAGES``, whether it ends well or not."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - started)

    def timed(self, stage: str, function: Callable[P, R]) -> Callable[P, R]:
        """``function`` with its time added to ``stage``."""

        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            """Call it and note how long it took."""
            with self.time(stage):
                return function(*args, **kwargs)

        return call

    def add(self, stage: str, seconds: float) -> None:
        """Add ``seconds`` to ``stage``."""
        with self._lock:
            self.seconds[stage] += seconds

    def rest(self, workers: int, seconds: float) -> None:
        """Count as ``idle`` what ``workers`` threads did not work in the ``seconds`` that they had, each."""
        worked = sum(self.seconds[stage] for stage in WORK)
        self.add("idle", max(0.0, workers * seconds - worked))
