"""A new picture file: whole or not at all, and never in place of another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from facecluster.errors import UsageError

Kinds = Mapping[str, str]
"""Suffixes that a file may have, the preferred one first, and Pillow's name of the format of each."""

PNG: Kinds = {".png": "PNG"}
PNG_OR_JPEG: Kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def check_free(file: Path, kinds: Kinds = PNG) -> None:
    """Raise ``UsageError`` unless ``file`` can become a new picture: it is not there yet, but its folder is."""
    if file.suffix.lower() not in kinds:
        formats, suffix = " or ".join(dict.fromkeys(kinds.values())), next(iter(kinds))
        raise UsageError(f"The picture is a {formats} file: call it {file.stem or 'picture'}{suffix}.")
    with _sentences(file):
        if file.exists() or file.is_symlink():
            raise UsageError(f"{file} is there already: choose another file, or remove it first.")
        if not file.parent.is_dir():
            raise UsageError(f"There is no folder {file.parent}: make it first, or choose another.")


def save(image: Image.Image, file: Path, kinds: Kinds = PNG) -> None:
    """Write a picture, whole or not at all and never over another file; raises ``UsageError`` where it cannot."""
    check_free(file, kinds)
    with _sentences(file), tempfile.TemporaryDirectory(prefix=".facecluster-", dir=file.parent) as folder:
        part = Path(folder) / "picture"
        image.save(part, kinds[file.suffix.lower()])
        _place(part, file, kinds)


def _place(part: Path, file: Path, kinds: Kinds) -> None:
    """Move a file to where none may be; a link refuses a place that was taken meanwhile."""
    try:
        file.hardlink_to(part)
    except OSError:  # it was taken, or the file system has no hard links
        check_free(file, kinds)
        part.rename(file)


@contextmanager
def _sentences(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): choose another file.") from error
