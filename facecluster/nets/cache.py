"""What is in the cache folder: which files facecluster, or a library on its behalf, made there.

``weights`` and ``pull`` write weights and heads, ``graphs`` networks; OpenVINO and Numba keep what they compiled.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from facecluster.nets.specs import MODELS

WEIGHTS = {f"{name}.safetensors" for name in MODELS}
HEADS = {spec.head for spec in MODELS.values() if spec.head}
SOURCES = {Path(spec.source.file).name for spec in MODELS.values()}

_HEX16 = "[0-9a-f]{16}"
_PART = r"\.part-\w{8}"
_LABEL = rf"[A-Za-z0-9.-]+-{_HEX16}-\d+(x\d+)*-\w+(-bytes)?(-{_HEX16}(-s\d+)?)?"
_NUMBA = r"\w+_[0-9a-f]{40}"


def _any(names: set[str]) -> str:
    return f"({'|'.join(map(re.escape, sorted(names)))})"


_FOLDER = re.compile(rf"{_PART}|graphs(/({_LABEL}|{_PART}(/(new|old))?))?|compiled(/{_NUMBA})?")
_FILE = re.compile(
    "|".join(
        (
            _any(WEIGHTS | HEADS | {str(Path(head).with_suffix(".part")) for head in HEADS}),
            rf"{_PART}/{_any(WEIGHTS | SOURCES)}",
            rf"graphs/({_LABEL}|{_PART}/(new|old))/(net\.xml|net\.bin|sha256)",
            r"compiled/\d+\.blob",
            rf"compiled/{_NUMBA}/[^/]+\.py\d+\w*\.(nbi|\d+\.nbc)(\.tmp\.\w+)?",
        )
    )
)


def own_files(folder: Path) -> tuple[list[Path], list[Path], int]:
    """Facecluster's own files in the cache ``folder``, its own subfolders, and how many other things there are.

    A folder that is not facecluster's is one thing, whatever is in it, and so is a link. Outer subfolders come
    before inner ones. Nothing is there where there is no folder.
    """
    files, folders, others = [], [], 0
    for place, inner, names in os.walk(folder):
        paths = {name: Path(place, name) for name in [*inner, *names]}
        entered = [name for name in inner if _is_own(paths[name], folder, _FOLDER)]
        own = [paths[name] for name in names if _is_own(paths[name], folder, _FILE)]
        others += len(paths) - len(entered) - len(own)
        inner[:] = entered
        folders += [paths[name] for name in entered]
        files += own
    return files, folders, others


def made_of(model: str, folder: Path) -> list[Path]:
    """The files in the cache ``folder`` that may hold a model's weights: its networks, and all compiled ones."""
    networks = re.compile(rf"graphs/{re.escape(model)}-{_HEX16}-\d[^/]*/[^/]+|compiled/\d+\.blob")
    files, _, _ = own_files(folder)
    return [file for file in files if networks.fullmatch(file.relative_to(folder).as_posix())]


def _is_own(path: Path, folder: Path, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.fullmatch(path.relative_to(folder).as_posix())) and not path.is_symlink()
