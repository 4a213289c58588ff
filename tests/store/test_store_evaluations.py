"""Records of evaluations: the newest of each model and kind is the one that counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from facecluster.store import Evaluation, Store
from facecluster.store.schema import migrate, migrations


def made(model: str, what: str, value: float, at: str = "") -> Evaluation:
    return Evaluation(model, "facenet", what, {"flip": False}, {"accuracy": value}, at)


def test_the_latest_of_each_model_and_kind(store: Store, tmp_path: Path) -> None:
    assert store.evaluations.latest() == {}
    for one in (made("m", "lfw", 0.9), made("m", "lfw", 0.95), made("n", "lfw", 0.8), made("m", "folder", 0.7)):
        store.evaluations.add(one)
    found = store.evaluations.latest()
    assert {key: one.figures["accuracy"] for key, one in found.items()} == {
        ("m", "lfw"): 0.95,
        ("n", "lfw"): 0.8,
        ("m", "folder"): 0.7,
    }
    one = found["m", "lfw"]
    assert (one.name, one.options) == ("facenet", {"flip": False})
    assert abs((datetime.fromisoformat(one.at) - datetime.now(UTC)).total_seconds()) < 60
    with Store(store.path) as again:
        assert again.evaluations.latest() == found


def test_figures_are_json(store: Store) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        store.evaluations.add(made("m", "lfw", float("nan")))
    assert store.evaluations.latest() == {}


def test_an_older_database_gets_the_table() -> None:
    db = Database(memory=True)
    migrations.apply(db, stop_before="m005_evaluations")
    assert "evaluations" not in db.table_names()
    migrate(db)
    assert "evaluations" in db.table_names()
    db.close()
