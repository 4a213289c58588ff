"""The library's database: SQLite through sqlite-utils; the only room that writes SQL."""

from facecluster.store.faces import StoredFace
from facecluster.store.library import Counts, Store
from facecluster.store.people import Assignment, PersonRow
from facecluster.store.photos import KnownFile, Unreadable
from facecluster.store.schema import describe

__all__ = [
    "Assignment",
    "Counts",
    "KnownFile",
    "PersonRow",
    "Store",
    "StoredFace",
    "Unreadable",
    "describe",
]
