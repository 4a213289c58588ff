"""The library's database: SQLite through sqlite-utils; the only room that writes SQL."""

from facecluster.store.calibrations import Calibrated
from facecluster.store.evaluations import Evaluation
from facecluster.store.faces import OwnedFace, StoredFace
from facecluster.store.journal import Change
from facecluster.store.library import Counts, Store, is_library
from facecluster.store.people import Assignment, PersonFace, PersonFigures, PersonRow
from facecluster.store.photos import KnownFile, Unreadable
from facecluster.store.refusals import Place, Refusals
from facecluster.store.schema import describe

__all__ = [
    "Assignment",
    "Calibrated",
    "Change",
    "Counts",
    "Evaluation",
    "KnownFile",
    "OwnedFace",
    "PersonFace",
    "PersonFigures",
    "PersonRow",
    "Place",
    "Refusals",
    "Store",
    "StoredFace",
    "Unreadable",
    "describe",
    "is_library",
]
