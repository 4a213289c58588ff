"""``benchmarks/ship_model.py``: a trained model becomes a built-in one."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from facecluster.errors import WeightsError
from facecluster.nets import crops, specs, weights
from facecluster.nets.folding import folded_arrays
from facecluster.nets.trained import read_card, write_model
from tests.trained_fakes import FAR, Tiny, a_card, tiny_net

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ship_model.py"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of ``facecluster/nets``, with tables of the network before."""
    monkeypatch.setitem(crops.BUILD, "tiny", Tiny)
    monkeypatch.setattr(weights, "__file__", str(tmp_path / "nets" / "weights.py"))
    (tmp_path / "nets").mkdir()
    for table in ("far", "ranges"):
        (tmp_path / "nets" / f"facenet_{table}.json").write_text("{}")
    return tmp_path / "nets"


def test_what_is_printed_pins_what_was_copied(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = a_card(far=FAR, figures={"LFW": 99.1, "note": "x"}, origin='it\'s "so"')
    write_model(folded_arrays(tiny_net()), card, tmp_path / "trained")
    said = runpy.run_path(str(SCRIPT))["ship"](tmp_path / "trained", package)
    assert {file.name for file in package.iterdir()} == {"facenet.safetensors", "facenet_far.json"}
    names = vars(specs).copy()
    exec(said, names)
    spec = names["FACENET"]
    monkeypatch.setitem(specs.MODELS, "facenet", spec)
    assert (spec.arch, spec.size, spec.join_distance, spec.origin) == ("tiny", 32, 0.9, 'it\'s "so"')
    assert (spec.accuracy, spec.source.kind) == ({"LFW": 99.1}, "shipped")
    assert weights.trained_file(spec) == package / "facenet.safetensors"
    assert spec.source.size == weights.trained_file(spec).stat().st_size
    assert read_card(package / "facenet.safetensors") == (replace(card, name="facenet"), spec.source.sha256)
    assert weights.is_here("facenet")
    crops.embedder_of(spec)


def test_what_does_not_run_is_not_shipped_quietly(package: Path, tmp_path: Path) -> None:
    write_model(folded_arrays(tiny_net()), a_card(dimension=128), tmp_path / "trained")
    with pytest.raises(WeightsError, match="its card says 128"):
        runpy.run_path(str(SCRIPT))["ship"](tmp_path / "trained", package)
