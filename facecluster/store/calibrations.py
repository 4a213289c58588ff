"""Join distances that were measured on the library itself, one for each model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A join distance (squared L2), the ``rate`` of false merges allowed, and when it was stored, in UTC."""

    join_distance: float
    rate: float
    at: str


class CalibrationTable:
    """Reads and writes of the table ``calibrations``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, model: str) -> Calibrated | None:
        """What was stored for a model's fingerprint; None for nothing."""
        query = "SELECT join_distance, rate, at FROM calibrations WHERE model = ?"
        row = self._db.execute(query, [model]).fetchone()
        return Calibrated(*row) if row else None

    def set(self, model: str, join_distance: float, rate: float) -> None:
        """Store a join distance for a model's fingerprint, in place of an earlier one."""
        self._db.execute(
            "INSERT OR REPLACE INTO calibrations (model, join_distance, rate, at) VALUES (?, ?, ?, ?)",
            [model, join_distance, rate, datetime.now(UTC).isoformat(timespec="seconds")],
        )

    def drop(self, model: str) -> bool:
        """Forget what was stored for a model's fingerprint; whether there was anything."""
        return bool(self._db.execute("DELETE FROM calibrations WHERE model = ?", [model]).rowcount)
