"""Models of the user's own: found by name, installed, removed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch

from facecluster.errors import UsageError, WeightsError
from facecluster.nets import catalogue, crops, install, own, weights
from facecluster.nets.far import far_curve
from facecluster.nets.folding import folded_arrays
from facecluster.nets.runtime import Processor
from facecluster.nets.specs import MODELS, Source, model_names, spec_of
from facecluster.nets.trained import read_card, read_model, write_model
from tests.trained_fakes import FAR, Tiny, a_card, load_tiny, some_arrays, tiny_net


@pytest.fixture
def tiny(own_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a tiny model, of a kind that is known, not yet installed."""
    monkeypatch.setitem(crops.BUILD, "tiny", Tiny)
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "cache"))
    write_model(folded_arrays(tiny_net()), a_card(far=FAR), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def test_the_folder_is_beside_the_database_unless_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACECLUSTER_MODELS", str(tmp_path))
    assert own.models_folder() == tmp_path
    monkeypatch.delenv("FACECLUSTER_MODELS")
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda app: f"/home/someone/.local/share/{app}")
    assert own.models_folder() == Path("/home/someone/.local/share/facecluster/models")


def test_an_installed_model_is_known_by_its_card(own_models: Path) -> None:
    assert model_names() == list(MODELS)
    file = install.install(some_arrays(), a_card(far=FAR))
    assert file == own_models / "family.safetensors"
    spec = spec_of("family")
    told = (
        spec.name,
        spec.arch,
        spec.dimension,
        spec.crop,
        spec.size,
        spec.join_distance,
        spec.licence,
        spec.origin,
    )
    assert told == ("family", "tiny", 8, "box 36/160", 32, 0.9, "MIT", "a net for tests")
    assert spec.accuracy == {"held-out": 97.5, "faces": 12}
    assert (spec.source.kind, spec.source.sha256) == ("own", read_card(file)[1])
    assert (weights.is_here("family"), weights.dimension(spec), weights.head_file(spec)) == (True, 8, None)
    assert model_names() == [*MODELS, "family"]
    with pytest.raises(UsageError, match=r"facenet, .*sface, family"):
        spec_of("nobody")


def test_a_file_is_installed_bit_by_bit_under_another_name(own_models: Path, tmp_path: Path) -> None:
    write_model(some_arrays(), a_card(), tmp_path / "made")
    file = install.install(tmp_path / "made", a_card("other", join_distance=0.5))
    assert file.name == "other.safetensors"
    assert read_card(file) == (a_card("other", join_distance=0.5), read_card(tmp_path / "made")[1])


def test_a_file_that_was_renamed_is_called_as_it_is_now(own_models: Path) -> None:
    install.install(some_arrays(), a_card()).rename(own_models / "friends.safetensors")
    assert model_names()[-1] == spec_of("friends").name == "friends"


@pytest.mark.parametrize("name", ["", ".hidden", "-x", "a/b", "../a", "a b", "ä", "a" * 33, "a\n"])
def test_names_that_cannot_be_had(name: str, own_models: Path) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        install.install(some_arrays(), a_card(name))
    with pytest.raises(UsageError, match="There is no model called"):
        spec_of(name)
    assert not own_models.exists()


def test_names_that_are_taken(own_models: Path) -> None:
    for name in ("facenet", "SFace"):
        with pytest.raises(UsageError, match="built in: choose another"):
            install.install(some_arrays(), a_card(name))
    install.install(some_arrays(), a_card("Family-2.0"))
    for name in ("Family-2.0", "family-2.0"):
        with pytest.raises(UsageError, match=rf"already: .*models remove {name}"):
            install.install(some_arrays(1), a_card(name))
    np.testing.assert_array_equal(
        read_model(own_models / "Family-2.0.safetensors")[0]["conv.bias"], some_arrays()["conv.bias"]
    )
    install.check_free("family-2.1")


def test_the_fingerprint_is_that_of_what_changes_embeddings(own_models: Path) -> None:
    cards = (
        a_card("a"),
        a_card("b", join_distance=0.5, licence="other", made_at="2027-01-01"),
        a_card("c", size=40),
    )
    for card in (*cards, a_card("d", crop="five-point 112")):
        install.install(some_arrays(), card)
    install.install(some_arrays(1), a_card("e"))
    a, b, c, d, e = map(weights.fingerprint, "abcde")
    assert a == b
    assert len({a, c, d, e}) == 4
    assert weights.name_of(a, "b") == "b"
    assert weights.name_of(a, "gone") == "a"
    assert weights.name_of("0" * 16, "gone") == "gone"


def test_a_damaged_model_hides_no_other(own_models: Path) -> None:
    install.install(some_arrays(), a_card("b"))
    (own_models / "a.safetensors").write_bytes(b"damaged")
    (own_models / "note.txt").write_text("mine")
    assert model_names() == [*MODELS, "a", "b"]
    assert own.own_files() == [own_models / "b.safetensors"]
    assert weights.name_of(weights.fingerprint("b"), "gone") == "b"
    with pytest.raises(WeightsError, match=r"a\.safetensors cannot be read"):
        spec_of("a")


