"""One writer at a time: a lock that lasts as long as a scan, which no transaction does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facecluster.errors import StoreError, UsageError

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at ``path``, which is made when needed and stays: removing it would be a race.

    The lock ends with the process, however that ends. Windows, and disks that know no locks, go without.
    Raises ``UsageError`` when another process or another ``Store`` holds it, ``StoreError`` when the file cannot
    be made.
    """
    try:
        file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreError(f"The lock file {path} cannot be made ({error.strerror or error}).") from error
    try:
        _lock(file)
        yield
    finally:
        os.close(file)


def _lock(file: int) -> None:
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError("Another facecluster is working on this library; wait for it to end.") from error
        except OSError:
            pass  # some network disks have no locks
