"""Where the models are that the user trained or added: a folder of files, ``NAME.safetensors``.

They are in the data folder and not in the cache: nothing makes them again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs

from facecluster.nets.tensors import TROUBLE, read_labels

SUFFIX = ".safetensors"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}")


def models_folder() -> Path:
    """``$FACECLUSTER_MODELS``, or ``models`` in the user's data folder."""
    chosen = os.environ.get("FACECLUSTER_MODELS")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("facecluster")) / "models"


def is_name(name: str) -> bool:
    """Whether a model may be called so: up to 32 letters, digits, dashes and dots, the first no dash or dot."""
    return NAME.fullmatch(name) is not None


def own_file(name: str) -> Path | None:
    """Where the user's own model ``name`` is; None when there is none."""
    file = models_folder() / f"{name}{SUFFIX}"
    return file if is_name(name) and file.is_file() else None


def own_names() -> list[str]:
    """The names of the user's own models, by their files alone: one may turn out to be damaged."""
    folder = models_folder()
    names = [file.name.removesuffix(SUFFIX) for file in folder.glob(f"*{SUFFIX}")] if folder.is_dir() else []
    return sorted(filter(is_name, names))


def own_files() -> list[Path]:
    """The files of all of the user's own models, and what an interrupted run left of one; no others."""
    folder = models_folder()
    parts = folder.glob(f".part-*/*{SUFFIX}") if folder.is_dir() else ()
    return [*filter(_has_card, (folder / f"{name}{SUFFIX}" for name in own_names())), *sorted(parts)]


def _has_card(file: Path) -> bool:
    try:
        return "card" in read_labels(file)
    except TROUBLE:
        return False
