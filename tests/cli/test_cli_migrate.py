"""``facecluster migrate`` with the real networks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from facecluster.demo import draw_library
from facecluster.nets.facenet import load_facenet
from facecluster.nets.folding import folded_arrays
from facecluster.nets.specs import spec_of
from facecluster.nets.trainable import arrays_of
from facecluster.nets.trained import write_model
from facecluster.nets.weights import fingerprint, is_here
from facecluster.records import Float32
from facecluster.store import Assignment, Store
from tests.cli.conftest import Run
from tests.trained_fakes import a_card

pytestmark = pytest.mark.slow


class Held(NamedTuple):
    """What a library holds."""

    model: str
    chips: list[tuple[int, bytes]]
    people: dict[int, Assignment]
    vectors: Float32


def held(database: Path) -> Held:
    with Store(database) as store:
        known = store.faces.model()
        assert known
        ids, vectors = store.faces.vectors(known[0])
        return Held(known[1], list(store.faces.chips(ids.tolist())), store.people.assignments(), vectors)


def test_there_and_back_without_the_photos(process: Run, real_library: Path, environment: dict[str, str]) -> None:
    if not is_here("sface", Path(environment["FACECLUSTER_CACHE"])):
        pytest.skip("SFace is not installed")
    before = held(real_library)
    assert len(before.chips) >= 6
    assert any(assignment.person_id for assignment in before.people.values())
    with Store(real_library) as store:
        assert not any(path.exists() for path in store.photos.known_files())

    ran = process("migrate", "--model", "sface", "--db", real_library)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{len(before.chips)} faces embedded; the library uses sface now.")
    after = held(real_library)
    assert after.model == "sface"
    assert (after.chips, after.people) == (before.chips, before.people)
    assert after.vectors.shape == (len(before.chips), 128)
    np.testing.assert_allclose(np.linalg.norm(after.vectors, axis=1), 1, atol=1e-3)
    assert np.abs((after.vectors * before.vectors).sum(1)).max() < 0.9

    ran = process("migrate", "--model", "facenet", "--db", real_library)
    assert ran.out.startswith("0 faces embedded; the library uses facenet now.")
    np.testing.assert_array_equal(held(real_library).vectors, before.vectors)
    assert held(real_library).people == before.people


@pytest.fixture
def perturbed(tmp_path: Path) -> Path:
    """The file of a whole FaceNet that sees 112 pixels and differs from ours, as if it had been trained on."""
    net = load_facenet(arrays_of(spec_of("facenet")))
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name.endswith("conv.weight"):
                weight.mul_(1 + 0.01 * torch.randn_like(weight))
        for name, statistic in net.named_buffers():
            if name.endswith("running_var"):
                statistic.mul_(0.98 + 0.04 * torch.rand_like(statistic))
    card = a_card(arch="facenet", dimension=128, size=112, join_distance=1.0)
    write_model(folded_arrays(net), card, tmp_path / "made.safetensors")
    return tmp_path / "made.safetensors"


def test_to_an_own_model_and_back_keeps_people_and_names(
    process: Run, real_library: Path, perturbed: Path, tmp_path: Path
) -> None:
    place = {"FACECLUSTER_MODELS": str(tmp_path / "models")}
    assert process("people", "name", "1", "Anna", "--db", real_library).code == 0
    before = held(real_library)
    ran = process("models", "add", perturbed, **place)
    assert (ran.code, ran.err) == (0, "")

    ran = process("migrate", "--model", "family", "--db", real_library, **place)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{len(before.chips)} faces embedded; the library uses family now.")
    after = held(real_library)
    assert (after.model, after.chips, after.people) == ("family", before.chips, before.people)
    np.testing.assert_allclose(np.linalg.norm(after.vectors, axis=1), 1, atol=1e-3)
    cosine = (after.vectors * before.vectors).sum(1)
    assert 0.3 < cosine.min() <= cosine.max() < 0.9999
    assert "Anna" in process("people", "--db", real_library, **place).out

    draw_library(tmp_path / "photos", people=2, photos_per_person=1)
    ran = process("scan", tmp_path / "photos", "--model", "family", "--db", tmp_path / "own.db", **place)
    assert ran.code == 0, ran.err
    assert "model     family" in process("status", "--db", tmp_path / "own.db", **place).out

    ran = process("migrate", "--model", "facenet", "--db", real_library, **place)
    assert ran.out.startswith("0 faces embedded; the library uses facenet now.")
    np.testing.assert_array_equal(held(real_library).vectors, before.vectors)
    assert held(real_library).people == before.people


def test_the_chips_give_the_embeddings_of_the_scan(process: Run, real_library: Path) -> None:
    before = held(real_library)
    with Store(real_library) as store:
        mark = fingerprint("facenet")
        ids, vectors = store.faces.vectors(mark)
        store.faces.add_vectors(ids.tolist()[:1], -vectors[:1], mark)
        store.db.execute("DELETE FROM embeddings WHERE face_id = ?", [int(ids[0])])
    assert process("migrate", "--model", "facenet", "--db", real_library).code == 0
    again = held(real_library)
    cosine = (again.vectors * before.vectors).sum(1)
    assert cosine[0] > 0.99
    np.testing.assert_array_equal(again.vectors[1:], before.vectors[1:])


def test_an_unknown_model_or_device_changes_nothing(process: Run, real_library: Path) -> None:
    before = real_library.read_bytes()
    ran = process("migrate", "--model", "nope", "--db", real_library)
    assert (ran.code, ran.out) == (1, "")
    assert "'nope'" in ran.err
    if not torch.cuda.is_available():
        ran = process("migrate", "--model", "sface", "--device", "cuda", "--db", real_library)
        assert (ran.code, ran.out) == (1, "")
        assert "'cuda'" in ran.err
    assert held(real_library).model == "facenet"
    assert real_library.read_bytes() == before
