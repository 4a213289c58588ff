"""Remove all that facecluster keeps on a machine: a library's database, and the cache that all libraries share.

The user's own models stay unless they are asked for: all libraries share them, and nothing makes them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from facecluster.errors import StoreError, UsageError
from facecluster.nets import own
from facecluster.nets.cache import made_of, own_files
from facecluster.nets.weights import cache_folder
from facecluster.store import Store, is_library

BESIDE = ("-wal", "-shm", "", ".lock")
"""What the names of a database's files end in, in the order in which they go: one that was interrupted goes on."""


@dataclass(frozen=True, slots=True)
class Purge:
    """What was removed, or would be: ``size`` is bytes, ``cache`` None where it was to be kept.

    ``others`` is how many files and folders there are in the cache that are not facecluster's: they stay.
    ``models`` are the files of the user's own models (and in a cache that is kept, of the networks made of them),
    ``with_models`` says whether they are removed, too.
    """

    database: list[Path]
    cache: Path | None
    cached: list[Path]
    folders: list[Path]
    others: int
    models: list[Path]
    with_models: bool
    size: int


def purge(database: Path, *, keep_cache: bool = False, models: bool = False, dry_run: bool = False) -> Purge:
    """Remove a library's database and, unless ``keep_cache``, the cache; with ``dry_run`` only say what there is.

    With ``models`` the user's own models go, too. Nothing else is removed: no photo, no album, no file in either
    folder that facecluster did not make. Raises ``UsageError`` when there is no ``database``, it is not a
    library's, or another facecluster works on it, and ``StoreError`` when a newer one made it, or a file cannot be
    removed.
    """
    if not database.exists():
        raise UsageError(f"There is no database at {database}, so nothing was removed; --db names another.")
    if not is_library(database):
        raise UsageError(f"{database} is not a database of facecluster, so nothing was removed.")
    found = _found(database.resolve(), None if keep_cache else cache_folder(), models)
    if not dry_run:
        *files, lock = _beside(database.resolve())
        with Store(database) as store, store.alone():
            store.close()
            _remove(files)
        _remove([lock, *found.cached, *(found.models if models else ())])
        _remove_empty([*reversed(found.folders), *([found.cache] if found.cache else [])])
        if models:
            _remove_empty([*{path.parent for path in found.models}, own.models_folder()])
    return found


def _found(database: Path, cache: Path | None, with_models: bool) -> Purge:
    files = [path for path in _beside(database) if path.exists()]
    cached, folders, others = own_files(cache) if cache else ([], [], 0)
    models = own.own_files()
    if with_models and not cache:  # what the networks hold is the same
        models += sorted({file for name in own.own_names() for file in made_of(name, cache_folder())})
    size = sum(path.stat().st_size for path in [*files, *cached, *(models if with_models else ())])
    return Purge(files, cache, cached, folders, others, models, with_models, size)


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


def _remove_empty(folders: Iterable[Path]) -> None:
    """Remove the folders that hold nothing any more, in this order."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
