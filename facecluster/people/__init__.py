"""People are groups of faces: vectors and constraints in, labels out. Knows no photos on disk and no database."""

from facecluster.people.grouper import cluster
from facecluster.people.grouping import ClusterOptions, Constraints, Grouping, Reason, tightness
from facecluster.people.identity import keep_ids

__all__ = ["ClusterOptions", "Constraints", "Grouping", "Reason", "cluster", "keep_ids", "tightness"]
