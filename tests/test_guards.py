"""The guards of conftest.py fire: a test that strays to the network or to the user's folders fails."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import platformdirs
import pytest
from typer.testing import CliRunner

from facecluster.cli import app
from facecluster.nets.pull import pull
from facecluster.nets.weights import cache_folder
from facecluster.pipeline import Library, default_database
from tests.conftest import NetworkError, UserFolderError

NOWHERE = "192.0.2.1"
"""An address that is kept for documentation (RFC 5737): were the guard gone, nobody would answer."""

unclosed = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""``socket.create_connection`` closes its socket after errors of the network only, and the guard is none."""


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, (NOWHERE, 80)), (socket.AF_INET6, ("2001:db8::1", 80, 0, 0))],
    ids=["IPv4", "IPv6"],
)
def test_a_socket_does_not_reach_another_machine(family: int, address: tuple[object, ...]) -> None:
    with socket.socket(family) as other, pytest.raises(NetworkError, match=str(address[0])):
        other.connect(address)


@unclosed
def test_a_download_does_not_reach_another_machine() -> None:
    with pytest.raises(NetworkError):
        urllib.request.urlopen(f"http://{NOWHERE}/", timeout=1)


@unclosed
def test_the_one_command_that_downloads_does_not_swallow_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", (NOWHERE, 443))])
    with pytest.raises(NetworkError):
        pull(cache=tmp_path)


def test_this_machine_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())


def test_the_default_database_is_out_of_reach() -> None:
    with pytest.raises(UserFolderError):
        default_database()
    with pytest.raises(UserFolderError):
        Library()
    assert isinstance(CliRunner().invoke(app, ["status"]).exception, UserFolderError)


def test_the_user_folders_are_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACECLUSTER_CACHE", raising=False)
    with pytest.raises(UserFolderError):
        cache_folder()
    for folder in (platformdirs.user_cache_dir, platformdirs.user_data_dir):
        with pytest.raises(UserFolderError):
            folder("facecluster")


def test_a_test_that_asks_gets_the_real_weights(real_weights: Path) -> None:
    assert cache_folder() == real_weights
