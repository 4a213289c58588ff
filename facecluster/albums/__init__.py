"""Albums: one folder of links per person, kept in step with what facecluster knows.

``plan`` reads the destination and says what would change; ``apply`` does it.
"""

from facecluster.albums.apply import ExportResult, apply
from facecluster.albums.plan import Conflict, ExportOptions, ExportPlan, Kept, Link, PersonFolder, is_export, plan

__all__ = [
    "Conflict",
    "ExportOptions",
    "ExportPlan",
    "ExportResult",
    "Kept",
    "Link",
    "PersonFolder",
    "apply",
    "is_export",
    "plan",
]
