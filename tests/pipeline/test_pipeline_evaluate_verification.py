"""LFW and YouTube Faces with painted people: distances by loops, what is left out, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecluster.errors import UsageError
from facecluster.evaluation import verify_distances
from facecluster.faces import DetectOptions
from facecluster.pipeline import networks, portraits
from facecluster.pipeline.evaluate import youtube
from facecluster.pipeline.evaluate.options import MeasureOptions
from facecluster.pipeline.evaluate.pictures import Pictures
from facecluster.pipeline.evaluate.verification import measure_lfw, measure_videos
from facecluster.pipeline.portraits import Portrayer
from facecluster.records import Face, Float32, UInt8
from tests.conftest import fake_detect, fake_embed

Paint = Callable[..., Path]

OPTIONS = MeasureOptions(("facenet",))

PHOTOS = {
    "Ana": ["red", "red", "blue"],  # the third is taken for Bo
    "Bo": ["blue", "blue", "white"],
    "Cy": ["green", "green", "red"],
}
PAIRS = [
    *([("Ana", 1, "Ana", 2), ("Bo", 1, "Bo", 2)], [("Ana", 1, "Bo", 1), ("Ana", 3, "Bo", 2)]),
    *([("Cy", 1, "Cy", 2), ("Ana", 2, "Ana", 1)], [("Ana", 1, "Cy", 1), ("Bo", 1, "Cy", 2)]),
    *([("Bo", 2, "Bo", 1), ("Ana", 1, "Ana", 3)], [("Cy", 2, "Ana", 2), ("Cy", 1, "Bo", 2)]),
]


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The networks are fakes; whether each loading asked for ``flip``."""
    flips: list[bool] = []

    def portrayer(models: Sequence[str], device: str, *, flip: bool, options: DetectOptions) -> Portrayer:
        flips.append(flip)
        return Portrayer(fake_detect, dict.fromkeys(models, fake_embed))

    monkeypatch.setattr(networks, "portrayer", portrayer)
    return flips


