"""The user's own models: install one, remove one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from facecluster.errors import UsageError, WeightsError
from facecluster.nets.cache import made_of
from facecluster.nets.card import Card
from facecluster.nets.own import SUFFIX, is_name, models_folder, own_file, own_names
from facecluster.nets.specs import MODELS, ModelSpec, spec_of
from facecluster.nets.tensors import Arrays
from facecluster.nets.trained import copy_model, read_card, write_model
from facecluster.nets.weights import cache_folder


def install(model: Path | Arrays, card: Card) -> Path:
    """Store a trained model, called as its ``card`` says, among the user's own; returns its file.

    ``model`` is a file that ``write_model`` wrote, whose tensors are taken bit by bit, or the tensors by
    ``state_dict`` name. Raises ``UsageError`` for a name that cannot be had, see :func:`check_free`, and
    ``WeightsError``.
    """
    check_free(card.name)
    file = models_folder() / f"{card.name}{SUFFIX}"
    if isinstance(model, Path):
        return copy_model(model, file, card)
    write_model(model, card, file)
    return file


def add(file: Path, name: str | None = None) -> Path:
    """Install a file of a trained model under its own name or another one, once its network was tried.

    Raises ``UsageError`` as ``install`` does, and ``WeightsError`` for a file that is not a whole trained model of
    a kind that is known.
    """
    card, _ = read_card(file)
    card = card if name is None else replace(card, name=name)
    installed = install(file, card)
    try:
        _try(spec_of(card.name))
    except BaseException:  # stopped by the user, too
        installed.unlink()
        raise
    return installed


def check_free(name: str) -> None:
    """Raise ``UsageError`` when no own model can be called ``name``: ask before a training, not after it."""
    if not is_name(name):
        raise UsageError(
            f"A model cannot be called {name!r}: take letters, digits, dashes and dots, up to 32, no mark first."
        )
    if name.lower() in MODELS:
        raise UsageError(f"{name} is the name of a model that is built in: choose another one.")
    if name.lower() in map(str.lower, own_names()):  # some disks do not tell the two apart
        raise UsageError(
            f"There is a model called {name} already: choose another name, or `facecluster models remove {name}`."
        )


def remove(name: str) -> list[Path]:
    """Remove an own model for good, and what was made of it in the cache folder; returns the files.

    Networks that were compiled go, too, those of all models: they are made again when needed. Raises
    ``UsageError`` when there is no such model or it is built in, and ``WeightsError`` when it cannot be removed.
    """
    files = own_model(name)
    try:
        for path in files:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(f"{name} cannot be removed ({error}): remove the file yourself.") from error
    for folder in {path.parent for path in files if path.name == "net.xml"}:
        with suppress(OSError):  # something else is in it
            folder.rmdir()
    return files


def own_model(name: str) -> list[Path]:
    """The file of an own model, then all that was made of it. Raises ``UsageError`` as ``remove`` does."""
    if name in MODELS:
        raise UsageError(f"{name} is built in: only models that you trained or added can be removed.")
    file = own_file(name)
    if file is None:
        raise UsageError(f"There is no model of your own called {name!r}; `facecluster models` lists them.")
    return [file, *made_of(name, cache_folder())]


def _try(spec: ModelSpec) -> None:
    from facecluster.nets.crops import embedder_of  # torch, which only a new file needs

    embedder_of(spec)
