"""``facecluster models show``, ``models add`` and ``models remove`` with models of the user's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from safetensors.numpy import save_file

from facecluster.cli.console import complete_model
from facecluster.nets import crops, install
from facecluster.nets.folding import folded_arrays
from facecluster.nets.specs import MODELS
from facecluster.nets.trained import write_model
from facecluster.nets.weights import fingerprint
from tests.cli.conftest import Run
from tests.trained_fakes import FAR, Tiny, a_card, some_arrays, tiny_net


@pytest.fixture(autouse=True)
def places(own_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(crops.BUILD, "tiny", Tiny)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The file of a trained model, called otherwise than the model."""
    write_model(folded_arrays(tiny_net()), a_card(far=FAR), tmp_path / "download (1)")
    return tmp_path / "download (1)"


def test_a_trained_model_is_added_listed_and_shown(run: Run, tiny: Path, own_models: Path) -> None:
    ran = run("models", "add", tiny)
    assert ran == (0, f"Added: {own_models / 'family.safetensors'}\n", "")
    ran = run("models")
    (row,) = (line.split() for line in ran.out.splitlines() if line.startswith(" family"))
    assert row == ["family", "8-D", "yes", "97.50*", "–", "MIT"]
    assert "* of people who were held out" in ran.out
    models = {model["name"]: model for model in json.loads(run("models", "--json").out)}
    assert set(models) == {*MODELS, "family"}
    assert {name for name, model in models.items() if model["own"]} == {"family"}
    assert models["family"]["fingerprint"] == fingerprint("family")
    assert complete_model("fa") == [*(name for name in MODELS if name.startswith("fa")), "family"]
    assert complete_model("fam") == ["family"]


def test_the_card_is_shown_as_text_and_as_json(run: Run, tiny: Path) -> None:
    run("models", "add", tiny, "--name", "friends")
    said = run("models", "show", "friends").out
    for line in (
        "name            friends",
        "made at         2026-01-31",
        "  held-out      97.5",
        "source          a net for tests",
        "training data   no photo of anybody",
        f"fingerprint     {fingerprint('friends')}",
        "own             yes",
    ):
        assert line in said.splitlines()
    told = json.loads(run("models", "show", "friends", "--json").out)
    assert (told["name"], told["command"], told["far"]) == ("friends", "facecluster train photos", FAR)
    assert told["figures"] == {"held-out": 97.5, "faces": 12, "note": "none"}
    assert (told["source"], told["accuracy"]) == (told["origin"], {"held-out": 97.5, "faces": 12})
    told = json.loads(run("models", "show", "facenet-casia", "--json").out)
    assert (told["arch"], told["size"], told["own"]) == ("facenet", 160, False)
    assert "crop            five-point 112" in run("models", "show", "sface").out.splitlines()


def test_the_table_fits_whatever_a_card_says(run: Run) -> None:
    words = "a very long story of photos that were taken on holidays " * 3
    card = a_card("n" * 32, licence=words, origin=f"{words}\x1b[31m", figures={"LFW": 100.0}, dimension=4096)
    install.install(some_arrays(), card)
    ran = run("models")
    assert max(map(len, ran.out.splitlines())) <= 80
    row = ran.out.splitlines()[3 + len(MODELS)]
    assert row.split()[:5] == ["n" * 32, "4096-D", "yes", "100.00", "–"]
    assert row.rstrip().endswith("…")
    assert not ran.out.splitlines()[4 + len(MODELS)].strip()
    assert "held out" not in ran.out
    said = run("models", "show", "n" * 32).out
    assert "\\x1b" in said
    assert " ".join(said.split()).count(words.strip()) == 2


def test_a_damaged_model_is_told_and_the_others_are_listed(run: Run, own_models: Path) -> None:
    install.install(some_arrays(), a_card())
    (own_models / "broken.safetensors").write_bytes(b"damaged")
    for arguments in (["models"], ["models", "--json"]):
        ran = run(*arguments)
        assert ran.code == 0
        assert "family" in ran.out
        assert "broken.safetensors cannot be read as a trained model" in ran.err
    assert run("models", "show", "broken").code == 1


def test_what_cannot_be_added(run: Run, tiny: Path, tmp_path: Path, own_models: Path) -> None:
    save_file(some_arrays(), tmp_path / "plain")
    (tmp_path / "half").write_bytes(tiny.read_bytes()[:-5])
    (tmp_path / "text").write_text("nothing")
    for arguments, words in (
        ([tmp_path / "plain"], "is not a model made by `facecluster train`"),
        ([tmp_path / "half"], "cannot be read as a trained model"),
        ([tmp_path / "text"], "is not the weights of facenet-vggface2"),
        ([tmp_path / "text", "--name", "x"], "Only a trained model"),
        ([tiny, "--head", tmp_path / "plain"], "leave out --head"),
        ([tiny, "--name", "facenet"], "built in"),
        ([tiny, "--name", "a/b"], "cannot be called"),
        ([tmp_path / "none"], "There is no file"),
    ):
        ran = run("models", "add", *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert words in ran.err
    assert not own_models.exists() or not list(own_models.iterdir())


def test_removing_asks_and_warns_where_the_library_uses_the_model(
    run: Run, tiny: Path, family: Path, own_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(question: str, **_: object) -> None:
        asked.append(question)
        raise typer.Abort

    file = own_models / "family.safetensors"
    run("models", "add", tiny)
    with monkeypatch.context() as patch:
        patch.setattr(typer, "confirm", refuse)
        ran = run("models", "remove", "family")
        assert (ran.code, ran.out, asked) == (1, "", [f"Remove {file} for good?"])
        assert run("scan", family, "--model", "family", "--db", tmp_path / "own.db").code == 0
        ran = run("models", "remove", "family", "--db", tmp_path / "own.db")
        assert "The library uses family, and will have to change" in ran.out
    assert file.exists()
    assert run("models", "remove", "family", "--yes") == (0, f"Removed: {file}\n", "")
    assert not file.exists()
    assert "model     family" in run("status", "--db", tmp_path / "own.db").out
    ran = run("cluster", "--db", tmp_path / "own.db")
    assert ran.code == 1
    assert "a model of your own that is not here any more" in ran.err


def test_only_own_models_are_removed(run: Run) -> None:
    for name, words in (
        ("facenet", "is built in"),
        ("family", "no model of your own"),
        ("../x", "no model of your"),
    ):
        ran = run("models", "remove", name, "--yes")
        assert (ran.code, ran.out) == (1, "")
        assert words in ran.err
