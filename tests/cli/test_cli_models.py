"""``facecluster models``, ``models show``, ``models add`` and ``models pull``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from facecluster.errors import WeightsError
from facecluster.nets import pull
from facecluster.nets.specs import MODELS
from facecluster.nets.weights import dimension, fingerprint
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "weights"))
    return tmp_path / "weights"


def test_the_table_fits_and_says_how_to_get_what_is_missing(run: Run) -> None:
    ran = run("models")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    rows = [line.split() for line in ran.out.splitlines()[3 : 3 + len(MODELS)]]
    here = {row[0]: row.pop(2) for row in rows}
    for row, spec in zip(rows, MODELS.values(), strict=True):
        measured = f"{spec.accuracy['LFW']:.2f}" if spec.accuracy else "–"
        assert row == [spec.name, f"{dimension(spec)}-D", measured, "–", spec.licence]
    assert (here["facenet"], here["facenet-vggface2"]) == ("yes", "no")
    assert "facecluster models pull" in " ".join(ran.out.split())
    assert "`facecluster models show NAME`" in ran.out


def test_show_says_all_that_the_table_leaves_out(run: Run) -> None:
    for name, spec in MODELS.items():
        ran = run("models", "show", name)
        said = " ".join(ran.out.split())
        assert (ran.code, ran.err) == (0, "")
        for words in (spec.origin, spec.training_data, f"licence {spec.licence}", fingerprint(name)):
            assert words in said
        assert "None" not in said
        for what, figure in (spec.accuracy or {}).items():
            assert f"{what} {figure}" in said


def test_show_says_how_to_get_what_is_missing_alone(run: Run) -> None:
    (line,) = (line for line in run("models", "show", "facenet-vggface2").out.splitlines() if "how to get" in line)
    assert line.startswith("how to get      These weights are not in any package")
    assert "`facecluster models pull`" in line
    assert "how to get" not in run("models", "show", "facenet").out


def test_the_values_of_show_are_below_each_other_and_its_prose_is_broken_between_words(run: Run) -> None:
    lines = run("models", "show", "facenet-casia").out.splitlines()
    at = lines.index("figures")
    assert lines[at + 1 : at + 3] == ["  LFW              98.7", "  LFW VAL@FAR 1e-3 96.7"]
    at = next(i for i, line in enumerate(lines) if line.startswith("source "))
    assert lines[at + 1] == " " * 16 + "reduced to 128-D by PCA"
    assert max(map(len, lines)) <= 80


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