def test_no_torch_is_imported_to_look_around(own_models: Path) -> None:
    install.install(some_arrays(), a_card())
    code = (
        "import sys; from facecluster.nets import far, install, specs, weights;"
        "assert weights.is_here('family') and weights.fingerprint('family');"
        "assert far.far_curve('family', 'face') is None;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_network_that_runs_is_the_one_that_was_stored(tiny: Path, own_models: Path) -> None:
    assert install.add(tiny) == own_models / "family.safetensors"
    given = np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype(np.float32)
    spec = spec_of("family")
    (found,) = Processor(catalogue.embedder(spec), exact=True)(given)
    stored = load_tiny(read_model(tiny)[0]).eval()
    expected = crops.OfCrops(stored)(torch.from_numpy(given)).detach().numpy()
    assert found.shape == (5, 8)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_curves_of_the_card_are_used(tiny: Path) -> None:
    install.add(tiny)
    install.install(some_arrays(), a_card("unmeasured"))
    face, person = far_curve("family", "face"), far_curve("family", "person")
    assert face is not None
    assert person is not None
    assert face.distance(0.01) == pytest.approx(1.2)
    assert (person.rates, person.distances) == ((0.5, 0.1, 0.01), (1.9, 1.6, 1.4))
    assert far_curve("unmeasured", "face") is None


def test_what_is_no_network_of_its_kind_is_not_added(
    tiny: Path, own_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = folded_arrays(tiny_net())
    wrong = {
        "nn9": (arrays, a_card(arch="nn9"), r"of the kind 'nn9'; this version knows .*facenet"),
        "less": ({"bn.weight": arrays["bn.weight"]}, a_card(), "does not hold the tiny that its card tells"),
        "small": (arrays, a_card(size=4), "does not hold the tiny"),
        "long": (arrays, a_card(dimension=128), "gives embeddings of 8 numbers, and its card says 128"),
        "facenet": (arrays, a_card(arch="facenet"), "does not hold the facenet"),
    }
    for name, (tensors, card, words) in wrong.items():
        write_model(tensors, card, tmp_path / name)
        with pytest.raises(WeightsError, match=words):
            install.add(tmp_path / name)
    assert list(own_models.iterdir()) == []


def test_a_model_that_changed_meanwhile_is_not_run(tiny: Path, own_models: Path) -> None:
    spec = spec_of(install.add(tiny).stem)
    write_model(folded_arrays(tiny_net(1)), a_card(), own_models / "family.safetensors")
    with pytest.raises(WeightsError, match="changed meanwhile"):
        crops.embedder_of(spec)
    (own_models / "family.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"is gone\. .*models add FILE"):
        crops.embedder_of(spec)


def test_removing_a_model_removes_what_was_made_of_it(tiny: Path, own_models: Path, tmp_path: Path) -> None:
    for name in ("family", "family-2"):
        install.add(tiny, name)
        Processor(catalogue.embedder(spec_of(name)))
    graphs = tmp_path / "cache" / "graphs"
    assert len(list(graphs.iterdir())) == 2
    gone = install.remove("family")
    assert gone[0] == own_models / "family.safetensors"
    assert not any(path.exists() for path in gone)
    assert [path.name.startswith("family-2-") for path in graphs.iterdir()] == [True]
    assert not list((tmp_path / "cache" / "compiled").glob("*.blob"))
    assert own.own_names() == ["family-2"]
    with pytest.raises(UsageError, match="no model of your own called 'family'"):
        install.remove("family")
    with pytest.raises(UsageError, match="facenet is built in"):
        install.remove("facenet")


def test_a_built_in_model_may_be_a_file_that_is_shipped(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``source.file`` is beside the module when the package ships it; here it is a path of the test's."""
    content = read_card(tiny)[1]
    source = Source(str(tiny), content, tiny.stat().st_size, "install facecluster again", kind="shipped")
    shipped = replace(spec_of("facenet"), arch="tiny", size=32, dimension=8, source=source, head=None)
    monkeypatch.setitem(MODELS, "facenet", shipped)
    assert weights.is_here("facenet")
    assert weights.fingerprint("facenet") != weights.fingerprint("facenet-casia")
    vectors = crops.embedder_of(shipped)(torch.zeros(1, 32, 32, 3))
    assert vectors.shape == (1, 8)
    with pytest.raises(WeightsError, match="another model"):
        crops.embedder_of(replace(shipped, source=replace(source, sha256="0" * 64)))
    monkeypatch.setitem(MODELS, "facenet", replace(shipped, source=replace(source, file="none.safetensors")))
    assert not weights.is_here("facenet")
