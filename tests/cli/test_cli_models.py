"""``facecluster models``, ``models add`` and ``models pull``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from facecluster.errors import WeightsError
from facecluster.nets import pull
from facecluster.nets.specs import MODELS
from facecluster.nets.weights import dimension
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "weights"))
    return tmp_path / "weights"


def test_the_table_fits_and_says_how_to_get_what_is_missing(run: Run) -> None:
    ran = run("models")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    rows = {
        line.split()[0]: line.split()[1:6] for line in ran.out.splitlines() if line[1:].split(" ")[0] in MODELS
    }
    for name, spec in MODELS.items():
        measured = f"{spec.accuracy['LFW']:.2f}" if spec.accuracy else "–"
        assert rows[name][0] == f"{dimension(spec)}-D"
        assert rows[name][2:] == [measured, "–", spec.licence]
    assert (rows["facenet"][1], rows["facenet-vggface2"][1]) == ("yes", "no")
    assert "facecluster models pull" in " ".join(ran.out.split())


def test_json_lists_every_model(run: Run, empty_cache: Path) -> None:
    ran = run("models", "--json")
    models = {model["name"]: model for model in json.loads(ran.out)}
    assert ran.err == ""
    assert set(models) == set(MODELS)
    assert models["facenet"]["here"] is True
    assert models["facenet-vggface2"]["here"] is False
    assert models["facenet"]["join_distance"] == MODELS["facenet"].join_distance
    assert not empty_cache.exists()


def test_a_wrong_file_is_not_added(run: Run, tmp_path: Path, empty_cache: Path) -> None:
    (tmp_path / "wrong.pt").write_bytes(b"not these weights")
    ran = run("models", "add", tmp_path / "wrong.pt")
    assert (ran.code, ran.out) == (1, "")
    assert "SHA-256" in ran.err
    assert run("models", "add", tmp_path / "nothing.pt").code == 1
    assert not empty_cache.exists()


def test_pull_says_where_the_weights_are_or_why_not(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(progress: Callable[[int, int], None]) -> Path:
        progress(1_000_000, 112_000_000)
        return Path("/weights/facenet-vggface2.safetensors")

    monkeypatch.setattr(pull, "pull", download)
    assert run("models", "pull") == (0, "Added: /weights/facenet-vggface2.safetensors\n", "")

    def refuse(progress: object) -> Path:
        raise WeightsError("There is no network.")

    monkeypatch.setattr(pull, "pull", refuse)
    assert run("models", "pull") == (1, "", "There is no network.\n")
