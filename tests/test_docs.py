"""The documentation is true: generated pages are fresh, commands parse, links lead somewhere, examples run."""

from __future__ import annotations

import re
import runpy
import shlex
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image, ImageDraw

import facecluster
from facecluster.cli import app
from facecluster.faces import DetectOptions
from facecluster.nets.specs import MODELS
from facecluster.pipeline.outcomes import Claims, Outcome
from facecluster.pipeline.readers import read
from facecluster.pipeline.scan import Read
from facecluster.pipeline.stopwatch import Stopwatch
from facecluster.records import FileEntry
from tests.conftest import fake_detect, fake_embed

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in PAGES}
WRITTEN = {name: text for name, text in TEXTS.items() if name not in ("docs/cli.md", "docs/schema.md")}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PROGRAM: Any = typer.main.get_command(app)

Fence = tuple[str, str]


def fences(text: str) -> list[Fence]:
    """Language and content of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.S | re.M)


def shell_lines(text: str) -> Iterator[str]:
    """The commands in fenced blocks of a shell, without prompts, one program each."""
    for language, block in fences(text):
        if language in ("sh", "console"):
            for line in block.splitlines():
                if language == "sh" or line.startswith("$ "):
                    yield from re.split(r"&&|\|", line.removeprefix("$ ").partition(" #")[0])


def commands(command: Any = PROGRAM, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below the program, with the words that call it."""
    for name, child in getattr(command, "commands", {}).items():
        yield (*path, name), child
        yield from commands(child, *path, name)


COMMANDS = {" ".join(path): command for path, command in commands()}


def parse(line: str) -> None:
    """Parse a command line as the program would, and run nothing; raises what it would say of a mistake."""
    _, *words = shlex.split(line)
    command, context, name = PROGRAM, None, "facecluster"
    while words and getattr(command, "commands", None):
        context = command.make_context(name, words, parent=context)
        if not (words := [*context._protected_args, *context.args]):
            return
        name, command, words = command.resolve_command(context, words)
    command.make_context(name, words, parent=context)


def inline(text: str, start: str) -> list[str]:
    """What stands in `code marks` outside of fences and begins with ``start``."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    codes = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    return [code for code in codes if code.startswith(start)]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", ["cli.md", "schema.md"])
def test_a_generated_page_is_fresh(page: str, tmp_path: Path) -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    generate[f"write_{page.removesuffix('.md')}"](tmp_path / page)
    assert (tmp_path / page).read_text("utf-8") == TEXTS[f"docs/{page}"], "run: make docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_with_an_example_that_parses(name: str) -> None:
    command = COMMANDS[name]
    prose, _, examples = (command.help or "").partition("**Example")
    assert len(prose) > 20
    own = [code for code in inline(examples, "facecluster ") if re.search(rf"facecluster {name}\b", code)]
    assert own, "its help has no example of its own"
    for line in (part for code in own for part in code.split("&&")):
        parse(line)
    for option in (each for each in command.params if each.name != "help"):
        assert option.help, f"{option.name} has no help"


def test_the_parser_of_these_tests_notices_mistakes() -> None:
    parse("facecluster scan photos --min-face 30")
    parse("facecluster models pull")
    for wrong in ("scan", "scam photos", "scan photos --min-fase 30", "scan photos --min-face big", "models pul"):
        with pytest.raises(Exception, match=r"Missing|No such|valid integer"):
            parse(f"facecluster {wrong}")


@pytest.mark.parametrize("page", WRITTEN)
def test_command_lines_on_a_page_parse(page: str) -> None:
    for line in shell_lines(WRITTEN[page]):
        if line.strip().startswith("facecluster "):
            parse(line)
    for code in inline(WRITTEN[page], "facecluster "):
        words = [word for word in shlex.split(code)[1:] if not word.startswith("-")]
        assert not words or words[0] in COMMANDS, code


def test_the_readme_shows_the_main_commands() -> None:
    shown = {shlex.split(line)[1] for line in shell_lines(TEXTS["README.md"]) if line.startswith("facecluster ")}
    assert {"scan", "cluster", "export"} <= shown


@pytest.mark.parametrize("page", WRITTEN)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", WRITTEN[page]):
        assert "://" not in target, "pages link to this repository only"
        file, _, anchor = target.partition("#")
        place = (ROOT / page).parent / file if file else ROOT / page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place.read_text("utf-8")), target


@pytest.mark.parametrize("page", TEXTS)
def test_install_lines_name_extras_that_exist(page: str) -> None:
    for extras in re.findall(r"(?:facecluster|\.)\[([\w,]+)\]", TEXTS[page]):
        assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"]), extras


def test_every_dependency_is_explained() -> None:
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    needed = {re.split(r"[<>=\[]", line)[0] for line in PROJECT["dependencies"] + extras} - {"facecluster"}
    named = set(re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\|.*$", TEXTS["docs/dependencies.md"], re.M))))
    assert needed <= named


def test_the_version_is_the_same_everywhere() -> None:
    newest = re.search(r"^## (\S+)", TEXTS["CHANGELOG.md"], re.M)
    assert newest is not None
    assert newest[1] == facecluster.__version__ == PROJECT["version"]


def test_the_readme_tells_the_models_as_they_are() -> None:
    rows = {row[0].strip("`"): row for row in table(TEXTS["README.md"], "`facenet`")}
    assert set(rows) == set(MODELS)
    for name, (_, dimension, measured, *_) in rows.items():
        assert int(dimension) == (MODELS[name].raw_dimension or MODELS[name].dimension)
        accuracy = MODELS[name].accuracy
        assert measured == (f"{accuracy['LFW']:.2f} %" if accuracy else "not measured")


def table(text: str, first: str) -> list[list[str]]:
    """The cells of the table whose first row begins with ``first``."""
    start = text.index(f"| {first}")
    rows = text[start:].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_pages_know_no_machine() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    for text in (*TEXTS.values(), notice):
        assert not re.search(r"/(work|root|tmp|home)/|https?://", text)


@pytest.fixture
def fake_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paint: Callable[..., Path]) -> None:
    """A folder ``photos`` to work in, where squares are faces: sharp ones, for they shall form people."""
    for number in range(4):
        path = paint(tmp_path / "photos" / f"{number}.png", "red", "blue", seed=number)
        with Image.open(path) as image:
            pen = ImageDraw.Draw(image)
            for x in (24, 32, 104, 112):
                pen.line([(x, 50), (x, 109)], fill="black", width=2)
            image.save(path)

    def reader(model: str, device: str, options: DetectOptions, watch: Stopwatch) -> Read:
        def work(entries: Sequence[FileEntry], claims: Claims) -> list[Outcome]:
            return read(entries, claims, options.max_side, fake_detect, fake_embed, watch)

        return work

    monkeypatch.setattr("facecluster.pipeline.networks.reader", reader)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("fake_networks")
def test_python_blocks_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for language, block in fences(TEXTS["docs/python.md"]):
        assert language == "python"
        exec(compile(block, "docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert "4 new photos, 8 faces, 0 unreadable files" in said
    assert "Person 001: 4 faces in 4 photos" in said
    assert "There is no file or folder" in said
    assert names["done"].sheet.is_file()
    assert len(set(names["grouping"].labels.tolist())) == 2
