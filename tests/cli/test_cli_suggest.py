"""``facecluster suggest`` in a terminal, as a page, and from a file of answers."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path
from select import select

import pytest

from facecluster.cli.pictures import SIDE, draw
from tests.cli.conftest import ANSI, Ran, Run


@pytest.fixture
def doubtful(real_library: Path) -> Path:
    """A library in which half of each person's faces are somebody else's."""
    with sqlite3.connect(real_library) as db:
        for person, other in ((1, 98), (2, 99)):
            db.execute("INSERT INTO people (id) VALUES (?)", [other])
            db.execute(
                "UPDATE assignments SET person_id = ? WHERE person_id = ? AND face_id IN"
                " (SELECT face_id FROM assignments WHERE person_id = ? ORDER BY face_id LIMIT 2)",
                [other, person, person],
            )
    return real_library


def test_nothing_to_ask(run: Run, family: Path) -> None:
    run("cluster")
    assert json.loads(run("suggest", "--json").out) == []
    assert "need a terminal" in run("suggest").err


def test_a_page_and_its_answers(run: Run, doubtful: Path, tmp_path: Path) -> None:
    page = tmp_path / "q.html"
    printed = run("suggest", "--html", page, "--db", doubtful)
    assert printed.code == 0
    assert "data:image/jpeg;base64," in page.read_text("utf-8")
    assert run("suggest", "--html", page, "--db", doubtful).code == 1  # never over a file
    question = json.loads(run("suggest", "--json", "--db", doubtful).out)[0]
    kept = {key: question[key] for key in ("kind", "person", "other", "face")}
    kept |= {"left": question["left"][0], "right": question["right"][0], "answer": "yes"}
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"facecluster answers": 1, "answers": [kept]}))
    taken = run("suggest", "--answers", answers, "--db", doubtful)
    assert "1 answer taken over." in taken.out
    assert json.loads(run("people", "history", "--json", "--db", doubtful).out)
    answers.write_text("no json")
    assert "cannot be read as a file of answers" in run("suggest", "--answers", answers, "--db", doubtful).err


def test_keys_in_a_terminal(doubtful: Path, environment: dict[str, str], run: Run) -> None:
    before = json.loads(run("people", "--json", "--db", doubtful).out)
    ended = typed(b"uyunxsq", ["suggest", "--db", str(doubtful)], environment)
    assert ended.code == 0, ended.out
    assert "▀" in ended.out
    assert "Nothing was answered yet." in ended.out
    assert "1. Is Person 098 Person 001? 2 faces depend on it." in ended.out
    assert "2. Is Person 099 Person 002? 2 faces depend on it." in ended.out
    assert "Person 098 merged into Person 001: 2 faces." in ended.out
    assert "Undone: Person 098 merged into Person 001." in ended.out
    assert json.loads(run("people", "--json", "--db", doubtful).out) == before
    (change,) = json.loads(run("people", "history", "--json", "--db", doubtful).out)
    assert change["what"] == "Faces said to be two people's"


def typed(keys: bytes, command: list[str], environment: dict[str, str]) -> Ran:
    """Run the program in a terminal where the next key is typed whenever it waits."""
    master, slave = pty.openpty()
    colours = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    program = subprocess.Popen(
        ["facecluster", *command], stdin=slave, stdout=slave, stderr=slave, env=environment | colours
    )
    os.close(slave)
    out, waiting = b"", list(keys)
    with suppress(OSError):  # the terminal closes with the program
        while out or program.poll() is None:
            if select([master], [], [], 1.0)[0]:
                out += os.read(master, 65536)
            elif out and waiting:
                os.write(master, bytes([waiting.pop(0)]))
    os.close(master)
    return Ran(program.wait(60), ANSI.sub("", out.decode(errors="replace")), "")


def test_faces_are_drawn_in_blocks(real_library: Path) -> None:
    chips = [row[0] for row in sqlite3.connect(real_library).execute("SELECT jpeg FROM chips LIMIT 4")]
    lines = draw(chips).plain.rstrip("\n").split("\n")
    assert len(lines) == SIDE // 2
    assert {len(line) for line in lines} == {4 * (SIDE + 2)}
