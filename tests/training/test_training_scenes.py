from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facecluster.faces import decode, encode
from facecluster.nets.framing import similarity
from facecluster.records import CHIP_SIZE, Float32
from facecluster.training.augment import AugmentOptions
from facecluster.training.faces import TrainingFaces
from facecluster.training.scenes import Scene, Scenes, affine, blend, inside, mirrored, surrounded, warped
from tests.training.pictures import POINTS, chip_of, faces_of

STILL = AugmentOptions.none()
TIGHT = np.array([60, 50, 170, 180], np.float32)


def given() -> TrainingFaces:
    """Face 0 is cut tightly, face 1 has something around it, face 2 too but is not to be learnt from."""
    found = faces_of(np.array([0, 1, 2]))
    found.extents[0] = TIGHT
    return found


def scene(row: int, options: AugmentOptions, seed: int = 0, *, alone: bool = False) -> Scene:
    return Scenes(given(), np.array([0, 1]), options).of(row, np.random.default_rng(seed), alone=alone)


def test_without_changes_it_is_the_chip() -> None:
    chip, landmarks = scene(0, STILL)
    assert (chip == decode(given().jpegs[0])).all()
    assert landmarks.tolist() == given().landmarks[0].tolist()


def test_a_face_that_is_cut_gets_the_surroundings_of_one_that_is_not() -> None:
    chip, _ = scene(0, replace(STILL, surround=1.0))
    own, other = (decode(given().jpegs[row]).astype(float) for row in (0, 1))
    assert (chip[65:165, 75:155] == own[65:165, 75:155]).all()
    light = [each[85:140, 85:140].mean((0, 1)) + 5 for each in (own, other)]
    expected = np.minimum(other * np.clip(light[0] / light[1], 0.5, 2), 255)
    beyond = np.ones((CHIP_SIZE, CHIP_SIZE), bool)
    beyond[50:180, 60:170] = False
    assert np.abs(chip[beyond] - expected[beyond]).max() <= 1


def test_a_face_with_surroundings_keeps_them() -> None:
    assert (scene(1, replace(STILL, surround=1.0)).chip == decode(given().jpegs[1])).all()


def test_where_nobody_has_surroundings_a_face_stays_as_it_is() -> None:
    faces = given()
    faces.extents[:] = TIGHT
    scenes = Scenes(faces, np.array([0, 1]), replace(STILL, surround=1.0))
    assert (scenes.of(0, np.random.default_rng(0)).chip == decode(faces.jpegs[0])).all()


def test_a_mixed_face_is_the_mean_of_two() -> None:
    found = {scene(1, replace(STILL, morph=1.0), seed).chip.tobytes() for seed in range(8)}
    own, other = (decode(given().jpegs[row]).astype(float) for row in (1, 0))
    for seed in range(8):
        chip = scene(1, replace(STILL, morph=1.0), seed).chip.astype(float)
        difference = own - other
        share = ((chip - other) * difference).sum() / (difference**2).sum()
        assert 0.24 <= share <= 0.76 or share == pytest.approx(1, abs=0.01)  # mixed with itself
        assert np.abs(chip - (share * own + (1 - share) * other)).max() <= 1
    assert len(found) > 2


def test_those_for_the_loss_over_people_are_never_mixed() -> None:
    assert (scene(1, replace(STILL, morph=1.0), alone=True).chip == decode(given().jpegs[1])).all()


def test_nothing_is_taken_from_faces_that_are_not_learnt_from() -> None:
    scenes = Scenes(given(), np.array([0, 1]), replace(STILL, surround=1.0))
    assert scenes.donors.tolist() == [1]
    assert Scenes(given(), np.array([0]), STILL).donors.tolist() == []


@pytest.mark.parametrize(
    "extent", [TIGHT, np.array([0, 30.5, 224, 224], np.float32), np.array([0, 0, 224, 224], np.float32)]
)
def test_how_much_is_its_own(extent: Float32) -> None:
    share = inside(extent)
    for y, x in ((0, 0), (112, 112), (55, 100), (100, 65), (178, 168), (34, 3), (223, 223)):
        expected = 1.0
        for place, start, end in ((x, extent[0], extent[2]), (y, extent[1], extent[3])):
            near = 1.0
            if start > 1:
                near = min(near, (place + 0.5 - start - 1) / 10)
            if end < 223:
                near = min(near, (end - 1 - place - 0.5) / 10)
            expected *= min(max(near, 0), 1)
        assert share[y, x] == pytest.approx(expected, abs=1e-6)


