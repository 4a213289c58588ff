"""``facecluster evaluate`` and its commands: how right the models are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facecluster.cli.cluster import Algorithm
from facecluster.cli.console import Database, Device, Json, existing_library, progress_bar, say_error
from facecluster.cli.measured import report

if TYPE_CHECKING:
    from facecluster.pipeline.evaluate.people import GroupOptions
    from facecluster.pipeline.evaluate.record import Recorder

INTERRUPTED = 130

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

Folder = Annotated[Path, typer.Argument(help="The folder of photos.", metavar="DIR")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Model to measure; may be repeated. [default: the library's]", metavar="NAME"),
]
Flip = Annotated[bool, typer.Option("--flip", help="Embed the mirror image, too, and take the mean.")]
Attributes = Annotated[
    Path | None,
    typer.Option(
        help="CSV of what is known of the photos or people. [default: DIR/attributes.csv, if it is there]",
        metavar="FILE",
    ),
]
OfPeople = Annotated[
    Path | None, typer.Option("--attributes", help="CSV of what is known of people.", metavar="FILE")
]
Pairs = Annotated[Path | None, typer.Option(help="The list of pairs. [default: DIR's own]", metavar="FILE")]
Roc = Annotated[Path | None, typer.Option(help="Draw the ROC, a new PNG.", metavar="FILE")]
Worst = Annotated[
    Path | None, typer.Option(help="Draw the ten worst errors of each kind, a new PNG or JPEG.", metavar="FILE")
]
MinSize = Annotated[int, typer.Option(min=1, help="Fewest faces of a person.")]
How = Annotated[Algorithm, typer.Option(help="How faces are grouped.")]
MinSamples = Annotated[int, typer.Option(min=1, help="HDBSCAN: how many near faces make a dense spot.")]
JoinDistance = Annotated[
    float | None,
    typer.Option(min=0.0, max=4.0, help="Squared distance to join within. [default: as `cluster` has it]"),
]
K = Annotated[int | None, typer.Option("--k", min=1, help="k-means: how many people. [default: searched]")]
Neighbours = Annotated[int, typer.Option(min=1, help="Known faces that vote on whose another one is.")]


@app.callback()
def evaluate() -> None:
    """Measure how right the models are: on test sets, on folders of people, on your own library.

    Where there is a library, each measurement is recorded in it, and `facecluster models` shows the latest; no
    library is made for that. Where it is known of the photos who is on them (`--attributes`), errors are told for
    each group of people, so that a model that is wrong about some more than about others is seen to be.

    A CSV of attributes has a column `path` (within the folder) or `person`; each other column, such as `sex`,
    `age` or `ethnicity`, sorts people into groups, and one called `year` or `taken` says when a photo was taken.

    **Examples**

    `facecluster evaluate lfw lfw/ --roc roc.png`

    `facecluster evaluate library`
    """


@app.command()
def lfw(
    folder: Folder,
    pairs: Pairs = None,
    model: Models = None,
    flip: Flip = False,
    attributes: Attributes = None,
    roc: Roc = None,
    worst: Worst = None,
    device: Device = "auto",
    db: Database = None,
    json: Json = False,
) -> None:
    """Measure verification on Labeled Faces in the Wild, by its official protocol.

    DIR holds a folder per person, `NAME/NAME_0001.jpg`, and `pairs.txt`. For each of the ten folds the threshold
    is chosen on the nine others (mean ± standard error); VAL at a FAR is as FaceNet's paper defines it, over all
    pairs, and over the folds. The face nearest to the centre counts; where none is found, the centre. Pairs whose
    photos are missing are left out, and told of.

    **Examples**

    `facecluster evaluate lfw lfw/ --model facenet --model sface --roc roc.png`

    `facecluster evaluate lfw lfw/ --flip --worst errors.jpg`
    """
    with _measuring("photos") as show, _recorder(db) as kept:
        from facecluster.pipeline.evaluate.options import MeasureOptions
        from facecluster.pipeline.evaluate.pictures import Pictures
        from facecluster.pipeline.evaluate.verification import measure_lfw

        options, pictures = MeasureOptions(kept.models(model), device, flip, attributes), Pictures(roc, worst)
        pictures.check()
        run = measure_lfw(folder, options, pairs, show)
        kept.keep(run.figures, options, {"pairs": pairs})
    report(run.figures, kept, json)
    pictures.draw(run)


@app.command()
def videos(
    folder: Folder,
    pairs: Pairs = None,
    model: Models = None,
    flip: Flip = False,
    attributes: Attributes = None,
    roc: Roc = None,
    device: Device = "auto",
    db: Database = None,
    json: Json = False,
) -> None:
    """Measure verification on YouTube Faces, by its protocol.

    DIR holds the frames, `NAME/VIDEO/*.jpg`, and `splits.txt`, whose lines are a fold, two videos such as
    `NAME/0`, a similarity, and 1 for one person or 0 for two, with commas between. The distance of two videos is
    the mean over all pairs of their first 100 frames with a face; folds are as for LFW.

    **Example**

    `facecluster evaluate videos frames/ --pairs splits.txt --roc roc.png`
    """
    with _measuring("videos") as show, _recorder(db) as kept:
        from facecluster.pipeline.evaluate.options import MeasureOptions
        from facecluster.pipeline.evaluate.pictures import Pictures
        from facecluster.pipeline.evaluate.verification import measure_videos

        options, pictures = MeasureOptions(kept.models(model), device, flip, attributes), Pictures(roc)
        pictures.check()
        run = measure_videos(folder, options, pairs, show)
        kept.keep(run.figures, options, {"pairs": pairs})
    report(run.figures, kept, json)
    pictures.draw(run)


@app.command("folder")
def of_folder(
    folder: Folder,
    algorithm: How = Algorithm.hdbscan,
    min_size: MinSize = 3,
    min_samples: MinSamples = 2,
    join_distance: JoinDistance = None,
    k: K = None,
    neighbours: Neighbours = 1,
    model: Models = None,
    flip: Flip = False,
    attributes: Attributes = None,
    device: Device = "auto",
    db: Database = None,
    json: Json = False,
) -> None:
    """Measure grouping and identification on a folder per person.

    Of each photo below `DIR/NAME/` the face nearest to the centre counts; photos without a face take no part. The
    faces are grouped as `cluster` would, and compared with the folders. Then each face is asked for among the
    others, by its nearest neighbours and by a linear support vector machine, in five folds.

    **Examples**

    `facecluster evaluate folder people/ --min-size 2`

    `facecluster evaluate folder people/ --attributes people.csv --json`
    """
    with _measuring("photos") as show, _recorder(db) as kept:
        from facecluster.pipeline.evaluate.options import MeasureOptions
        from facecluster.pipeline.evaluate.people import measure_folder

        options = MeasureOptions(kept.models(model), device, flip, attributes)
        grouping = _grouping(algorithm, min_size, min_samples, join_distance, k, neighbours)
        figures = measure_folder(folder, options, grouping, show)
        kept.keep(figures, options, grouping.told())
    report(figures, kept, json)


@app.command("library")
def of_library(
    algorithm: How = Algorithm.hdbscan,
    min_size: MinSize = 3,
    min_samples: MinSamples = 2,
    join_distance: JoinDistance = None,
    k: K = None,
    neighbours: Neighbours = 1,
    model: Models = None,
    attributes: OfPeople = None,
    device: Device = "auto",
    db: Database = None,
    json: Json = False,
) -> None:
    """Measure grouping and identification on your library, against the people whom you confirmed.

    All faces are grouped by a run that knows nothing of what you said, and the confirmed ones are compared with
    it; the people of the library stay as they are. Faces that you confirmed because `cluster` found them make it
    look better than it is. Another `--model` embeds the stored faces again, and keeps nothing of that. How old
    people were and how far apart photos are is known from birth dates and from the photos.

    **Example**

    `facecluster evaluate library --model facenet --model sface`
    """
    with existing_library(db) as library, _measuring("faces") as show, _recorder(db) as kept:
        from facecluster.pipeline.evaluate.library import measure_library
        from facecluster.pipeline.evaluate.options import MeasureOptions

        options = MeasureOptions(kept.models(model), device, attributes=attributes)
        grouping = _grouping(algorithm, min_size, min_samples, join_distance, k, neighbours)
        own = library.cluster_options().join_distance
        figures = measure_library(library.store, options, grouping, own, show)
        kept.keep(figures, options, grouping.told())
    report(figures, kept, json)


def _grouping(
    algorithm: Algorithm, min_size: int, min_samples: int, join_distance: float | None, k: int | None, vote: int
) -> GroupOptions:
    from facecluster.evaluation import IdentifyOptions
    from facecluster.people import ClusterOptions
    from facecluster.pipeline.evaluate.people import GroupOptions

    options = ClusterOptions(algorithm.value, min_size, min_samples, k=k)
    return GroupOptions(options, join_distance, IdentifyOptions(neighbours=vote))


def _recorder(db: Path | None) -> AbstractContextManager[Recorder]:
    from facecluster.pipeline import default_database
    from facecluster.pipeline.evaluate.record import recorder

    return recorder(db or default_database())


@contextmanager
def _measuring(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; Ctrl-C ends the command with a sentence."""
    try:
        with progress_bar("Measuring", unit) as bar:
            yield bar.show
    except KeyboardInterrupt:
        say_error("Stopped. Nothing was recorded.")
        raise typer.Exit(INTERRUPTED) from None
