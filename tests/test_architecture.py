"""The house rules as assertions: which way imports point, who may use what, how large things may get.

They read the source with ``ast``; the last test runs the program. docs/architecture.md explains the rules.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
import typer

import facecluster
from facecluster.cli import app
from facecluster.store import Store

SOURCE = Path(facecluster.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
TREES = {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text("utf-8")) for path in FILES}

LAYERS = (
    {"__main__"},
    {"cli"},
    {"__init__"},  # the package's door: its version, and Library on demand
    {"training"},  # joins what the pipeline prepares
    {"pipeline"},
    {"photos", "faces", "embeddings", "occlusion", "store", "people", "albums", "evaluation", "demo"},
    {"nets"},
    {"records", "errors", "machine"},
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

TORCH = {"nets", "training"}
OWNERS = {
    "typer": {"cli"},
    "rich": {"cli"},
    "sqlite3": {"store"},
    "sqlite_utils": {"store"},
    "torch": TORCH,
    "facenet_pytorch": {"nets"},
    "pytorch_metric_learning": {"training"},
    "openvino": {"nets"},
    "hdbscan": {"people"},
    "sklearn": {"people", "evaluation"},
    "matplotlib": {"evaluation", "training"},
}
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s.*INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|(CREATE|DROP)\s+\w+|PRAGMA)\s", re.S
)

DEFERRED = {
    "cli/*": "facecluster, dataclasses, PIL: help and version answer at once",
    "__init__.py": "facecluster: importing the package is quick",
    "evaluation/plot.py": "matplotlib: takes seconds to load, and few want a plot",
    "evaluation/sheet.py": "matplotlib: its font is needed only for a sheet",
    "pipeline/opened.py": "facecluster: telling what there is needs no networks",
    "pipeline/library.py": "facecluster: status and export need no networks",
    "nets/catalogue.py": "facecluster: torch is needed only to make OpenVINO's files",
    "nets/graphs.py": "openvino, torch, facecluster: needed only to make OpenVINO's files",
    "nets/install.py": "facecluster: torch is needed only to try a model that is added",
    "nets/pull.py": "torch: listing models is quick",
    "nets/runtime.py": "facecluster: torch is needed only on a GPU",
    "nets/onnx_file.py": "onnx: comes with an extra",
    "training/curve.py": "matplotlib: it takes a second",
}
"""Files with imports inside functions: which packages, and why."""

DRAWERS = {"utils", "util", "helpers", "common", "misc", "config"}
HEAVY = {"torch", "openvino", "hdbscan", "sklearn", "scipy", "facenet_pytorch", "matplotlib"}


def part_of(file: str) -> str:
    """The room (or other part of the house) that a file belongs to: its folder, or its own name."""
    return file.split("/")[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names that a tree imports anywhere, also for type checking only; submodules by their full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_part(name: str) -> str | None:
    """Which part of facecluster a dotted name is of; ``__init__`` for what the package itself offers."""
    first, *rest = name.split(".")
    if first != "facecluster":
        return None
    return rest[0] if rest and rest[0] in RANK else "__init__"


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines(first: ast.stmt, last: ast.stmt) -> int:
    assert last.end_lineno is not None
    return last.end_lineno - first.lineno + 1


def docstrings(tree: ast.AST) -> set[int]:
    """The ids of the nodes that are a string by itself: docstrings, and those below constants."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def test_every_module_has_its_place_in_the_house() -> None:
    assert {part_of(file) for file in TREES} <= set(RANK)
    assert not {Path(file).stem for file in TREES} & DRAWERS


@pytest.mark.parametrize("file", TREES)
def test_imports_point_down(file: str) -> None:
    own = part_of(file)
    wrong = {
        name
        for name in imports(TREES[file])
        if (other := own_part(name)) and other != own and RANK[other] <= RANK[own]
    }
    assert not wrong, f"{own} may import only from layers below it"


@pytest.mark.parametrize("package", OWNERS)
def test_a_package_is_used_only_where_it_belongs(package: str) -> None:
    users = {
        part_of(file) for file, tree in TREES.items() if any(n.split(".")[0] == package for n in imports(tree))
    }
    assert users, f"nobody uses {package}"
    assert users <= OWNERS[package]


def test_sql_is_written_only_in_the_store() -> None:
    writers = set()
    for file, tree in TREES.items():
        prose = docstrings(tree)
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose]
        if any(SQL.search(str(node.value) + " ") for node in texts):
            writers.add(part_of(file))
    assert writers == {"store"}


@pytest.mark.parametrize("file", [file for file in TREES if part_of(file) != "cli"])
def test_only_the_command_line_prints_exits_or_keeps_globals(file: str) -> None:
    for node in ast.walk(TREES[file]):
        assert not isinstance(node, ast.Global)
        if isinstance(node, ast.Name):
            assert node.id not in {"print", "exit", "quit", "SystemExit"}, f"line {node.lineno}"
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in {"sys.exit", "os._exit", "sys.stdout"}, f"line {node.lineno}"


@pytest.mark.parametrize("file", TREES)
def test_modules_and_functions_are_short(file: str) -> None:
    assert len((SOURCE / file).read_text("utf-8").splitlines()) <= 300
    long = {function.name: lines(function, function) for function in functions(TREES[file])}
    assert not {name: length for name, length in long.items() if length > 60}


def test_the_median_function_is_at_most_ten_lines() -> None:
    assert median(lines(function, function) for tree in TREES.values() for function in functions(tree)) <= 10


def commands(program: typer.Typer) -> Iterator[str]:
    """The qualified names of the functions that are registered as commands, or answer for a group of them."""
    registered = [command.callback for command in program.registered_commands]
    registered += [program.registered_callback.callback] if program.registered_callback else []
    yield from (f"{function.__module__}.{function.__name__}" for function in registered if function)
    for group in program.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance)


@pytest.mark.parametrize("command", list(commands(app)))
def test_a_command_is_short(command: str) -> None:
    _, *modules, name = command.split(".")
    function = next(found for found in functions(TREES["/".join(modules) + ".py"]) if found.name == name)
    assert ast.get_docstring(function)
    body = function.body[1:]  # without the docstring
    assert not body or lines(body[0], body[-1]) <= 20


@pytest.mark.parametrize("file", TREES)
def test_imports_are_at_the_top_except_for_a_reason(file: str) -> None:
    deferred = {name.split(".")[0] for function in functions(TREES[file]) for name in imports(function)}
    allowed = DEFERRED.get("cli/*" if part_of(file) == "cli" else file, ":").split(":")[0]
    assert deferred <= set(allowed.split(", "))


@pytest.mark.parametrize("command", ["--help", "scan --help", "--version", "status", "models"])
def test_quick_commands_load_nothing_heavy(command: str, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from facecluster.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print('\\nloaded:', *sorted(set(sys.modules)))\n"
    )
    private = {"FACECLUSTER_DB": str(tmp_path / "library.db"), "FACECLUSTER_CACHE": str(tmp_path)}
    Store(tmp_path / "library.db").close()
    ran = subprocess.run(
        [sys.executable, "-c", program, *command.split()],
        env={**os.environ, **private},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ran.stdout.rpartition("loaded: ")[2].split())
    assert "facecluster.cli.app" in loaded
    assert not loaded & HEAVY
