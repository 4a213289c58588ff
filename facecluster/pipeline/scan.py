"""Scan: bring the library up to date with the files on disk, reading only what is new."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from facecluster import photos
from facecluster.pipeline.ledger import Ledger, ScanResult
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.pipeline.stopwatch import Stopwatch
from facecluster.records import FileEntry
from facecluster.store import Store

__all__ = ["CHUNK", "Progress", "Read", "Scan", "ScanResult"]

CHUNK = 16
"""Files that a worker takes at a time, and that are committed together; fewer towards the end."""

LARGE = 500_000
"""Bytes from which on a file is large: fewer of them are taken at a time."""

Read = Callable[[Sequence[FileEntry], Claims], list[Outcome]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is: files done of all that had to be read, and faces found so far."""

    done: int
    total: int
    faces: int


@dataclass(frozen=True, slots=True)
class Scan:
    """One run over some folders; ``run`` does it all, and must be the only one in its library.

    ``reader`` loads the networks, once there is something to read, and returns what turns files into outcomes,
    to be called in ``workers`` threads at once. ``searched_with`` names the detector's options, ``model`` the
    fingerprint of the embeddings. ``watch`` is told how long each stage takes, and the result tells it.
    """

    store: Store
    reader: Callable[[], Read]
    model: str
    searched_with: str
    workers: int = 1
    on_progress: Callable[[Progress], None] = lambda progress: None
    stop: threading.Event = field(default_factory=threading.Event)
    watch: Stopwatch = field(default_factory=Stopwatch)

    def run(self, roots: Sequence[Path]) -> ScanResult:
        """Scan ``roots``. Raises ``UsageError`` when one does not exist.

        Chunks of files are committed as they complete: after a run that was killed, the next one repeats at most
        ``CHUNK * (workers + 1)`` files. When ``stop`` is set, the chunks that were begun are finished and kept,
        and ``result.stopped`` is True.
        """
        started = time.monotonic()
        with self.watch.time("walk"):
            ledger = Ledger(self.store, self.model, self.searched_with)
            result = ledger.result
            todo = self._meet(roots, ledger)
        if not result.stopped:
            result.stopped = self._read_all(todo, ledger) < len(todo)
            with self.watch.time("store"):
                ledger.settle(roots, complete=not result.stopped)
        result.seconds, result.workers = time.monotonic() - started, self.workers
        result.profile = self.watch.seconds
        return result

    def _meet(self, roots: Sequence[Path], ledger: Ledger) -> list[FileEntry]:
        """Walk; returns the files that have to be read."""
        result, todo = ledger.result, []
        for entry in photos.walk(roots, lambda path, why: result.folders.append((path, why))):
            if self.stop.is_set():
                result.stopped = True
                break
            if ledger.meet(entry):
                todo.append(entry)
        return todo

    def _read_all(self, todo: list[FileEntry], ledger: Ledger) -> int:
        """How many files were read and kept."""
        done = 0
        self.on_progress(Progress(0, len(todo), 0))
        with closing(self._outcomes(todo)) as chunks:
            for outcomes in chunks:
                with self.watch.time("store"):
                    ledger.keep(outcomes)
                done += len(outcomes)
                self.on_progress(Progress(done, len(todo), ledger.result.faces))
        return done

    def _outcomes(self, todo: list[FileEntry]) -> Generator[list[Outcome]]:
        """Outcomes by chunk, as they complete, with one chunk more under way than there are workers."""
        if not todo or self.stop.is_set():
            return
        with self.watch.time("load"):
            read, claims = self.reader(), Claims(self.store.photos.contents())
        started = time.perf_counter()

        def begin(chunk: Sequence[FileEntry]) -> list[Outcome]:
            """Read a chunk, or nothing after a stop."""
            return [] if self.stop.is_set() else read(chunk, claims)

        chunks = portions(todo, self.workers)
        pool = ThreadPoolExecutor(self.workers)
        try:
            running = {pool.submit(begin, chunk) for chunk in islice(chunks, self.workers + 1)}
            while running:
                completed, running = wait(running, return_when=FIRST_COMPLETED)
                for future in completed:
                    yield future.result()
                    running |= {pool.submit(begin, chunk) for chunk in islice(chunks, not self.stop.is_set())}
        finally:
            pool.shutdown(cancel_futures=True)
            self.watch.rest(self.workers, time.perf_counter() - started)


def portions(todo: Sequence[FileEntry], workers: int) -> Iterator[Sequence[FileEntry]]:
    """The files in order, up to ``CHUNK`` at a time, half as many where most are large, and ever fewer towards the
    end: nobody waits for the last."""
    at = 0
    while at < len(todo):
        size = min(CHUNK, max(1, (len(todo) - at) // (3 * workers)))
        if size > CHUNK // 2 and sum(entry.size >= LARGE for entry in todo[at : at + size]) > size // 2:
            size = CHUNK // 2
        yield todo[at : at + size]
        at += size