def test_an_affine_map_brings_points_where_they_belong() -> None:
    source = np.array(POINTS, np.float32)
    turn = np.array([[0.9, 0.2, 5], [-0.1, 1.1, -7]], np.float32)
    target = (source @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    assert affine(source, target) == pytest.approx(turn, abs=1e-4)


def test_a_map_that_would_squash_or_mirror_a_face_is_a_similarity_instead() -> None:
    source = np.array(POINTS, np.float32)
    for turn in (np.diag([0.2, 1.0]), np.diag([-1.0, 1.0]), np.diag([1.0, 2.5])):
        target = (source @ turn.T).astype(np.float32)
        (expected,) = similarity(source[None].astype(float), target[None].astype(float))
        assert affine(source, target) == pytest.approx(expected)
        assert np.linalg.det(affine(source, target)[:, :2]) > 0


def test_the_landmarks_of_a_warped_chip_are_those_of_the_other_face() -> None:
    chip = np.zeros((CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
    theirs = np.array(POINTS, np.float32) * np.array([0.9, 1.1], np.float32) + np.array([12, -6], np.float32)
    for x, y in np.rint(theirs).astype(int):
        chip[y - 2 : y + 3, x - 2 : x + 3] = 255
    for to_chip in (
        affine(np.array(POINTS, np.float32), theirs),
        similarity(np.array([POINTS], np.float32), theirs[None])[0],
    ):
        seen = warped(chip, to_chip)[:, :, 0]
        for x, y in POINTS:
            top, left = np.argwhere(seen[y - 12 : y + 13, x - 12 : x + 13] > 128).mean(0)
            assert (left, top) == pytest.approx((12, 12), abs=4)


def test_light_is_measured_in_the_middle_and_changed_within_limits() -> None:
    dark, bright = np.full((2, CHIP_SIZE, CHIP_SIZE, 3), [[[[10]]], [[[200]]]], np.uint8)
    assert surrounded(dark, TIGHT, bright)[0, 0].tolist() == [100, 100, 100]
    assert surrounded(bright, TIGHT, dark)[0, 0].tolist() == [20, 20, 20]
    assert surrounded(bright, TIGHT, bright // 4 * 3)[0, 0].tolist() == pytest.approx([198, 198, 198], abs=1)


def test_the_mean_of_two_chips() -> None:
    one, other = chip_of(1), chip_of(2)
    expected = 0.25 * one.astype(float) + 0.75 * other
    assert np.abs(blend(one, other, 0.25) - expected).max() <= 0.5 + 1e-6


def test_a_mirrored_face_has_its_left_eye_where_the_right_one_was() -> None:
    chip = chip_of(3)
    for x, y in POINTS:
        chip[y, x] = 255
    found = mirrored(Scene(chip, np.array(POINTS, np.float32)))
    assert (found.chip[:, ::-1] == chip).all()
    for x, y in found.landmarks.astype(int):
        assert found.chip[y, x].tolist() == [255, 255, 255]
    left_eye, right_eye, _, left_mouth, right_mouth = found.landmarks
    assert left_eye[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    again = mirrored(found)
    assert again.landmarks.tolist() == np.array(POINTS, np.float32).tolist()
    assert (again.chip == chip).all()


def test_half_of_the_faces_are_mirrored() -> None:
    plain = decode(given().jpegs[1])
    seen = [scene(1, replace(STILL, flip=0.5), seed).chip for seed in range(40)]
    assert 10 <= sum((chip == plain).all() for chip in seen) <= 30
    assert all((chip == plain).all() or (chip == plain[:, ::-1]).all() for chip in seen)


def test_what_is_encoded_is_what_was_drawn() -> None:
    assert np.abs(decode(encode(chip_of(1))).astype(int) - chip_of(1)).mean() < 2


@pytest.mark.parametrize("options", [replace(STILL, morph=1.0), replace(STILL, surround=1.0)])
def test_landmarks_of_the_other_face_come_to_lie_on_those_of_the_first(options: AugmentOptions) -> None:
    """Faces that are white squares at their landmarks, which lie elsewhere in each; there are only as many."""
    places = [np.array(POINTS, float), np.array(POINTS) * 0.9 + [20, 4]]
    chips = []
    for points in places:
        chips.append(np.zeros((CHIP_SIZE, CHIP_SIZE, 3), np.uint8))
        for x, y in np.rint(points).astype(int):
            chips[-1][y - 3 : y + 4, x - 3 : x + 4] = 255
    faces = faces_of(np.array([0, 1]))
    faces = replace(faces, jpegs=tuple(map(encode, chips)), landmarks=np.array(places, np.float32))
    if options.surround:
        faces.extents[0] = 0, 0, 20, 20  # nothing of it is shown, but its landmarks are known
    chip, landmarks = Scenes(faces, np.array([0, 1]), options).of(0, np.random.default_rng(1))
    assert landmarks == pytest.approx(places[0])
    for x, y in POINTS:
        assert chip[y - 2 : y + 3, x - 2 : x + 3].mean() > 150
    assert (chip > 100).mean() < 0.01
