"""``facecluster models add``, ``models pull`` and ``models remove``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facecluster.cli.console import Database, complete_model, progress_bar, say, shown
from facecluster.cli.corrections import Yes
from facecluster.errors import UsageError

Model = Annotated[
    str, typer.Argument(help="A model's name.", metavar="NAME", autocompletion=complete_model, show_default=False)
]


def add(
    file: Annotated[
        Path,
        typer.Argument(
            help="A model that `facecluster train` made, or the weights of facenet-vggface2, as facenet-pytorch "
            "publishes them.",
            metavar="FILE",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Call the trained model so, and not as its card says.", metavar="NAME")
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option(
            help="A head that shortens facenet-vggface2's embeddings to 128-D, made by benchmarks/fit_head.py.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Add a trained model, or the weights of facenet-vggface2, from a file on this machine.

    Both are checked by their SHA-256. Without a head, facenet-vggface2 embeds in 512-D.

    **Examples**

    `facecluster models add family.safetensors`

    `facecluster models add ~/Downloads/20180402-114759-vggface2.pt`
    """
    from facecluster.nets import install, pull
    from facecluster.nets.tensors import is_safetensors

    trained = is_safetensors(file)
    if trained and head:
        raise UsageError("A trained model has its head inside: leave out --head.")
    if name and not trained:
        raise UsageError("Only a trained model can be called otherwise: leave out --name.")
    say(f"Added: {shown(install.add(file, name) if trained else pull.add_weights(file))}")
    if head:
        say(f"Added: {shown(pull.add_head(head))}")


def pull() -> None:
    """Download the weights of facenet-vggface2 (112 MB): the only command that uses the network.

    **Example**

    `facecluster models pull`
    """
    from facecluster.nets.pull import pull as download

    with progress_bar("Downloading", "MB") as bar:
        stored = download(progress=lambda done, total: bar.show(done / 1e6, total / 1e6))
    say(f"Added: {shown(stored)}")


def remove(name: Model, yes: Yes = False, db: Database = None) -> None:
    """Remove a model that you trained or added, for good, with the networks that were made of it.

    Nothing makes it again. Faces that it embedded keep their embeddings, but no further face can be embedded:
    a library that uses it has to change to another model.

    **Example**

    `facecluster models remove family`
    """
    from facecluster.nets.install import own_model, remove

    file, *_ = own_model(name)
    if name in _used(db):
        say(f"The library uses {shown(name)}, and will have to change: `facecluster migrate --model facenet`.")
    if not yes:
        typer.confirm(f"Remove {shown(file)} for good?", abort=True)
    remove(name)
    say(f"Removed: {shown(file)}")


def _used(db: Path | None) -> set[str]:
    """The model of the library, if there is one."""
    from facecluster.pipeline import Library, default_database

    if not (db or default_database()).exists():
        return set()
    with Library(db) as library:
        return {library.model}
