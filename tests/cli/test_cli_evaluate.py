"""``facecluster evaluate``: what it prints, records and draws; with fakes, and with the real networks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from facecluster.demo import draw_library
from facecluster.evaluation import Column, Estimate, GroupRates
from facecluster.faces import DetectOptions
from facecluster.nets.specs import spec_of
from facecluster.pipeline import networks
from facecluster.pipeline.portraits import Portrayer
from facecluster.records import Face, UInt8
from facecluster.store import Store
from tests.cli.conftest import Run
from tests.conftest import fake_detect, fake_embed

JOIN = spec_of("facenet").join_distance
LFW = (spec_of("facenet").accuracy or {})["LFW"]

Paint = Callable[..., Path]

PAIRS = "2\t1\nAna\t1\t2\nAna\t1\tBo\t1\nBo\t1\t2\nBo\t2\tAna\t2\n"


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """Painted squares are faces, and no weights are stored; the models of each loading."""
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "weights"))
    loaded: list[tuple[str, ...]] = []

    def portrayer(models: Sequence[str], device: str, *, flip: bool, options: DetectOptions) -> Portrayer:
        loaded.append((*models, "flip") if flip else tuple(models))
        return Portrayer(fake_detect, dict.fromkeys(models, fake_embed))

    monkeypatch.setattr(networks, "portrayer", portrayer)
    return loaded


@pytest.fixture
def lfw(tmp_path: Path, paint: Paint, fakes: object) -> Path:
    for person, colour in (("Ana", "red"), ("Bo", "blue")):
        for i in (1, 2):
            paint(tmp_path / "lfw" / person / f"{person}_{i:04d}.jpg", colour, seed=i)
    (tmp_path / "lfw" / "pairs.txt").write_text(PAIRS)
    (tmp_path / "lfw" / "attributes.csv").write_text("person,sex\nAna,female\nBo,male\n")
    return tmp_path / "lfw"


def fits(text: str) -> bool:
    return max(len(line) for line in text.splitlines() if "/" not in line) <= 80


def test_lfw_is_printed_in_80_columns_and_makes_no_library(run: Run, lfw: Path, tmp_path: Path) -> None:
    ran = run("evaluate", "lfw", lfw)
    assert (ran.code, ran.err, fits(ran.out)) == (0, "", True)
    assert ran.out.startswith("4 photos.\n4 pairs in 2 folds, 2 of one person.\n")
    (row,) = [line.split() for line in ran.out.splitlines() if line.startswith(" facenet")]
    assert row[:6] == ["facenet", "100.00", "±", "0.00", "100.00", "100.00"]
    assert ["sex:", "female", "1", "0", "0.00", "–"] in [line.split() for line in ran.out.splitlines()]
    assert f"Not recorded: there is no library at {tmp_path / 'library.db'} yet." in ran.out
    assert not (tmp_path / "library.db").exists()


def test_json_has_all_figures(run: Run, lfw: Path, fakes: list[tuple[str, ...]]) -> None:
    ran = run("evaluate", "lfw", lfw, "--model", "facenet", "--model", "sface", "--flip", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert (found["what"], found["listed"], found["left_out"], found["recorded"]) == ("lfw", 4, 0, None)
    assert [model["model"] for model in found["models"]] == ["facenet", "sface"]
    accuracy = found["models"][0]["verification"]["accuracy"]
    assert accuracy == {"mean": 1.0, "error": 0.0}
    assert found["models"][1]["verification"]["at_far"][1]["rate"] == 0.001
    assert found["models"][0]["columns"][0]["groups"][0]["group"] == "female"
    assert fakes == [("facenet", "sface", "flip")]


def test_what_was_measured_is_recorded_in_the_library_and_shown_by_models(
    run: Run, lfw: Path, family: Path, tmp_path: Path
) -> None:
    assert "Recorded: see `facecluster models`." in run("evaluate", "lfw", lfw).out
    shown = run("models").out
    assert fits(shown)
    (row,) = [line.split() for line in shown.splitlines() if line.startswith(" facenet ")]
    assert row[3:5] == [f"{LFW:.2f}", "100.00"]
    assert "facenet was measured on 4 pairs on 20" in shown
    (facenet,) = [row for row in json.loads(run("models", "--json").out) if row["name"] == "facenet"]
    measured = facenet["measured"]["lfw"]
    assert measured["figures"]["verification"]["accuracy"]["mean"] == 1.0
    assert measured["options"]["folder"] == str(lfw)
    assert "Ana" not in json.dumps(measured)
    other = run("models", "--db", tmp_path / "none.db").out
    assert [line.split()[4] for line in other.splitlines() if line.startswith(" facenet ")] == ["–"]
    assert not (tmp_path / "none.db").exists()


def test_what_is_missing_is_said_prominently_and_the_rest_is_measured(run: Run, lfw: Path) -> None:
    (lfw / "pairs.txt").write_text(
        "2\t2\n"
        + PAIRS.partition("\n")[2].replace("Bo\t1\t2\n", "Ana\t7\t8\nCy\t1\tBo\t2\nBo\t1\t2\n")
        + "Ana\t1\tBo\t2\nAna\t2\tAna\t1\n"
    )
    (lfw / "Ana" / "Ana_0007.jpg").write_bytes(b"\xff\xd8\xff nothing")
    ran = run("evaluate", "lfw", lfw)
    assert ran.code == 0
    said = " ".join(ran.err.split())
    assert "2 of 8 pairs were left out, so that these figures are not those of the whole list." in said
    assert "2 photos are missing (Ana/Ana_0008.jpg, Cy/Cy_0001.jpg)." in said
    assert "6 pairs in 2 folds" in ran.out


def test_a_damaged_photo_is_named(run: Run, lfw: Path) -> None:
    (lfw / "pairs.txt").write_text(
        "2\t2\n"
        + "Ana\t1\t2\nAna\t1\t3\nAna\t1\tBo\t1\nBo\t2\tAna\t1\nBo\t1\t2\n"
        + "Bo\t2\t1\nBo\t2\tAna\t2\nBo\t1\tAna\t2\n"
    )
    (lfw / "Ana" / "Ana_0003.jpg").write_bytes(b"\xff\xd8\xff nothing")
    ran = run("evaluate", "lfw", lfw)
    assert ran.code == 0
    assert "1 of 8 pairs were left out" in ran.err
    assert "missing" not in ran.err
    assert f"{lfw / 'Ana' / 'Ana_0003.jpg'} was left out: the picture data" in ran.err


def test_pictures_are_new_files(run: Run, lfw: Path, tmp_path: Path, fakes: list[tuple[str, ...]]) -> None:
    roc, worst = tmp_path / "roc.png", tmp_path / "worst.png"
    assert run("evaluate", "lfw", lfw, "--roc", roc, "--worst", worst).code == 0
    with Image.open(roc) as one, Image.open(worst) as other:
        assert (one.format, other.format) == ("PNG", "PNG")
    fakes.clear()
    for option, file in (("--roc", roc), ("--worst", worst)):
        ran = run("evaluate", "lfw", lfw, option, file)
        assert (ran.code, ran.out, "is there already" in ran.err) == (1, "", True)
    assert fakes == [], "it is said before anything is measured"


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["lfw", "{}/nowhere"], 1, "There is no folder"),
        (["videos", "{}/lfw/pairs.txt"], 1, "There is no folder"),
        (["folder", "{}/nowhere"], 1, "There is no file or folder"),
        (["lfw", "{}"], 1, "pairs.txt cannot be read"),
        (["videos", "{}"], 1, "splits.txt cannot be read"),
        (["folder", "{}"], 1, "has no photos of people"),
        (["lfw", "{}/lfw", "--model", "facenut"], 1, "no model called 'facenut'"),
        (["lfw", "{}/lfw", "--attributes", "none.csv"], 1, "none.csv cannot be read"),
        (["library"], 1, "There is no library"),
        ([], 2, ""),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    run: Run, lfw: Path, tmp_path: Path, arguments: list[str], code: int, why: str
) -> None:
    for file in lfw.rglob("*.jpg") if arguments[:1] == ["folder"] else ():
        file.unlink()
    ran = run("evaluate", *(argument.format(tmp_path) for argument in arguments))
    assert (ran.code, why in " ".join(ran.err.replace("│", " ").split())) == (code, True)


def test_ctrl_c_ends_it_with_a_sentence(
    run: Run, lfw: Path, family: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def detect(images: Sequence[UInt8]) -> list[list[Face]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(networks, "portrayer", lambda *a, **k: Portrayer(detect, {"facenet": fake_embed}))
    ran = run("evaluate", "lfw", lfw)
    assert (ran.code, ran.out, ran.err) == (130, "", "Stopped. Nothing was recorded.\n")
    assert json.loads(run("models", "--json").out)[0]["measured"] == {}


def test_videos(run: Run, tmp_path: Path, paint: Paint, fakes: object) -> None:
    for video, colour in (("Ana/0", "red"), ("Ana/1", "red"), ("Bo/4", "blue"), ("Bo/5", "blue")):
        for i in range(3):
            paint(tmp_path / "ytf" / video / f"{i}.jpg", colour, seed=i)
    rows = ["1, Ana/0, Ana/1, 0, 1", "1, Ana/0, Bo/4, 0, 0", "2, Bo/4, Bo/5, 0, 1", "2, Ana/1, Bo/5, 0, 0"]
    (tmp_path / "ytf" / "splits.txt").write_text("\n".join(rows))
    ran = run("evaluate", "videos", tmp_path / "ytf", "--roc", tmp_path / "roc.png")
    assert (ran.code, ran.err, fits(ran.out)) == (0, "", True)
    assert ran.out.startswith("4 videos.\n4 pairs in 2 folds")
    assert (tmp_path / "roc.png").is_file()


def test_a_folder_of_people(run: Run, tmp_path: Path, paint: Paint, fakes: object) -> None:
    for person, colour in (("Ana", "red"), ("Bo", "blue"), ("Cy", "green")):
        for i in range(2):
            paint(tmp_path / "people" / person / f"{i}.jpg", colour, seed=i)
    paint(tmp_path / "people" / "Cy" / "grey.jpg")
    (tmp_path / "people" / "a.csv").write_text("person,sex\nAna,female\nBo,male\nCy,female\n")
    ran = run("evaluate", "folder", tmp_path / "people", "--attributes", tmp_path / "people" / "a.csv")
    assert (ran.code, ran.err, fits(ran.out)) == (0, "", True)
    assert ran.out.startswith("6 faces of 3 people.\nIn 1 more photo no face was found.\n")
    assert f" facenet       {JOIN:.2f}        0          6   B-cubed       1.000    0.500   0.667" in ran.out
    assert " facenet     100.00 ± 0.00" in ran.out
    assert "among 3 people with 6 faces, in 2 folds" in " ".join(ran.out.split())
    assert " sex: female" in ran.out
    options = ("--join-distance", 0.5, "--min-size", 2, "--neighbours", 2, "--json")
    found = json.loads(run("evaluate", "folder", tmp_path / "people", *options).out)
    assert found["models"][0]["join_distance"] == 0.5
    assert found["models"][0]["identification"]["k"] == 2
    alone = run("evaluate", "folder", tmp_path / "people" / "..", "--json")
    assert json.loads(alone.out)["models"][0]["identification"] is None
    assert "Nobody can be identified" in run("evaluate", "folder", tmp_path / "people" / "..").out


def test_a_library(run: Run, family: Path, tmp_path: Path) -> None:
    assert "Nobody is confirmed yet" in run("evaluate", "library").err
    run("cluster", "--min-size", 3)
    for person in (1, 2):
        assert run("people", "confirm", person, "--yes").code == 0
    with Store(tmp_path / "library.db") as store:
        before = store.people.assignments()
    ran = run("evaluate", "library")
    assert (ran.code, ran.err, fits(ran.out)) == (0, "", True)
    assert ran.out.startswith("7 confirmed faces of 2 people, grouped with 1 other.\n")
    assert f" facenet       {JOIN:.2f}        2          0   B-cubed       1.000    1.000   1.000" in ran.out
    assert "Recorded" in ran.out
    found = json.loads(run("evaluate", "library", "--join-distance", 0.7, "--json").out)
    assert found["models"][0]["join_distance"] == 0.7
    assert found["recorded"] == str(tmp_path / "library.db")
    with Store(tmp_path / "library.db") as store:
        assert store.people.assignments() == before
        assert [what for _, what in store.evaluations.latest()] == ["library"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drawn people with four photos each, as LFW and as YouTube Faces have them, with lists of pairs."""
    folder = tmp_path_factory.mktemp("drawn")
    library = draw_library(folder / "all", people=3, photos_per_person=6)
    counts: dict[str, int] = {}
    for photo in library.photos:
        if len(photo.faces) == 1 and counts.get(photo.faces[0].person, 0) < 4:
            name = photo.faces[0].person.replace(" ", "_")
            counts[photo.faces[0].person] = number = counts.get(photo.faces[0].person, 0) + 1
            for target in (f"lfw/{name}/{name}_{number:04d}.jpg", f"videos/{name}/{number // 3}/{number}.jpg"):
                (folder / target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(photo.path, folder / target)
    a, b, c = sorted(name.replace(" ", "_") for name in counts)
    rows = [f"{a}\t1\t2", f"{b}\t1\t2", f"{a}\t1\t{b}\t1", f"{b}\t1\t{c}\t1"]
    rows += [f"{c}\t1\t2", f"{a}\t3\t4", f"{a}\t3\t{c}\t4", f"{b}\t3\t{c}\t3"]
    (folder / "lfw" / "pairs.txt").write_text("\n".join(["2\t2", *rows]) + "\n")
    same = [f"{i // 2 + 1}, {one}/0, {one}/1, 0, 1" for i, one in enumerate((a, b, c))]
    other = [f"{i // 2 + 1}, {one}/0, {two}/1, 0, 0" for i, (one, two) in enumerate(((a, b), (b, c), (c, a)))]
    (folder / "videos" / "splits.txt").write_text("\n".join([*same, *other]))
    return folder


@pytest.mark.slow
def test_real_networks_tell_drawn_people_apart(run: Run, drawn: Path, real_weights: Path, tmp_path: Path) -> None:
    ran = run("evaluate", "lfw", drawn / "lfw", "--flip", "--worst", tmp_path / "worst.jpg", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert (found["photos"], found["centred"], found["left_out"]) == (11, 0, 0)
    assert found["models"][0]["verification"]["accuracy"]["mean"] == 1.0
    assert (tmp_path / "worst.jpg").is_file()
    videos = json.loads(run("evaluate", "videos", drawn / "videos", "--json").out)
    assert (videos["photos"], videos["centred"]) == (6, 0)
    assert videos["models"][0]["verification"]["accuracy"]["mean"] == 1.0


@pytest.mark.slow
def test_real_networks_group_drawn_people(run: Run, drawn: Path, real_weights: Path) -> None:
    found = json.loads(run("evaluate", "folder", drawn / "lfw", "--min-size", 2, "--json").out)
    (model,) = found["models"]
    assert (found["people"], found["faces"], model["groups"]["found"]) == (3, 12, 3)
    assert model["groups"]["bcubed"]["f"] == model["identification"]["nearest"]["mean"] == 1.0


@pytest.mark.slow
def test_a_real_library_is_measured_by_another_model_too(run: Run, real_library: Path, real_weights: Path) -> None:
    run("people", "confirm", 1, "--yes", "--db", real_library)
    run("people", "confirm", 2, "--yes", "--db", real_library)
    options = ("--model", "facenet", "--model", "sface", "--min-size", 2, "--db", real_library, "--json")
    ran = run("evaluate", "library", *options)
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert (found["people"], [model["groups"]["found"] for model in found["models"]]) == (2, [2, 2])
    assert len(run("models", "--db", real_library, "--json").out) > 0
    with Store(real_library) as store:
        assert store.faces.model() is not None
        assert len(store.evaluations.latest()) == 2


@pytest.mark.slow
@pytest.mark.shared
def test_a_small_part_of_lfw(run: Run, shared: Path, real_weights: Path, tmp_path: Path) -> None:
    """Two folds of fourteen of LFW's pairs each."""
    lines = (shared / "lfw" / "pairs.txt").read_text().splitlines()[1:]
    part = [line for fold in (0, 1) for start in (0, 300) for line in lines[600 * fold + start :][:7]]
    (tmp_path / "pairs.txt").write_text("\n".join(["2\t7", *part]) + "\n")
    ran = run("evaluate", "lfw", shared / "lfw", "--pairs", tmp_path / "pairs.txt", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert (found["listed"], found["left_out"], found["missing"]) == (28, 0, [])
    assert 40 < found["photos"] <= 56
    assert found["models"][0]["verification"]["accuracy"]["mean"] >= 0.9
    assert found["models"][0]["columns"][0]["name"] == "sex"


def test_a_ratio_that_says_nothing_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    from facecluster.cli.measured import _percent, _print_columns, _times

    groups = (GroupRates("a", 40, 40, 0.02, 0.01), GroupRates("b", 40, 40, 0.05, None))
    _print_columns("facenet", 1.0, [Column("sex", groups, 2.5, None)])
    last = capsys.readouterr().out.rstrip().splitlines()[-1].split()
    assert last == ["worst", "to", "best", "–", "×", "2.5"]
    assert (_times(None), _percent(Estimate(0.5, float("nan")))) == ("–", "50.00")
