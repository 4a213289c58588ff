"""Guards and fakes that every test may use.

Two guards make the wrong test impossible: no test reaches the network or the user's own folders, because both
raise. Fakes are tiny and deterministic: a detector that finds coloured squares, an embedder that maps a colour
to a direction.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from PIL import Image

from facecluster.nets.weights import cache_folder
from facecluster.records import Box, Face, Float32, UInt8
from facecluster.store import Store

import_module("facecluster.faces.cutting")  # asks for the folder of machine code, which tests must not do

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


class UserFolderError(AssertionError):
    """A test asked for the user's own cache or data folder."""


class NetworkError(AssertionError):
    """A test tried to reach another machine."""


def _refuse_folder(*args: object, **kwargs: object) -> str:
    raise UserFolderError("pass a path, or ask for the fixture that does")


def _local_only(method: Callable[..., object]) -> Callable[..., object]:
    """The socket's method, for addresses of this machine alone."""

    def guarded(self: socket.socket, *arguments: object) -> object:
        internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if internet and not str(arguments[-1]).startswith(("('127.", "('::1'")):
            self.close()
            raise NetworkError(str(arguments[-1]))
        return method(self, *arguments)

    return guarded


@pytest.fixture(scope="session")
def weights_cache() -> Path:
    """Where converted weights are kept between runs: as for a user, but only for tests that ask."""
    return cache_folder()


@pytest.fixture(autouse=True)
def guards(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network but this machine's own, no user folders."""
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _local_only(getattr(socket.socket, name)))
    for name in ("user_cache_dir", "user_data_dir"):
        monkeypatch.setattr(platformdirs, name, _refuse_folder)
    for name in ("FACECLUSTER_DB", "FACECLUSTER_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACECLUSTER_MODELS", str(Path(__file__) / "models"))  # no models, and no place for any


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the test's own models; it is not there yet."""
    monkeypatch.setenv("FACECLUSTER_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def real_weights(weights_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the test load the real networks."""
    monkeypatch.setenv("FACECLUSTER_CACHE", str(weights_cache))
    return weights_cache


@pytest.fixture
def shared() -> Path:
    """The measuring photos, or a skip where they are not."""
    if not SHARED.is_dir():
        pytest.skip("the measuring photos are not beside this checkout")
    return SHARED.resolve()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "library.db") as opened:
        yield opened


COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230), "white": (250, 250, 250)}
SQUARE = 60


@pytest.fixture
def paint() -> Callable[..., Path]:
    """Write a grey photo with coloured squares, which the fake detector takes for faces."""

    def write(path: Path, *people: str, size: tuple[int, int] = (320, 240), seed: int = 0) -> Path:
        image = Image.new("RGB", size, (100, 100 + seed % 50, 100 + seed // 50))
        for i, person in enumerate(people):
            image.paste(COLOURS[person], (20 + 80 * i, 50, 20 + 80 * i + SQUARE, 50 + SQUARE))
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, quality=95)
        return path

    return write


def fake_detect(photos: Sequence[UInt8]) -> list[list[Face]]:
    """A face wherever a place of ``paint`` holds one of its colours."""
    return [[face for i in range(3) if (face := _square(photo, i))] for photo in photos]


def fake_embed(chips: UInt8, landmarks: Float32, boxes: Float32) -> Float32:
    """The colour in the middle of each chip, as a direction: (N, 128)."""
    vectors = np.zeros((len(chips), 128), np.float32)
    vectors[:, :3] = chips[:, 112, 112] / 127.5 - 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _square(photo: UInt8, place: int) -> Face | None:
    x, y = 20 + 80 * place, 50
    if x + SQUARE > photo.shape[1] or y + SQUARE > photo.shape[0]:
        return None
    colour = photo[y + SQUARE // 2, x + SQUARE // 2].astype(int)
    if not any(np.abs(colour - known).max() < 25 for known in COLOURS.values()):
        return None
    points = np.array([[20, 20], [40, 20], [30, 32], [22, 44], [38, 44]], np.float32) + np.array([x, y])
    return Face(Box(x, y, x + SQUARE, y + SQUARE), points.astype(np.float32), score=0.99, frontality=1.0)


def as_root() -> bool:
    """Whether file permissions do not bind this process."""
    return os.geteuid() == 0
