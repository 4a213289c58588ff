"""Put a trained model into the package as a built-in one, and print what ``nets/specs.py`` has to say of it.

    python benchmarks/ship_model.py TRAINED.safetensors

checks the file, copies it to ``facecluster/nets/facenet.safetensors``, its tensors bit by bit, and tries its
network. FAR curves in its card go to ``facenet_far.json``; tables that were measured of the network before are
removed. What is printed replaces ``FACENET`` in ``nets/specs.py``; then ``fit_ranges.py`` and ``fit_far.py``
measure the new one.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import facecluster.nets
from facecluster.nets.crops import embedder_of
from facecluster.nets.specs import ModelSpec, Source, spec_of
from facecluster.nets.trained import copy_model, read_card

SPEC = """{constant} = ModelSpec(
    name={name!r},
    arch={arch!r},
    dimension={dimension},
    crop={crop!r},
    size={size},
    normalisation=NORMALISATION,
    join_distance={join_distance},
    source=Source(
        file={file!r},
        sha256={sha256!r},
        size={bytes:_},
        how_to_get="The weights of {name} are part of facecluster: install it again.",
        kind="shipped",
    ),
    origin={origin!r},
    licence={licence!r},
    training_data={training_data!r},
    accuracy={accuracy!r},
)
"""


def ship(trained: Path, folder: Path, name: str = "facenet") -> str:
    """Copy a trained model and its FAR curves to ``folder``; the text that pins it is returned."""
    place = folder / f"{name}.safetensors"
    card, content = read_card(trained)
    copy_model(trained, place, replace(card, name=name))
    place.chmod(0o644)
    size = place.stat().st_size
    source = Source(str(place), content, size, how_to_get="", kind="shipped")
    embedder_of(replace(spec_of(name), arch=card.arch, dimension=card.dimension, size=card.size, source=source))
    for table in ("far", "ranges"):
        (folder / f"{name}_{table}.json").unlink(missing_ok=True)
    if card.far:
        (folder / f"{name}_far.json").write_text(json.dumps(card.far) + "\n", "utf-8")
    accuracy = {what: figure for what, figure in card.figures.items() if not isinstance(figure, str)} or None
    told = {each: getattr(card, each) for each in ModelSpec.__slots__ if hasattr(card, each)} | {"name": name}
    constant = name.upper().replace("-", "_")
    return SPEC.format(**told, constant=constant, file=place.name, sha256=content, bytes=size, accuracy=accuracy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path, help="a file that `facecluster train` made")
    parser.add_argument("--name", default="facenet", help="the built-in model that it replaces")
    options = parser.parse_args()
    print(ship(options.trained, Path(facecluster.nets.__file__).parent, options.name))


if __name__ == "__main__":
    main()
