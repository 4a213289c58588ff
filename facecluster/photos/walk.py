"""The files of a library, in a fixed order, each once."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from facecluster.errors import UsageError
from facecluster.records import FileEntry

Entries = Iterator[os.DirEntry[str]]
OnError = Callable[[Path, str], None]
Inode = tuple[int, int]
"""Device and inode number, which stay the same behind every symbolic link."""

NO_MEDIA = ".nomedia"
"""A file of this name says that its folder and all below are not for photo albums."""


def walk(roots: Sequence[Path], on_error: OnError | None = None) -> Iterator[FileEntry]:
    """The regular files at and below ``roots``, sorted by path, each once even if roots overlap.

    Paths are absolute and keep the names of symbolic links. Linked folders are entered, each folder once.
    Left out are hidden files and folders, and folders that hold a ``.nomedia`` file; a root is walked
    whatever it is called or holds. A folder or file that cannot be read is passed to ``on_error`` with the
    reason and left out.

    Raises UsageError when a root does not exist.
    """
    return _walk([_checked(root) for root in roots], on_error or (lambda path, reason: None))


def _checked(root: Path) -> tuple[bool, Path]:
    """Whether a root is a file, and its absolute path; folders sort before files."""
    path = Path(os.path.normpath(root.absolute()))
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"There is no file or folder {root}.") from error
    except OSError as error:
        raise UsageError(f"{root} cannot be read: {_reason(error)}.") from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise UsageError(f"{root} is neither a folder nor a file.")
    return stat.S_ISREG(mode), path


def _walk(roots: list[tuple[bool, Path]], on_error: OnError) -> Iterator[FileEntry]:
    visited: set[Inode] = set()
    for is_file, root in sorted(set(roots)):
        if not is_file:
            yield from _walk_folder(root, visited, on_error)
        elif root.name.startswith(".") or _inode(root.parent.stat()) not in visited:
            info = root.stat()
            yield FileEntry(root, info.st_size, info.st_mtime_ns)


def _walk_folder(root: Path, visited: set[Inode], on_error: OnError) -> Iterator[FileEntry]:
    """Depth first, with a stack of its own: generators within generators are slow and may overflow."""
    open_folders = [_enter(root, visited, on_error, is_root=True)]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
            continue
        try:
            if entry.is_dir():
                open_folders.append(_enter(Path(entry.path), visited, on_error))
            elif entry.is_file():
                info = entry.stat()
                yield FileEntry(Path(entry.path), info.st_size, info.st_mtime_ns)
        except FileNotFoundError:
            continue  # deleted since its folder was listed
        except OSError as error:
            on_error(Path(entry.path), _reason(error))


def _enter(folder: Path, visited: set[Inode], on_error: OnError, is_root: bool = False) -> Entries:
    """The entries of a folder by name, without hidden ones; none if it was visited or is not for albums."""
    try:
        inode = _inode(folder.stat())
        if inode in visited:
            return iter(())
        with os.scandir(folder) as entries:
            listed = list(entries)
    except OSError as error:
        on_error(folder, _reason(error))
        return iter(())
    if not is_root and any(entry.name == NO_MEDIA for entry in listed):
        return iter(())
    visited.add(inode)
    return iter(sorted((e for e in listed if not e.name.startswith(".")), key=attrgetter("name")))


def _inode(info: os.stat_result) -> Inode:
    return info.st_dev, info.st_ino


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return error.strerror or str(error)
