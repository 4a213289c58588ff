"""People are groups of faces: vectors and constraints in, labels out. Knows no photos on disk and no database."""

from facecluster.people.grouper import cluster
from facecluster.people.grouping import ClusterOptions, Constraints, Grouping, Held, Reason, tightness
from facecluster.people.identity import keep_ids
from facecluster.people.linkage import average_linkage

__all__ = [
    "ClusterOptions",
    "Constraints",
    "Grouping",
    "Held",
    "Reason",
    "average_linkage",
    "cluster",
    "keep_ids",
    "tightness",
]
