"""Figures as plain values, and what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facecluster.errors import StoreError
from facecluster.evaluation import Estimate, verify_distances
from facecluster.pipeline.evaluate.figures import NotRead, PairsFigures, PairsOfModel, plain
from facecluster.pipeline.evaluate.options import MeasureOptions
from facecluster.pipeline.evaluate.record import recorder
from facecluster.records import Photo
from facecluster.store import Store


@pytest.fixture
def figures() -> PairsFigures:
    same = np.array([True, False] * 4)
    found = verify_distances(np.where(same, 0.5, 1.5), same, np.arange(8) // 4)
    return PairsFigures(
        what="lfw",
        folder=Path("lfw"),
        listed=10,
        left_out=2,
        photos=7,
        centred=1,
        missing=("Ana/Ana_0001.jpg",),
        unreadable=(NotRead(Path("lfw/Bo/Bo_0001.jpg"), "damaged"),),
        models=tuple(PairsOfModel(name, f"mark of {name}", found, ()) for name in ("facenet", "sface")),
    )


def test_plain_values_are_what_json_has() -> None:
    value = {
        "a": (1, Path("x/y")),
        "b": Estimate(0.5, float("nan")),
        "c": [float("-inf"), None, True, np.float64(2)],
    }
    assert plain(value) == {
        "a": [1, "x/y"],
        "b": {"mean": 0.5, "error": None},
        "c": [None, None, True, 2.0],
    }
    json.dumps(plain(value), allow_nan=False)


def test_a_record_for_each_model_without_anybodys_name(figures: PairsFigures, tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    Store(path).close()
    options = MeasureOptions(("facenet", "sface"), flip=True)
    with recorder(path) as kept:
        assert kept.here
        kept.keep(figures, options, {"pairs": None})
    with Store(path) as store:
        records = store.evaluations.latest()
        assert "Ana" not in "".join(store.db.iterdump())
    assert set(records) == {("mark of facenet", "lfw"), ("mark of sface", "lfw")}
    one = records["mark of sface", "lfw"]
    assert (one.name, one.what) == ("sface", "lfw")
    assert one.options == {
        "folder": "lfw",
        "device": "auto",
        "flip": True,
        "attributes": None,
        "detector": "mtcnn",
        "pairs": None,
    }
    assert one.figures["verification"] == plain(figures.models[1].verification)
    assert (one.figures["left_out"], one.figures["missing"], one.figures["unreadable"]) == (2, 1, 1)


def test_where_there_is_no_library_none_is_made(figures: PairsFigures, tmp_path: Path) -> None:
    with recorder(tmp_path / "library.db") as kept:
        assert not kept.here
        assert kept.models(None) == ("facenet",)
        kept.keep(figures, {})
    assert list(tmp_path.iterdir()) == []


def test_the_librarys_model_is_measured_unless_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with Store(path) as store, store.transaction():
        store.photos.add(Photo("0" * 64, "JPEG", 4, 3), "")
        store.faces.add_model("mark", "sface", 128)
        store.faces.use_model("mark")
    with recorder(path) as kept:
        assert kept.models(None) == kept.models([]) == ("sface",)
        assert kept.models(["facenet", "sface", "facenet"]) == ("facenet", "sface")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "library.db").write_text("this is no database at all, but long enough to be looked at")
    with pytest.raises(StoreError), recorder(tmp_path / "library.db"):
        pass
