"""Remove all that facecluster keeps on a machine: a library's database, and the cache that all libraries share."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from facecluster.errors import StoreError, UsageError
from facecluster.nets.cache import own_files
from facecluster.nets.weights import cache_folder
from facecluster.store import Store, is_library

BESIDE = ("-wal", "-shm", "", ".lock")
"""What the names of a database's files end in, in the order in which they go: one that was interrupted goes on."""


@dataclass(frozen=True, slots=True)
class Purge:
    """What was removed, or would be: ``size`` is bytes, ``cache`` None where it was to be kept.

    ``others`` is how many files and folders there are in the cache that are not facecluster's: they stay.
    """

    database: list[Path]
    cache: Path | None
    cached: list[Path]
    folders: list[Path]
    others: int
    size: int


def purge(database: Path, *, keep_cache: bool = False, dry_run: bool = False) -> Purge:
    """Remove a library's database and, unless ``keep_cache``, the cache; with ``dry_run`` only say what there is.

    Nothing else is removed: no photo, no album, no file in the cache that facecluster did not make. Raises
    ``UsageError`` when there is no ``database``, it is not a library's, or another facecluster works on it, and
    ``StoreError`` when a newer one made it, or a file cannot be removed.
    """
    if not database.exists():
        raise UsageError(f"There is no database at {database}, so nothing was removed; --db names another.")
    if not is_library(database):
        raise UsageError(f"{database} is not a database of facecluster, so nothing was removed.")
    found = _found(database.resolve(), None if keep_cache else cache_folder())
    if not dry_run:
        *files, lock = _beside(database.resolve())
        with Store(database) as store, store.alone():
            store.close()
            _remove(files)
        _remove([lock, *found.cached])
        _remove_empty(found)
    return found


def _found(database: Path, cache: Path | None) -> Purge:
    files = [path for path in _beside(database) if path.exists()]
    cached, folders, others = own_files(cache) if cache else ([], [], 0)
    size = sum(path.stat().st_size for path in [*files, *cached])
    return Purge(files, cache, cached, folders, others, size)


def _beside(database: Path) -> list[Path]:
    return [database.with_name(database.name + end) for end in BESIDE]


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be removed ({error.strerror}): remove it yourself, as the user whose it is."
            ) from error


def _remove_empty(found: Purge) -> None:
    """Remove the cache's folders that hold nothing any more, innermost first."""
    for folder in [*reversed(found.folders), *([found.cache] if found.cache else [])]:
        with suppress(OSError):
            folder.rmdir()