@pytest.fixture
def folder(tmp_path: Path, paint: Paint) -> Path:
    """LFW in small: three folds of two pairs of one person and two of two."""
    for person, colours in PHOTOS.items():
        for i, colour in enumerate(colours, 1):
            paint(tmp_path / "lfw" / person / f"{person}_{i:04d}.jpg", "white", colour, seed=i)
    lines = ["3\t2"]
    for part in PAIRS:
        lines += ["\t".join(map(str, (a, m, n) if a == b else (a, m, b, n))) for a, m, b, n in part]
    (tmp_path / "lfw" / "pairs.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "lfw"


def vector(file: Path) -> Float32:
    vectors = portraits.embed_portraits([file], Portrayer(fake_detect, {"x": fake_embed})).vectors["x"]
    return vectors.reshape(-1)


def slow(folder: Path) -> tuple[list[float], list[bool], list[int]]:
    """Distances of all pairs, one after the other."""
    pairs = [pair for part in PAIRS for pair in part]
    distances = [
        float(sum((vector(folder / a / f"{a}_{m:04d}.jpg") - vector(folder / b / f"{b}_{n:04d}.jpg")) ** 2))
        for a, m, b, n in pairs
    ]
    return distances, [a == b for a, _, b, _ in pairs], [i // 4 for i in range(len(pairs))]


def test_lfw_by_loops(folder: Path, fakes: list[bool]) -> None:
    done: list[tuple[int, int]] = []
    run = measure_lfw(folder, OPTIONS, on_progress=lambda now, total: done.append((now, total)))
    distances, same, folds = slow(folder)
    np.testing.assert_allclose(run.distances["facenet"], distances, atol=1e-5)
    (model,) = run.figures.models
    expected = verify_distances(np.array(distances), np.array(same), np.array(folds))
    assert model.verification.accuracy == pytest.approx(expected.accuracy)
    assert model.verification.accuracy.mean == pytest.approx((3 / 4 + 1 + 3 / 4) / 3)
    assert model.verification.folds == 3
    assert (run.figures.listed, run.figures.left_out, run.figures.photos, run.figures.centred) == (12, 0, 7, 0)
    assert done[-1] == (7, 7)
    assert fakes == [False]


def test_a_list_of_ones_own_and_several_models(folder: Path, tmp_path: Path, fakes: list[bool]) -> None:
    own = tmp_path / "own.txt"
    own.write_text("2\t1\nAna\t1\t2\nAna\t1\tBo\t1\nBo\t1\t2\nBo\t1\tCy\t1\n")
    run = measure_lfw(folder, MeasureOptions(("facenet", "sface"), flip=True), own)
    assert [model.model for model in run.figures.models] == ["facenet", "sface"]
    assert len({model.fingerprint for model in run.figures.models}) == 2
    assert run.figures.models[0].verification == run.figures.models[1].verification
    assert run.figures.models[0].verification.accuracy.mean == 1.0
    assert fakes == [True]


def test_pairs_with_missing_or_unreadable_photos_are_left_out_and_counted(folder: Path) -> None:
    (folder / "Bo" / "Bo_0002.jpg").unlink()
    (folder / "Cy" / "Cy_0002.jpg").write_bytes(b"\xff\xd8\xff nothing")
    run = measure_lfw(folder, OPTIONS)
    gone = [
        i for i, p in enumerate(pair for part in PAIRS for pair in part) if {p[:2], p[2:]} & {("Bo", 2), ("Cy", 2)}
    ]
    distances, same, folds = (np.delete(np.array(each), gone) for each in slow_without(folder))
    np.testing.assert_allclose(run.distances["facenet"], distances, atol=1e-5)
    assert run.pairs.folds.tolist() == folds.tolist()
    assert run.pairs.same.tolist() == same.tolist()
    assert (run.figures.listed, run.figures.left_out) == (12, len(gone))
    assert run.figures.missing == ("Bo/Bo_0002.jpg",)
    assert [one.path.name for one in run.figures.unreadable] == ["Cy_0002.jpg"]


def slow_without(folder: Path) -> tuple[list[float], list[bool], list[int]]:
    """``slow``, where the photos that are gone have any face."""
    for name in ("Bo/Bo_0002.jpg", "Cy/Cy_0002.jpg"):
        Image.open(folder / "Ana" / "Ana_0001.jpg").save(folder / name)
    return slow(folder)


def test_a_photo_without_a_face_is_cut_at_its_centre_and_counted(folder: Path) -> None:
    Image.new("RGB", (320, 240), (150, 10, 10)).save(folder / "Ana" / "Ana_0001.jpg", quality=95)
    run = measure_lfw(folder, OPTIONS)
    assert (run.figures.centred, run.figures.left_out) == (1, 0)
    dark = np.array([150, 10, 10]) / 127.5 - 1
    far = float(((dark / np.linalg.norm(dark) - vector(folder / "Ana" / "Ana_0002.jpg")[:3]) ** 2).sum())
    assert run.distances["facenet"][0] == pytest.approx(far, abs=0.01)


def test_errors_by_group_are_those_within_it(folder: Path) -> None:
    rows = ["path,person,sex,year"]
    for person, kind in (("Ana", "female"), ("Bo", "male"), ("Cy", "female")):
        rows += [f"{person}/{person}_{i:04d}.jpg,{person},{kind},{2000 + 4 * i}" for i in range(1, 4)]
    (folder / "attributes.csv").write_text("\n".join(rows) + "\n")
    (model,) = measure_lfw(folder, OPTIONS).figures.models
    sex, gap = model.columns
    female, male = sex.groups
    assert (sex.name, female.group, male.group, gap.name) == ("sex", "female", "male", "years apart")
    assert (female.same, female.different, female.frr, female.far) == (4, 2, 1 / 4, 0.0)
    assert (male.same, male.different, male.frr, male.far) == (2, 0, 0.0, None)
    assert {one.group: (one.same, one.different) for one in gap.groups} == {
        "same year": (0, 3),
        "3–5": (5, 3),
        "6–10": (1, 0),
    }


@pytest.mark.parametrize("trouble", ["nothing", "few", "model", "csv"])
def test_what_cannot_be_measured_is_said_before_networks_are_loaded(
    folder: Path, tmp_path: Path, fakes: list[bool], trouble: str
) -> None:
    options, why, place = OPTIONS, "", folder
    if trouble == "nothing":
        (tmp_path / "empty").mkdir()
        place, why = tmp_path / "empty", r"None of the pairs is in .*empty: .* such as Ana/Ana_0001.jpg"
    elif trouble == "few":
        for file in (*folder.glob("Bo/*"), *folder.glob("Cy/*")):
            file.unlink()
        why = "too few pairs"
    elif trouble == "model":
        options, why = MeasureOptions(("facenut",)), "no model called 'facenut'"
    else:
        (tmp_path / "a.csv").write_text("path,sex\nnobody.jpg,female\n")
        options, why = MeasureOptions(("facenet",), attributes=tmp_path / "a.csv"), "says nothing of these photos"
    with pytest.raises(UsageError, match=why):
        measure_lfw(place, options, folder / "pairs.txt")
    assert fakes == []


VIDEOS = {
    "Ana/0": ["red", "", "red", "green", "red"],
    "Ana/1": ["red", "red"],
    "Bo/0": ["blue", "blue", "green"],
    "Bo/7": ["blue", "", ""],
    "Cy/2": ["", "", ""],
}
VIDEO_PAIRS = [
    *(("1", "Ana/0", "Ana/1", 1), ("1", "Ana/0", "Bo/0", 0), ("1", "Bo/7", "Bo/0", 1), ("1", "Cy/2", "Bo/0", 0)),
    *(("2", "Ana/1", "Ana/0", 1), ("2", "Ana/1", "Bo/7", 0), ("2", "Bo/0", "Bo/7", 1), ("2", "Cy/2", "Ana/1", 0)),
]


@pytest.fixture
def frames(tmp_path: Path, paint: Paint) -> Path:
    """YouTube Faces in small, two folds; empty frames are grey."""
    for video, colours in VIDEOS.items():
        for i, colour in enumerate(colours):
            paint(tmp_path / "videos" / video / f"{i + 8}.jpg", *([colour] if colour else []))
    lines = [f"{fold}, {a}, {b}, 0.5, {same}, 0" for fold, a, b, same in VIDEO_PAIRS]
    (tmp_path / "videos" / "splits.txt").write_text(
        "split, first, second, similarity, same, x\n" + "\n".join(lines)
    )
    return tmp_path / "videos"


def test_the_distance_of_videos_is_the_mean_over_all_pairs_of_detected_frames(frames: Path) -> None:
    done: list[tuple[int, int]] = []
    run = measure_videos(frames, OPTIONS, on_progress=lambda now, total: done.append((now, total)))

    def seen(video: str) -> list[Float32]:
        files = [frames / video / f"{i + 8}.jpg" for i in range(len(VIDEOS[video]))]
        shown = [file for file, colour in zip(files, VIDEOS[video], strict=True) if colour]
        return [vector(file) for file in shown or files]  # without any face, the centres

    for (_, a, b, _), found in zip(VIDEO_PAIRS, run.distances["facenet"].tolist(), strict=True):
        all_pairs = [float(((one - other) ** 2).sum()) for one in seen(a) for other in seen(b)]
        assert found == pytest.approx(sum(all_pairs) / len(all_pairs), abs=1e-5)
    assert run.pairs.folds.tolist() == [1, 1, 1, 1, 2, 2, 2, 2]
    assert (run.figures.what, run.figures.photos, run.figures.centred) == ("videos", 5, 1)
    assert run.figures.models[0].verification.accuracy.mean == 1.0
    assert done == [(i, 5) for i in range(6)]


def test_only_the_first_detected_frames_count_and_no_more_are_read(
    frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(youtube, "CHUNK", 1)
    read: list[UInt8] = []

    def detect(images: Sequence[UInt8]) -> list[list[Face]]:
        read.extend(images)
        return fake_detect(images)

    files = youtube.frames_of(frames / "Ana/0")
    seen = youtube.watch(files, Portrayer(detect, {"x": fake_embed}), most=2)
    assert (seen.frames, seen.found, len(read)) == (2, True, 3)
    np.testing.assert_allclose(seen.means["x"], (vector(files[0]) + vector(files[2])) / 2, atol=1e-6)
    nobody = youtube.watch(youtube.frames_of(frames / "Cy/2"), Portrayer(fake_detect, {"x": fake_embed}), most=2)
    assert (nobody.frames, nobody.found) == (2, False)


def test_videos_that_are_missing_or_unreadable_are_left_out(frames: Path) -> None:
    for file in (frames / "Cy/2").iterdir():
        file.write_bytes(b"\xff\xd8\xff nothing")
    for file in (frames / "Bo/7").iterdir():
        file.unlink()
    (frames / "splits.txt").write_text(
        (frames / "splits.txt").read_text() + "\n1, Bo/0, Bo/0, 0, 1\n2, Bo/0, Bo/0, 0, 1\n2, Ana/0, Bo/0, 0, 0\n"
    )
    figures = measure_videos(frames, OPTIONS).figures
    assert figures.missing == ("Bo/7",)
    assert (figures.listed, figures.left_out, figures.photos) == (11, 5, 3)
    assert len(figures.unreadable) == 3


def test_pictures_of_a_run(folder: Path, tmp_path: Path) -> None:
    run = measure_lfw(folder, MeasureOptions(("facenet", "sface")))
    wanted = Pictures(tmp_path / "roc.png", tmp_path / "worst.jpg")
    wanted.check()
    wanted.draw(run)
    with Image.open(tmp_path / "roc.png") as roc, Image.open(tmp_path / "worst.jpg") as worst:
        assert (roc.format, roc.size, worst.format) == ("PNG", (960, 720), "JPEG")
        blue = np.abs(np.asarray(worst, int) - (40, 60, 230)).max(axis=2) < 40
        red = np.abs(np.asarray(worst, int) - (220, 30, 30)).max(axis=2) < 40
    assert blue[:, : blue.shape[1] // 2].any(), "Ana's third photo is taken for Bo"
    assert red[:, red.shape[1] // 2 :].any(), "Ana's first and third are not taken for one person"
    with pytest.raises(UsageError, match="is there already"):
        wanted.check()
    with pytest.raises(UsageError, match=r"call it roc\.png"):
        Pictures(roc=tmp_path / "roc.pdf").check()
    Pictures().check()
