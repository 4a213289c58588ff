from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from facecluster.errors import UsageError
from facecluster.nets.architectures import Architecture
from facecluster.training import checkpoint, curve
from facecluster.training.augment import AugmentOptions
from facecluster.training.coach import Coach, Telling
from facecluster.training.finetune import CollapsedError, Course, Step
from facecluster.training.judge import Judged
from facecluster.training.learner import Figures, Learner
from facecluster.training.losses import make_loss
from facecluster.training.options import TrainOptions
from facecluster.training.pupil import Pupil
from facecluster.training.targets import unit
from tests.training.pictures import faces_of

SIZE = 16
IDENTITY = np.repeat(np.arange(12), 5).astype(np.int64)


class Tiny(nn.Module):
    """Two layers and a head, (N, 3, 16, 16) to unit vectors (N, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 12, 4, stride=4)
        self.head = nn.Linear(12 * 16, 8)

    def forward(self, x: Tensor) -> Tensor:
        return normalize(self.head(torch.tanh(self.body(x)).flatten(1)))


def tiny(seed: int = 0) -> Pupil:
    torch.manual_seed(seed)
    kind = Architecture(
        name="tiny",
        size=SIZE,
        build=lambda dimension=8: Tiny(),
        blocks={"body": ("body",), "head": ("head",)},
        source="",
    )
    return Pupil(Tiny(), kind)


OPTIONS = TrainOptions(
    steps=30, people=4, faces=4, rate=3e-3, warm_up=2, decay=0.9, judge_every=10, held_out=0.4, precision="fp32"
)


def coach(options: TrainOptions = OPTIONS, taught: bool = False) -> Coach:
    given = faces_of(IDENTITY)
    targets = unit(np.eye(12, 8)[IDENTITY % 8].astype(np.float32)) if taught else None
    return Coach(tiny(), given, options, targets)


def begun(folder: Path) -> Path:
    checkpoint.begin(folder, {})
    return folder


def test_training_makes_people_who_were_set_aside_easier_to_tell_apart(tmp_path: Path) -> None:
    one = coach()
    assert one.train(begun(tmp_path / "run"))
    assert set(one.course.judged) == {0, 10, 20, 30}
    assert one.course.losses[-1].loss < one.course.losses[0].loss
    best = one.course.judged[one.course.best_step]
    assert best.merit >= one.course.judged[0].merit
    assert not set(one.given.identity[one.rows]) & set(one.given.identity[one.held_out])


def test_teachers_are_imitated_without_labels(tmp_path: Path) -> None:
    options = replace(OPTIONS, people=0, others=16, steps=60, loss_weight=0.0)
    one = coach(options, taught=True)
    one.train(begun(tmp_path / "run"))
    assert one.course.losses[-1].targets < 0.6 * one.course.losses[0].targets
    assert one.course.losses[-1].loss == 0


@pytest.mark.parametrize("loss", ["triplet", "arcface"])
def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path: Path, loss: str) -> None:
    options = replace(OPTIONS, loss=loss)
    whole = coach(options)
    whole.train(begun(tmp_path / "whole"))
    stop = threading.Event()

    def until(step: Step) -> None:
        if step.number == 13:
            stop.set()

    folder = begun(tmp_path / "halves")
    assert not coach(options).train(folder, Telling(until, stop=stop))
    second = coach(options)
    assert second.train(folder)
    assert len(second.course.losses) == 30
    assert second.course.losses[-1] == whole.course.losses[-1]
    for name, value in whole.pupil.net.state_dict().items():
        assert torch.equal(value, second.pupil.net.state_dict()[name]), name


def test_the_best_weights_are_kept_and_not_the_last(tmp_path: Path) -> None:
    one = coach()
    merits = iter([0.5, 0.7, 0.9, 0.6])
    seen = []

    def judge(weights: dict[str, Tensor] | None) -> Judged:
        seen.append({name: value.clone() for name, value in (weights or {}).items()})
        merit = next(merits)
        return Judged(merit, merit, merit, 1, 1)

    one.judge = judge  # type: ignore[method-assign]
    one.train(begun(tmp_path / "run"))
    assert one.course.best_step == 20
    assert one.course.best is not None
    assert all(torch.equal(value, seen[2][name]) for name, value in one.course.best.items())


def test_frozen_blocks_stay(tmp_path: Path) -> None:
    one = coach(replace(OPTIONS, freeze="body"))
    before = {name: value.clone() for name, value in one.pupil.net.state_dict().items()}
    one.train(begun(tmp_path / "run"))
    after = one.pupil.net.state_dict()
    assert torch.equal(before["body.weight"], after["body.weight"])
    assert not torch.equal(before["head.weight"], after["head.weight"])


def test_a_collapse_ends_it_with_a_sentence(tmp_path: Path) -> None:
    one = coach()
    with torch.no_grad():
        one.pupil.net.get_parameter("head.weight").zero_()
        one.pupil.net.get_parameter("head.bias").fill_(1)
    with pytest.raises(CollapsedError, match="same embedding"):
        one.train(begun(tmp_path / "run"))


def test_the_gradient_of_a_batch_in_chunks_is_that_of_the_batch() -> None:
    given, identity = faces_of(IDENTITY), np.arange(20) // 5
    targets = unit(np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32))
    weights = []
    for chunk in (64, 7):
        net, options = tiny().net, replace(OPTIONS, chunk=chunk, optimiser="adagrad")
        learner = Learner(net, list(net.parameters()), make_loss("triplet", 8, 4), options)
        pictures = np.stack([given.chips([i])[0, :SIZE, :SIZE] for i in range(20)])
        for _ in range(3):
            learner.learn(pictures, identity, 20, targets)
        weights.append(net.state_dict())
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], atol=1e-5), name


def test_the_rate_rises_and_falls_and_heads_learn_faster() -> None:
    net = tiny().net
    options = replace(OPTIONS, head_rate=4.0)
    learner = Learner(net, list(net.parameters()), make_loss("triplet", 8, 4), options)
    pictures = np.zeros((4, SIZE, SIZE, 3), np.uint8)
    rates = []
    for _ in range(OPTIONS.steps):
        learner.learn(pictures, np.array([0, 0, 1, 1]), 4, None)
        rates.append([group["lr"] for group in learner.optimiser.param_groups])
    slow, quick = np.array(rates).T
    assert quick == pytest.approx(4 * slow)
    assert slow.argmax() == options.warm_up
    assert slow.max() == pytest.approx(options.rate)
    assert (np.diff(slow[options.warm_up :]) < 0).all()


@pytest.mark.parametrize(("fresh", "chunk", "moves"), [(True, 8, True), (True, 4, False), (False, 8, False)])
def test_batch_norm_learns_only_in_a_new_network_that_sees_the_whole_batch(
    fresh: bool, chunk: int, moves: bool
) -> None:
    norm = nn.BatchNorm2d(3)
    net = nn.Sequential(norm, Tiny())
    options = replace(OPTIONS, chunk=chunk)
    learner = Learner(net, list(net.parameters()), make_loss("triplet", 8, 4), options, fresh=fresh)
    learner.learn(np.full((8, SIZE, SIZE, 3), 200, np.uint8), np.arange(8) // 2, 8, None)
    assert norm.running_mean is not None
    assert bool(norm.running_mean.any()) == moves
    assert not net.training


def test_what_a_run_keeps_can_be_read(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run")
    coach().train(folder)
    rows = (folder / "steps.csv").read_text().splitlines()
    assert rows[0] == "step,loss,targets,similarities,active,spread"
    assert len(rows) == 31
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "facecluster train --resume" in (folder / "README.txt").read_text()


def test_a_folder_with_something_in_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        checkpoint.begin(tmp_path, {})


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 truncated"])
def test_a_damaged_checkpoint_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    folder = begun(tmp_path / "run")
    (folder / "checkpoint.pt").write_bytes(content)
    with pytest.raises(UsageError, match="damaged or of another training"):
        coach().train(folder)


def test_no_training_to_go_on_with_is_a_sentence(tmp_path: Path) -> None:
    for content in (None, "nonsense", "[]"):
        if content is not None:
            (tmp_path / "run.json").write_text(content)
        with pytest.raises(UsageError, match="no training to go on with"):
            checkpoint.about(tmp_path)


def test_a_curve_is_the_mean_of_the_last_steps() -> None:
    values = np.random.default_rng(0).normal(size=50).tolist()
    slowly = [float(np.mean(values[max(0, i - 19) : i + 1])) for i in range(50)]
    assert curve.smoothed(values) == pytest.approx(slowly, abs=1e-6)
    assert len(curve.smoothed([])) == 0


def test_nothing_is_drawn_before_the_first_step(tmp_path: Path) -> None:
    curve.draw(Course(), tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_of_equal_judgements_the_first_is_the_best() -> None:
    course = Course(losses=[Figures(1, 0, 0, 0, 1)])
    course.judged = {
        0: Judged(0.5, 0.5, 0.5, 2, 2),
        10: Judged(0.6, 0.6, 0.6, 2, 2),
        20: Judged(0.6, 0.6, 0.6, 2, 2),
    }
    assert course.best_step == 10


def test_pictures_of_a_step_do_not_depend_on_the_others() -> None:
    pictures = coach(replace(OPTIONS, augment=AugmentOptions())).lesson.pictures
    rows = np.arange(6)
    one = pictures.of(rows, 3).pictures
    assert (pictures.of(rows, 3).pictures == one).all()
    assert (pictures.of(rows[:2], 3).pictures == one[:2]).all()
    assert (pictures.of(rows, 4).pictures != one).any()


def test_some_sets_alone_are_learnt_from_and_all_are_judged_on() -> None:
    identity = np.append(np.repeat(np.arange(21), 3), [-1, -1, -1])
    group = np.append(np.repeat([0, 1, 2], 21), [0, 1, 2])
    given = faces_of(identity, group)
    whole, part = (Coach(tiny(), given, replace(OPTIONS, sets=sets)) for sets in ((), ("s0", "s2")))
    assert part.rows.tolist() == [row for row in whole.rows if group[row] != 1]
    assert 0 < len(part.rows) < len(whole.rows)
    assert part.lesson.rows.tolist() == part.rows.tolist()
    assert part.held_out.tolist() == whole.held_out.tolist()
    assert set(group[part.held_out]) == {0, 1, 2}
    with pytest.raises(UsageError, match="no set called s3 among the faces, but s0, s1, s2"):
        Coach(tiny(), given, replace(OPTIONS, sets=("s0", "s3")))
