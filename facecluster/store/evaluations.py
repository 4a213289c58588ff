"""What was measured: a record of every evaluation, by model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one model was measured to be: ``figures``, with ``options``, both as JSON has them.

    ``model`` is the fingerprint, ``name`` what the model was called, ``what`` was measured (``lfw``, …), ``at``
    when, in UTC.
    """

    model: str
    name: str
    what: str
    options: Mapping[str, Any]
    figures: Mapping[str, Any]
    at: str = ""


class EvaluationTable:
    """Reads and writes of the table ``evaluations``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, made: Evaluation) -> None:
        """Keep a record; ``at`` is now, unless it is given."""
        at = made.at or datetime.now(UTC).isoformat(timespec="seconds")
        texts = (json.dumps(value, default=str, allow_nan=False) for value in (made.options, made.figures))
        self._db.execute(
            "INSERT INTO evaluations (at, model, name, what, options, figures) VALUES (?, ?, ?, ?, ?, ?)",
            [at, made.model, made.name, made.what, *texts],
        )

    def latest(self) -> dict[tuple[str, str], Evaluation]:
        """The newest record of each model, by its fingerprint and what was measured."""
        rows = self._db.execute("SELECT model, name, what, options, figures, at FROM evaluations ORDER BY id")
        return {
            (model, what): Evaluation(model, name, what, json.loads(options), json.loads(figures), at)
            for model, name, what, options, figures, at in rows
        }
