from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facecluster.embeddings import Embedder
from facecluster.errors import UsageError
from facecluster.faces import decode
from facecluster.nets.specs import spec_of
from facecluster.records import Float32, UInt8
from facecluster.training.augment import AugmentOptions
from facecluster.training.faces import TrainingFaces
from facecluster.training.panel import Panel
from facecluster.training.pictures import Pictures
from facecluster.training.scenes import Scene, Scenes, mirrored
from facecluster.training.targets import Teacher, targets, unit
from tests.training.pictures import faces_of


def colours(crops: Float32 | UInt8, /) -> list[Float32]:
    """Sees the colours of a crop at nine places."""
    seen = crops[:, 30::50, 30::50].reshape(len(crops), -1).astype(np.float32) + 1
    return [np.pad(seen, ((0, 0), (0, 128 - seen.shape[1])))]


def teacher(weight: float = 1.0) -> Teacher:
    return Teacher(Embedder(spec_of("facenet"), "0", colours), weight)


def given() -> TrainingFaces:
    return faces_of(np.arange(12))


def panel(*teachers: Teacher) -> Panel:
    scenes = Scenes(given(), np.arange(12), AugmentOptions.none())
    return Panel.fit(teachers, scenes, 8, 0)


def scenes_of(rows: range) -> list[Scene]:
    return [Scene(decode(given().jpegs[row]), given().landmarks[row]) for row in rows]


def test_it_says_of_faces_what_teachers_who_are_asked_once_say() -> None:
    both = Panel.fit([teacher(), teacher(0.5)], Scenes(given(), np.arange(12), AugmentOptions.none()), 128, 0)
    said = both.say(scenes_of(range(12)), given().sides)
    assert np.linalg.norm(said, axis=1) == pytest.approx(1, abs=1e-5)
    (seen,) = colours(np.stack([chip[32:192, 32:192] for chip, _ in scenes_of(range(12))]))
    seen = unit(seen)
    centred = unit(seen - seen.mean(0))
    assert said @ said.T == pytest.approx(centred @ centred.T, abs=1e-3)


def test_it_sees_the_picture_that_the_student_sees() -> None:
    shown = Pictures(given(), 160, "box 36/160", replace(AugmentOptions.none(), flip=1.0), panel=panel(teacher()))
    pictures, said = shown.of(np.arange(4), 0, alone=0)
    flipped = [mirrored(each) for each in scenes_of(range(4))]
    assert said == pytest.approx(panel(teacher()).say(flipped, given().sides[:4]), abs=1e-6)
    for picture, scene in zip(pictures, flipped, strict=True):
        assert np.abs(picture.astype(int) - scene.chip[32:192, 32:192]).max() <= 1


def test_pictures_without_a_panel_have_no_targets() -> None:
    assert Pictures(given(), 160, "box 36/160", AugmentOptions.none()).of(np.arange(2), 0).targets is None


def test_faces_for_the_loss_are_not_mixed_and_others_are() -> None:
    pictures = Pictures(given(), 160, "box 36/160", replace(AugmentOptions.none(), morph=1.0))
    mixed, plain = (pictures.of(np.arange(6), 1, alone).pictures for alone in (3, None))
    same = (mixed == plain).all((1, 2, 3)).tolist()
    assert same[:3] == [True] * 3
    assert not all(same[3:])


def test_it_is_kept_and_read_back(tmp_path: Path) -> None:
    one = panel(teacher(), teacher(0.3))
    one.save(tmp_path / "panel.npz")
    again = Panel.load(tmp_path / "panel.npz", one.teachers)
    scenes, sides = scenes_of(range(5)), given().sides[:5]
    assert (again.say(scenes, sides) == one.say(scenes, sides)).all()
    assert (tmp_path / "panel.npz").stat().st_mode & 0o077 == 0
    whole = (tmp_path / "panel.npz").read_bytes()
    for damaged in (b"", b"PK\x03\x04 cut short", whole[: len(whole) // 2], b"nonsense"):
        (tmp_path / "panel.npz").write_bytes(damaged)
        with pytest.raises(UsageError, match="damaged"):
            Panel.load(tmp_path / "panel.npz", one.teachers)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    scenes = Scenes(given(), np.arange(12), AugmentOptions.none())
    Panel.fit([teacher()], scenes, 8, 0, lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)


def test_targets_of_faces_as_they_are_have_unit_length() -> None:
    found = targets(given(), [teacher()], 8)
    assert found.shape == (12, 8)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
