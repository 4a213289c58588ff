"""Weights that no package carries: add a file that the user has, or download it when asked to.

:func:`pull` is the only function of facecluster that touches the network.
"""

from __future__ import annotations

import shutil
import tempfile
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from facecluster.errors import WeightsError
from facecluster.nets.specs import ModelSpec, spec_of
from facecluster.nets.weights import Arrays, cache_folder, sha256_of, stored_file, write_stored

VGGFACE2 = "facenet-vggface2"

TIMEOUT = 30
"""Seconds without an answer after which a download is given up."""

CHUNK = 1 << 20
"""Bytes read at a time."""


def add_weights(file: Path, cache: Path | None = None, name: str = VGGFACE2) -> Path:
    """Store the weights of the model ``name`` from the file that its authors publish; where, is returned.

    Raises :class:`WeightsError` when ``file`` is not exactly that file, so nothing unknown is ever unpickled.
    """
    if not file.is_file():
        raise WeightsError(f"There is no file {file}.")
    return _store(file, spec_of(name), cache, origin=str(file))


def add_head(file: Path, cache: Path | None = None, name: str = VGGFACE2) -> Path:
    """Store a head for the model ``name``: a safetensors file with ``mean`` (512,) and ``projection`` (512, 128).

    ``benchmarks/fit_head.py`` makes one. Raises :class:`WeightsError` when ``file`` is not such a file.
    """
    spec, expected = spec_of(name), {"mean": (512,), "projection": (512, spec_of(name).dimension)}
    try:
        arrays = load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{file} cannot be read as safetensors ({error}).") from error
    if {key: array.shape for key, array in arrays.items()} != expected:
        raise WeightsError(f"{file} is not a head for {name}: it must hold {expected} and nothing else.")
    place = (cache or cache_folder()) / str(spec.head)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(".part")
    shutil.copyfile(file, part)
    return part.replace(place)


def pull(
    name: str = VGGFACE2, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Download the weights of the model ``name``, check and store them; returns the stored file.

    ``progress`` is called with the bytes received so far and the bytes expected. Raises :class:`WeightsError`
    when the model comes with a package, the network is out of reach, or something else arrived.
    """
    spec = spec_of(name)
    if spec.source.url is None:
        raise WeightsError(f"The weights of {name} are not downloaded. {spec.source.how_to_get}")
    folder = cache or cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
            file = Path(part) / spec.source.file
            _download(spec.source.url, file, spec.source.size, progress)
            return _store(file, spec, cache, origin=spec.source.url)
    except (OSError, HTTPException) as error:  # urllib's errors and timeouts are OSErrors
        raise WeightsError(
            f"{spec.source.url} cannot be downloaded to {folder} ({error}). "
            "Fetch the file where there is a network, copy it to this machine and add it."
        ) from error


def _store(file: Path, spec: ModelSpec, cache: Path | None, origin: str) -> Path:
    source = spec.source
    if (found := sha256_of(file)) != source.sha256:
        raise WeightsError(
            f"{origin} is not the weights of {spec.name} ({source.file}): {file.stat().st_size:,} bytes with "
            f"SHA-256 {found}, expected {source.size:,} bytes with {source.sha256}."
        )
    stored = stored_file(spec.name, cache)
    write_stored(_checkpoint_arrays(file), stored, source.sha256)
    return stored


def _download(url: str, file: Path, size: int, progress: Callable[[int, int], None] | None) -> None:
    received = 0
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, file.open("wb") as out:
        # Whatever is larger is not the file: reading one byte more is enough to fail its SHA-256.
        while chunk := answer.read(min(CHUNK, size + 1 - received)):
            out.write(chunk)
            received += len(chunk)
            if progress:
                progress(received, size)


def _checkpoint_arrays(file: Path) -> Arrays:
    import torch  # the only step of this module that needs it, so that asking for help stays quick

    state = torch.load(file, map_location="cpu", weights_only=True)
    return {
        f"trunk.{name}": np.ascontiguousarray(tensor.numpy(), np.float32)
        for name, tensor in state.items()
        if not name.startswith("logits.") and not name.endswith(".num_batches_tracked")
    }
