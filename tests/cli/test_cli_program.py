"""The program as a whole: version, help, completion, errors as sentences, exit codes."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import facecluster
from facecluster import cli
from facecluster.cli import status as status_command
from facecluster.pipeline import Library
from facecluster.records import FileEntry
from facecluster.store import Store
from tests.cli.conftest import Ran, Run

COMMANDS = ["scan", "cluster", "export", "status", "migrate", "demo", "models", "models add", "models pull"]
SOURCES = sorted(Path(cli.__file__).parent.glob("*.py"))


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version") == (0, f"facecluster {facecluster.__version__}\n", "")


def test_python_dash_m_is_the_same_program(process: Run) -> None:
    assert process("--version", program=(sys.executable, "-m", "facecluster")) == process("--version")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_80_columns_and_shows_an_example(process: Run, command: str) -> None:
    ran = process(*command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert max(len(line) for line in ran.out.splitlines()) <= 80
    example = ran.out.partition("Example")[2]
    assert re.search(rf"facecluster {command}", example)
    assert process(*command.split(), "-h") == ran


def test_help_names_every_command(process: Run) -> None:
    listed = process("--help").out
    for command in COMMANDS:
        assert re.search(rf"│ {command.split()[0]} ", listed)


def test_help_and_status_load_no_torch(process: Run, real_library: Path) -> None:
    code = (
        "import sys, facecluster.cli as cli; cli.app({!r}, standalone_mode=False); print('torch' in sys.modules)"
    )
    for args in (["--help"], ["status", "--db", str(real_library)]):
        ran = process(program=(sys.executable, "-c", code.format(args)))
        assert ran.out.endswith("False\n"), ran


@pytest.mark.parametrize(
    "args", [["nope"], ["scan"], ["cluster", "--min-size", "0"], ["export", "x", "--mode", "y"]]
)
def test_wrong_usage_ends_with_2_and_says_why(run: Run, args: list[str]) -> None:
    ran = run(*args)
    assert (ran.code, ran.out) == (2, "")
    assert args[0] in ran.err


def test_completion_is_offered_and_completes(process: Run, tmp_path: Path) -> None:
    shell = ("bash", "-c", 'facecluster "$@"; exit $?', "bash")
    shown = process("--show-completion", "bash", program=shell)
    assert shown.code == 0
    assert "complete -o default -F _facecluster_completion facecluster" in shown.out
    installed = process("--install-completion", "bash", program=shell, HOME=str(tmp_path))
    assert installed.code == 0
    assert (tmp_path / ".bash_completions" / "facecluster.sh").is_file()
    asked = process(_FACECLUSTER_COMPLETE="complete_bash", COMP_WORDS="facecluster sc", COMP_CWORD="1")
    assert asked.out.split() == ["scan"]


@pytest.mark.parametrize(
    "command", [["status"], ["cluster"], ["explain", "1"], ["export", "albums"], ["migrate", "--model", "sface"]]
)
def test_without_a_library_every_command_says_how_to_make_one(
    run: Run, tmp_path: Path, command: list[str]
) -> None:
    ran = run(*command)
    assert (ran.code, ran.out) == (1, "")
    assert "facecluster scan FOLDER" in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "library.db").exists(), "a mistyped name must not leave a database behind"


@pytest.mark.parametrize("command", [["status"], ["cluster"], ["scan", "."]])
def test_a_file_that_is_no_database_is_named_and_left_alone(run: Run, tmp_path: Path, command: list[str]) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Anna, " * 100)
    ran = run(*command, "--db", letter)
    assert (ran.code, ran.out) == (1, "")
    assert str(letter) in ran.err
    assert "--db" in ran.err
    assert letter.read_text() == "Dear Anna, " * 100


def test_db_comes_before_the_environment(run: Run, family: Path, tmp_path: Path) -> None:
    assert "photos    4" in run("status").out
    other = tmp_path / "other.db"
    assert run("scan", family / "0.png", "--db", other).code == 0
    assert "photos    1" in run("status", "--db", other).out
    assert "photos    4" in run("status").out


def test_a_bug_is_one_sentence_and_exit_3(run: Run, family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(library: Library) -> None:
        raise ValueError("a [red]long\nstory")

    monkeypatch.setattr(Library, "status", broken)
    ran = run("status")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.count("\n") == 1
    assert "ValueError: a [red]long story" in ran.err
    assert "FACECLUSTER_DEBUG=1" in ran.err
    monkeypatch.setenv("FACECLUSTER_DEBUG", "1")
    ran = run("status", traceback=True)
    assert ran.code == 3
    assert "in broken" in ran.err


def test_ctrl_c_is_a_sentence_and_130(run: Run, family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(status_command, "print_json", interrupted)
    assert run("status", "--json") == Ran(130, "", "Stopped. What was finished is kept.\n")


def test_no_colour_where_nobody_looks(process: Run, real_library: Path, tmp_path: Path) -> None:
    for args in (["--help"], ["cluster"], ["status"], ["models"], ["scan", "nowhere"], ["nope"]):
        ran = process(*args, FACECLUSTER_DB=str(real_library))
        assert "\x1b" not in ran.out + ran.err


def test_a_reader_that_leaves_early_ends_it_quietly(process: Run, scanned: Path) -> None:
    for command in ("status", "cluster --json --dry-run", "export x --dry-run --json", "--help"):
        pipe = f"facecluster {command} | head -c 1 > /dev/null"
        ran = process(program=("bash", "-c", pipe), FACECLUSTER_DB=str(scanned))
        assert ran == (0, "", "")


def test_an_old_terminal_gets_escapes_instead_of_a_crash(process: Run, tmp_path: Path) -> None:
    with Store(tmp_path / "library.db") as store:
        store.photos.add_unreadable(FileEntry(Path("/photos/Zoë.jpg"), 0, 0), "the file is empty")
    ran = process("status", FACECLUSTER_DB=str(tmp_path / "library.db"), PYTHONIOENCODING="ascii")
    assert (ran.code, ran.err) == (0, "")
    assert r"/photos/Zo\xeb.jpg" in ran.out


def test_commands_are_short_and_print_nothing_but_results() -> None:
    for source in SOURCES:
        for node in ast.parse(source.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name == source.stem:
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if not body:
                    continue  # a group's own help alone
                assert body[-1].end_lineno is not None
                assert body[-1].end_lineno - body[0].lineno < 20, f"{source.name}: {node.name} is too long"
