"""People are groups of faces: vectors and constraints in, labels out. Knows no photos on disk and no database."""

from facecluster.people.grouper import cluster
from facecluster.people.grouping import ClusterOptions, Constraints, Grouping, Held, Reason, tightness
from facecluster.people.identity import keep_ids
from facecluster.people.linkage import average_linkage
from facecluster.people.recognition import Gallery

__all__ = [
    "ClusterOptions",
    "Constraints",
    "Gallery",
    "Grouping",
    "Held",
    "Reason",
    "average_linkage",
    "cluster",
    "keep_ids",
    "tightness",
]
