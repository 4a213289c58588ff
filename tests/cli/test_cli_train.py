"""``facecluster train``, with a fake for the training itself; see ``tests/training`` for that."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facecluster.training import train as module
from facecluster.training.coach import Telling
from facecluster.training.finetune import Step
from facecluster.training.judge import Judged
from facecluster.training.learner import Figures
from facecluster.training.train import Request, Trained
from tests.cli.conftest import Run

BETTER, WORSE = Judged(0.95, 0.8, 0.9, 60, 12), Judged(0.9, 0.7, 0.8, 60, 12)


class Fake:
    """What the command asked for, and what it is to be told."""

    def __init__(self, trained: Trained) -> None:
        self.trained, self.requests, self.folders, self.resumed = trained, list[Request](), list[Path](), False

    def __call__(self, request: Request, run: Path, store: object, **told: Any) -> Trained:
        self.requests.append(request)
        self.folders.append(run)
        self.resumed = told["resume"]
        telling: Telling = told["telling"]
        told["on_progress"]("Finding faces", "photos", 3, 4)
        telling.on_judged(0, WORSE)
        telling.on_step(Step(1, 2, Figures(0.1, 0.2, 0.3, 0.4, 1.9), 12.0))
        telling.on_judged(2, BETTER)
        return replace(self.trained, file=run / f"{request.name}.safetensors")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake(Trained("family", "facenet", Path(), BETTER, WORSE, True, 2, 2))
    monkeypatch.setattr(module, "train", fake)
    return fake


def test_a_better_model_is_told_side_by_side_with_the_present_one(run: Run, fake: Fake) -> None:
    ran = run("train", "family", "--data", "photos")
    assert ran.code == 0
    assert "step     0: people set aside told apart 90.00%, VAL 80.0% at FAR 1e-2" in ran.err
    assert "  facenet  90.00%, VAL 80.0% at FAR 1e-2, 70.0% at 1e-3" in ran.out
    assert "  family   95.00%, VAL 90.0% at FAR 1e-2, 80.0% at 1e-3" in ran.out
    assert "better, and installed. Next: facecluster migrate --model family" in " ".join(ran.out.split())
    assert max(map(len, ran.out.splitlines())) <= 80


def test_one_that_is_no_better_is_named(run: Run, fake: Fake) -> None:
    fake.trained = replace(fake.trained, installed=False)
    ran = run("train", "family", "--data", "photos")
    assert ran.code == 0
    assert "not better, so it is not installed; it is kept in family-training/family.safetensors" in ran.out


def test_what_is_asked_for_arrives(run: Run, fake: Fake) -> None:
    words = (
        "--data photos --unlabelled more --arch nn2 --teacher sface=2 --teacher facenet --loss arcface --people 8 "
        "--faces 4 --others 32 --steps 7 --rate 0.01 --optimiser adagrad --freeze conv2 --margin 0.3 --seed 5 "
        "--run here --against sface --precision bf16 --chunk 9 --held-out 0.3 --judge-every 4 --mining hard "
        "--loss-weight 2 --target-weight 3 --similarity-weight 4 --device cpu --set one --set two "
        "--surround 0.7 --morph 0.4"
    )
    assert run("train", "family", *words.split(), "--crop", "steady 22/160").code == 0
    (request,) = fake.requests
    assert (request.data, request.unlabelled, request.arch, request.start) == (
        Path("photos"),
        Path("more"),
        "nn2",
        None,
    )
    assert (request.teachers, request.against, request.device) == ({"sface": 2.0, "facenet": 1.0}, "sface", "cpu")
    options = request.options
    assert (options.loss, options.mining, options.margin) == ("arcface", "hard", 0.3)
    assert (options.people, options.faces, options.others, options.steps) == (8, 4, 32, 7)
    assert (options.rate, options.optimiser, options.freeze, options.seed) == (0.01, "adagrad", "conv2", 5)
    assert (options.precision, options.chunk, options.held_out, options.judge_every) == ("bf16", 9, 0.3, 4)
    assert (options.loss_weight, options.target_weight, options.similarity_weight) == (2, 3, 4)
    assert (options.sets, request.crop) == (("one", "two"), "steady 22/160")
    assert (options.augment.surround, options.augment.morph) == (0.7, 0.4)
    assert fake.folders == [Path("here")]
    assert request.command.startswith("facecluster train family --data photos")


def test_a_facenet_begins_as_the_one_there_is_unless_told_otherwise(run: Run, fake: Fake) -> None:
    run("train", "family", "--data", "photos")
    run("train", "family", "--data", "photos", "--start", "none")
    run("train", "family", "--data", "photos", "--start", "older")
    assert [request.start for request in fake.requests] == ["facenet", None, "older"]


def test_a_training_is_gone_on_with(run: Run, fake: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = Request(name="family", data=Path("photos"))
    monkeypatch.setattr(module, "asked", lambda folder: before)
    assert run("train", "--resume", tmp_path).code == 0
    assert fake.requests == [before]
    assert fake.folders == [tmp_path]
    assert fake.resumed


@pytest.mark.parametrize("words", [(), ("family", "--resume", "folder")])
def test_a_name_or_a_folder_is_needed_and_not_both(run: Run, fake: Fake, words: tuple[str, ...]) -> None:
    ran = run("train", *words)
    assert ran.code == 1
    assert "one of the two" in ran.err


def test_a_teacher_without_a_number_is_a_sentence(run: Run, fake: Fake) -> None:
    ran = run("train", "family", "--data", "photos", "--teacher", "sface=much")
    assert ran.code == 1
    assert "like sface=2" in ran.err


def test_without_photos_and_without_a_library_it_says_so(run: Run, fake: Fake) -> None:
    ran = run("train", "family")
    assert ran.code == 1
    assert "facecluster scan FOLDER" in ran.err


def test_a_stop_says_how_to_go_on(run: Run, fake: Fake) -> None:
    fake.trained = replace(fake.trained, finished=False, step=1)
    ran = run("train", "family", "--data", "photos")
    assert ran.code == 130
    assert "facecluster train --resume family-training" in ran.out


def test_photos_without_a_face_are_named_the_first_of_them(run: Run, fake: Fake) -> None:
    fake.trained = replace(fake.trained, trouble=tuple(f"photo {i}: no face was found" for i in range(9)))
    ran = run("train", "family", "--data", "photos")
    assert "photo 4: no face" in ran.err
    assert "photo 5" not in ran.err
    assert "4 other photos" in ran.err


def test_json_is_for_scripts(run: Run, fake: Fake) -> None:
    ran = run("train", "family", "--data", "photos", "--json")
    told = json.loads(ran.out)
    assert told["installed"] is True
    assert told["judged"]["val"] == 0.8


def test_ctrl_c_before_the_first_step_ends_it_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pressed, reached = threading.Event(), []

    def train(request: Request, run: Path, store: object, **told: Any) -> Trained:
        told["on_progress"]("Asking the teachers", "faces", 1, 4)
        pressed.set()
        reached.append(told["telling"].stop)
        told["on_progress"]("Asking the teachers", "faces", 2, 4)
        raise AssertionError("it went on")

    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr("facecluster.cli.train.stop_on_ctrl_c", lambda: nullcontext(pressed))
    ran = run("train", "family", "--data", "photos")
    assert reached == [pressed]
    assert ran.code == 130
    assert "Stopped" in ran.err


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--optimiser", "no optimiser called strange: choose one of adamw, adagrad, muon"),
        ("--precision", "no precision called strange: choose one of auto, fp32, bf16"),
        ("--mining", "no mining called strange: choose one of"),
        ("--loss", "no loss called strange: choose one of"),
    ],
)
def test_a_choice_that_there_is_not_is_a_sentence(run: Run, fake: Fake, option: str, sentence: str) -> None:
    ran = run("train", "family", "--data", "photos", option, "strange")
    assert ran.code == 1
    assert sentence in " ".join(ran.err.split())
    assert not fake.requests
