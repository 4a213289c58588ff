"""The library's database: SQLite through sqlite-utils; the only room that writes SQL."""

from facecluster.store.calibrations import Calibrated
from facecluster.store.faces import StoredFace
from facecluster.store.journal import Change
from facecluster.store.library import Counts, Store
from facecluster.store.people import Assignment, PersonFace, PersonFigures, PersonRow
from facecluster.store.photos import KnownFile, Unreadable
from facecluster.store.schema import describe

__all__ = [
    "Assignment",
    "Calibrated",
    "Change",
    "Counts",
    "KnownFile",
    "PersonFace",
    "PersonFigures",
    "PersonRow",
    "Store",
    "StoredFace",
    "Unreadable",
    "describe",
]
