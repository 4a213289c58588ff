"""``facecluster migrate`` with the real networks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from facecluster.nets.weights import fingerprint, is_here
from facecluster.records import Float32
from facecluster.store import Assignment, Store
from tests.cli.conftest import Run

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
