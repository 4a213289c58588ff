"""``facecluster migrate``."""

from __future__ import annotations

from typing import Annotated

import typer

from facecluster.cli.console import Database, Device, complete_model, existing_library, number, out, progress_bar


def migrate(
    model: Annotated[
        str,
        typer.Option(help="The model to change to; see `facecluster models`.", autocompletion=complete_model),
    ],
    device: Device = "auto",
    db: Database = None,
) -> None:
    """Change the library to another model: embed all its faces again.

    No photo is opened: the faces are in the database. People keep their numbers and names. Interrupted, the next
    run goes on; until it is done the library keeps its present model.

    **Example**

    `facecluster migrate --model sface && facecluster cluster --anew`
    """
    with existing_library(db) as library, progress_bar("Embedding", "faces") as bar:
        count = library.migrate(model, device=device, on_progress=bar.show)
    out.print(f"{number(count, 'face')} embedded; the library uses {model} now.")
    out.print("Next: facecluster cluster --anew")
