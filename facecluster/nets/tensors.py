"""Safetensors files: written whole or not at all, and labelled, so that damage is noticed.

Nothing here imports torch. What cannot be read or written raises safetensors' error or an ``OSError``; callers
make sentences of them.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from facecluster.records import Float32

Arrays = dict[str, Float32]
"""Tensors by the names of a network's ``state_dict``."""

Tensors = dict[str, NDArray[Any]]
"""Tensors of any type, as they are in a file."""

TROUBLE = (SafetensorError, OSError)
"""What reading and writing may raise."""


def is_safetensors(file: Path) -> bool:
    """Whether a file begins as safetensors does: eight bytes of a length, then JSON. False where there is none."""
    try:
        with file.open("rb") as opened:
            return opened.read(9)[8:] == b"{"
    except OSError:
        return False


def read_labels(file: Path) -> dict[str, str]:
    """The labels of a file alone: quick, whatever its size."""
    with safe_open(file, framework="numpy") as opened:
        return dict(opened.metadata() or {})


def read_tensors(file: Path) -> tuple[Tensors, dict[str, str]]:
    """All tensors by name, and the labels."""
    with safe_open(file, framework="numpy") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        return tensors, dict(opened.metadata() or {})


def write_tensors(tensors: Tensors | Arrays, file: Path, labels: dict[str, str]) -> None:
    """Write a file whole or not at all, readable by its owner only: two processes may do so at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".part-") as folder:
        part = Path(folder) / file.name
        save_file(tensors, part, metadata=labels)
        part.chmod(0o600)
        part.replace(file)


def content_sha256(tensors: Tensors | Arrays) -> str:
    """Hex SHA-256 of the tensors: their names, shapes, types and bytes."""
    content = hashlib.sha256()
    for name in sorted(tensors):
        content.update(f"{name} {tensors[name].shape} {tensors[name].dtype}\n".encode())
        content.update(tensors[name].data)
    return content.hexdigest()
