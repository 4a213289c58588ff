"""A whole training: the real loop, a real small network, fakes for what finds faces and for the rival."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from facecluster import faces
from facecluster.embeddings import Embedder
from facecluster.errors import UnreadablePhotoError, UsageError
from facecluster.nets.specs import spec_of
from facecluster.nets.trained import read_model
from facecluster.nets.weights import fingerprint
from facecluster.pipeline.portraits import Chips
from facecluster.records import CHIP_SIZE, Float32, UInt8
from facecluster.store import Store
from facecluster.training import train as module
from facecluster.training.augment import AugmentOptions
from facecluster.training.faces import load, of_library, save
from facecluster.training.options import TrainOptions
from facecluster.training.pupil import arrays_of_pupil, pupil, pupil_of
from facecluster.training.targets import unit
from facecluster.training.train import Request, asked, train
from tests.training.pictures import POINTS, chip_of, faces_of

OPTIONS = TrainOptions(
    steps=2, people=4, faces=2, warm_up=1, judge_every=2, held_out=0.3, chunk=16, precision="fp32"
)
REQUEST = Request(
    name="family", arch="mobilefacenet", start=None, against="facenet", device="cpu", command="c", options=OPTIONS
)


def fake_cut(files: Sequence[Path], detect: object) -> Chips:
    """Photos are chips already; one called ``nobody`` shows no face, one that is no photo cannot be read."""
    readable = [file for file in files if file.stat().st_size]
    unreadable = [UnreadablePhotoError(file, "it is empty") for file in files if not file.stat().st_size]
    count = len(readable)
    chips = [np.asarray(Image.open(file)) for file in readable]
    return Chips(
        files=tuple(readable),
        faces=(),
        chips=np.stack(chips) if chips else np.zeros((0, CHIP_SIZE, CHIP_SIZE, 3), np.uint8),
        landmarks=np.tile(np.array(POINTS, np.float32), (count, 1, 1)),
        sides=np.full((count, 2), 100, np.float32),
        extents=np.tile(np.array([0, 0, CHIP_SIZE, CHIP_SIZE], np.float32), (count, 1)),
        found=np.array([file.stem != "nobody" for file in readable], bool),
        unreadable=tuple(unreadable),
    )


def nothing_known(crops: Float32 | UInt8, /) -> list[Float32]:
    """An embedder that sees no difference between people: noise that depends on the last digits of the pixels."""
    seeds = (crops.astype(np.int64).sum((1, 2, 3)) % 100_003).tolist()
    return [unit(np.stack([np.random.default_rng(seed).normal(size=128) for seed in seeds]).astype(np.float32))]


def all_known(crops: Float32 | UInt8, /) -> list[Float32]:
    """An embedder that hardly errs on the coloured chips: their colours at a few places, about the middle grey."""
    coarse = crops[:, 20::40, 20::40].reshape(len(crops), -1) - 127.5  # (N, 48)
    return [unit(np.pad(coarse, ((0, 0), (0, 80))))]


Rival = Callable[[Float32 | UInt8], list[Float32]]


@pytest.fixture
def rival(monkeypatch: pytest.MonkeyPatch, own_models: Path, real_weights: Path) -> Callable[[Rival], None]:
    """Set what the model that is to be beaten sees; nobody is asked where faces are."""
    monkeypatch.setattr(faces.Detector, "load", lambda *args: None)
    monkeypatch.setattr(module, "portrait_chips", fake_cut)

    def setting(net: Rival) -> None:
        monkeypatch.setattr(Embedder, "load", lambda *args: Embedder(spec_of("facenet"), "mark", net))

    setting(nothing_known)
    return setting


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for who in range(8):
        (folder / f"person {who}").mkdir(parents=True)
        for i in range(3):
            Image.fromarray(chip_of(who, i + 1)).save(folder / f"person {who}" / f"{i}.png")
    return folder


def test_a_better_model_is_installed_and_can_embed(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path, own_models: Path
) -> None:
    (photos / "person 1" / "nobody.png").write_bytes((photos / "person 1" / "0.png").read_bytes())
    (photos / "person 2" / "empty.jpg").touch()
    trained = train(replace(REQUEST, data=photos), tmp_path / "run")
    assert trained.installed
    assert trained.finished
    assert trained.judged.merit > trained.against.merit
    assert (own_models / "family.safetensors").is_file()
    assert sorted(sentence.rpartition("/")[2] for sentence in trained.trouble) == [
        "empty.jpg: it is empty",
        "nobody.png: no face was found",
    ]
    spec = spec_of("family")
    assert (spec.arch, spec.size, spec.dimension) == ("mobilefacenet", 112, 128)
    assert spec.accuracy is not None
    assert spec.accuracy["held-out"] == pytest.approx(100 * trained.judged.accuracy, abs=0.01)
    assert len(fingerprint("family")) == 16


def test_one_that_is_no_better_is_kept_aside(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path, own_models: Path
) -> None:
    rival(all_known)
    trained = train(replace(REQUEST, data=photos), tmp_path / "run")
    assert not trained.installed
    assert trained.against.merit >= trained.judged.merit
    assert trained.file.is_file()
    assert not own_models.exists()


def test_what_is_compared_is_what_is_stored(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path, own_models: Path
) -> None:
    trained = train(replace(REQUEST, data=photos), tmp_path / "run")
    again = train(asked(tmp_path / "run"), tmp_path / "run", resume=True) if not trained.installed else None
    assert again is None or again.judged == trained.judged
    assert trained.best in (0, 2)


def test_a_run_tells_what_it_was_asked_and_goes_on_without_the_photos(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path
) -> None:
    request = replace(
        REQUEST, data=photos, options=replace(OPTIONS, people=0, others=8), teachers={"facenet": 2.0}
    )
    rival(all_known)
    train(request, tmp_path / "run")
    assert asked(tmp_path / "run") == request
    aims = np.load(tmp_path / "run" / "targets.npy")
    assert aims.shape[0] == 24
    assert np.linalg.norm(aims, axis=1) == pytest.approx(1, abs=1e-5)
    for photo in photos.rglob("*.png"):
        photo.unlink()
    assert train(asked(tmp_path / "run"), tmp_path / "run", resume=True).finished


def test_teachers_are_asked_at_every_step_when_pictures_are_mixed(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path
) -> None:
    rival(all_known)
    options = replace(OPTIONS, people=0, others=8, augment=AugmentOptions(surround=0.5, morph=0.5))
    request = replace(REQUEST, data=photos, options=options, teachers={"facenet": 1.0})
    train(request, tmp_path / "run")
    assert asked(tmp_path / "run") == request
    assert not (tmp_path / "run" / "targets.npy").exists()
    kept = (tmp_path / "run" / "panel.npz").read_bytes()
    steps = (tmp_path / "run" / "steps.csv").read_text().splitlines()
    assert all(float(line.split(",")[2]) > 0 for line in steps[1:])
    assert train(asked(tmp_path / "run"), tmp_path / "run", resume=True).finished
    assert (tmp_path / "run" / "panel.npz").read_bytes() == kept


def test_a_facenet_that_knows_something_learns_from_mixed_faces_and_is_stored_as_it_is(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path
) -> None:
    rival(all_known)
    options = replace(
        OPTIONS, steps=1, people=0, others=4, judge_every=1, chunk=4, augment=AugmentOptions(morph=1.0), decay=0.0
    )
    request = replace(
        REQUEST, data=photos, arch="facenet", start="facenet", options=options, teachers={"facenet": 1.0}
    )
    trained = train(request, tmp_path / "run")
    arrays, card = read_model(trained.file)
    assert (card.arch, card.dimension, card.crop) == ("facenet", 128, "box 36/160")
    kept = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["course"]["best"]
    bias = arrays["trunk.conv2d_1a.bn.bias"]
    assert bias == pytest.approx(kept["trunk.conv2d_1a.conv.bias"].numpy(), abs=1e-6)
    assert "trunk.conv2d_1a.bn.bias" not in kept


def test_the_arrays_of_a_pupil_are_those_of_its_kind(real_weights: Path) -> None:
    learning = pupil("facenet", "facenet", 0)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in learning.net.modules())
    assert all(parameter.requires_grad for parameter in learning.net.parameters())
    with torch.no_grad():
        for parameter in learning.net.parameters():
            parameter.mul_(1.01)
    given = torch.rand(2, 3, 160, 160) * 2 - 1
    again = pupil_of(arrays_of_pupil(learning), learning, "cpu")
    assert again.whole is None
    with torch.inference_mode():
        np.testing.assert_allclose(again.net(given), learning.net(given), atol=1e-5)


@pytest.mark.parametrize("name", ["facenet", "a name", "", "-x"])
def test_a_name_that_cannot_be_had_is_told_before_anything_else(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageError, match=r"built in|cannot be called"):
        train(replace(REQUEST, name=name, data=photos), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_little_is_refused_with_what_is_least(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path
) -> None:
    for who in range(3, 8):
        for photo in (photos / f"person {who}").iterdir():
            photo.unlink()
    with pytest.raises(UsageError, match="6 people with two faces"):
        train(replace(REQUEST, data=photos), tmp_path / "run")


def test_an_empty_library_and_no_photos_are_sentences(rival: Callable[[Rival], None], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data FOLDER"):
        train(REQUEST, tmp_path / "run")
    with Store(tmp_path / "library.db") as store, pytest.raises(UsageError, match="library is empty"):
        of_library(store)


def test_a_run_of_another_version_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"name": "x", "options": {"augment": {}, "colour": "red"}}))
    with pytest.raises(UsageError, match="another version"):
        asked(tmp_path)


def test_faces_are_kept_and_read_back(tmp_path: Path) -> None:
    given = faces_of(np.array([0, 0, 1, -1]), np.array([0, 0, 1, 1]))
    save(given, tmp_path / "faces.npz")
    again = load(tmp_path / "faces.npz")
    assert again.jpegs == given.jpegs
    assert (again.people, again.sets) == (given.people, given.sets)
    for name in ("landmarks", "sides", "extents", "identity", "group"):
        assert (getattr(again, name) == getattr(given, name)).all()
    assert (tmp_path / "faces.npz").stat().st_mode & 0o077 == 0
    for damaged in (b"", b"PK\x03\x04 cut short", b"nonsense"):
        (tmp_path / "faces.npz").write_bytes(damaged)
        with pytest.raises(UsageError, match="damaged"):
            load(tmp_path / "faces.npz")
    np.savez(tmp_path / "faces.npz", jpegs=np.zeros(0, np.uint8), ends=np.zeros(0))
    with pytest.raises(UsageError, match="another version"):
        load(tmp_path / "faces.npz")


def test_some_faces_alone_keep_their_numbers() -> None:
    given = faces_of(np.array([0, 0, 1, -1]))
    some = given.only(np.array([2, 0]))
    assert some.jpegs == (given.jpegs[2], given.jpegs[0])
    assert some.identity.tolist() == [1, 0]
    assert some.chips([0]).shape == (1, CHIP_SIZE, CHIP_SIZE, 3)
    assert some.chips([]).shape == (0, CHIP_SIZE, CHIP_SIZE, 3)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"options": replace(OPTIONS, freeze="nowhere")}, "cannot be frozen up to 'nowhere'"),
        ({"teachers": {"nobody": 1.0}}, "no model called 'nobody'"),
        ({"against": "nobody"}, "no model called 'nobody'"),
        ({"arch": "vgg"}, "vgg"),
        ({"options": replace(OPTIONS, augment=AugmentOptions(morph=0.5))}, "--morph needs a --teacher"),
        (
            {"options": replace(OPTIONS, augment=AugmentOptions(morph=0.5)), "teachers": {"facenet": 1.0}},
            "--morph needs --others",
        ),
        ({"crop": "round"}, "no crop called round: choose one of box 36/160, steady 22/160, five-point 112"),
    ],
)
def test_what_cannot_be_is_said_before_any_face_is_looked_for(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], sentence: str
) -> None:
    monkeypatch.setattr(module, "_faces", lambda *args: pytest.fail("faces were looked for"))
    with pytest.raises(UsageError, match=sentence):
        train(replace(REQUEST, data=photos, **wrong), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_teachers_are_asked_only_about_the_sets_that_are_learnt_from(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path
) -> None:
    files = sorted(photos.glob("*/*.png"))
    rows = [f"{file},{'here' if i < 18 else 'there'},{file.parent.name}" for i, file in enumerate(files)]
    (photos / "labels.csv").write_text("\n".join(["path,set,person", *rows]) + "\n")
    rival(all_known)
    options = replace(OPTIONS, sets=("here",), people=0, others=8)
    request = replace(REQUEST, data=photos, options=options, teachers={"facenet": 1.0})
    train(request, tmp_path / "run")
    told = np.load(tmp_path / "run" / "targets.npy")
    given = load(tmp_path / "run" / "faces.npz")
    here = given.group == given.sets.index("here")
    assert here.sum() == 18
    assert np.linalg.norm(told[here], axis=1) == pytest.approx(1, abs=1e-5)
    assert not told[~here].any()
    assert asked(tmp_path / "run").options == options
    with pytest.raises(UsageError, match="no set called elsewhere"):
        train(replace(request, options=replace(options, sets=("elsewhere",))), tmp_path / "other")


@pytest.mark.parametrize(("wanted", "crop"), [(None, "box 36/160"), ("steady 22/160", "steady 22/160")])
def test_the_crop_is_that_of_the_model_it_begins_as_or_the_one_that_was_asked_for(
    rival: Callable[[Rival], None], photos: Path, tmp_path: Path, wanted: str | None, crop: str
) -> None:
    train(replace(REQUEST, data=photos, crop=wanted), tmp_path / "run")
    assert spec_of("family").crop == crop
    shown = pupil("facenet", "facenet", 0, "cpu", wanted)
    assert shown.crop == (wanted or spec_of("facenet").crop)
    assert asked(tmp_path / "run").crop == wanted
