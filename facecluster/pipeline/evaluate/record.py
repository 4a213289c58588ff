"""Where figures are kept: in the library, where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from facecluster.pipeline.evaluate.figures import Figures, plain
from facecluster.pipeline.opened import DEFAULT_MODEL
from facecluster.store import Evaluation, Store


class Recorder:
    """Keeps figures in the library at ``database``; where there is none it keeps nothing, and makes none."""

    def __init__(self, database: Path, store: Store | None) -> None:
        self.database, self._store = database, store

    @property
    def here(self) -> bool:
        """Whether there is a library to keep figures in."""
        return self._store is not None

    @property
    def model(self) -> str:
        """The library's model, or the usual one."""
        known = self._store.faces.model() if self._store else None
        return known[1] if known else DEFAULT_MODEL

    def models(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """The ``wanted`` models, or the library's."""
        return tuple(dict.fromkeys(wanted or [self.model]))

    def keep(self, figures: Figures, *options: Any) -> None:
        """Add a record for each model, with all that the ``options`` (dataclasses or dictionaries) say."""
        if self._store is None:
            return
        said = {name: value for each in options for name, value in plain(each).items() if name != "models"}
        with self._store.transaction():
            for made in records(figures, said):
                self._store.evaluations.add(made)


@contextmanager
def recorder(database: Path) -> Iterator[Recorder]:
    """A recorder, which closes the library. Raises ``StoreError`` when the file is no library of this version."""
    if not database.exists():
        yield Recorder(database, None)
        return
    with Store(database) as store:
        yield Recorder(database, store)


def records(figures: Figures, options: Mapping[str, Any]) -> Iterator[Evaluation]:
    """A record for each model: its own figures and those of the whole; no photo's name is in them."""
    whole = {name: value for name, value in plain(figures).items() if name not in ("models", "what", "folder")}
    whole = {name: len(value) if isinstance(value, list) else value for name, value in whole.items()}
    for of_model in figures.models:
        own = plain(of_model)
        mark, name = own.pop("fingerprint"), own.pop("model")
        yield Evaluation(mark, name, figures.what, {"folder": str(figures.folder), **options}, whole | own)
