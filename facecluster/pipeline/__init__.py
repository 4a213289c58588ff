"""Where the rooms meet: scan, cluster, export and migrate."""

from facecluster.pipeline.library import Library
from facecluster.pipeline.opened import DEFAULT_MODEL, Status, default_database
from facecluster.pipeline.scan import Progress, ScanResult

__all__ = ["DEFAULT_MODEL", "Library", "Progress", "ScanResult", "Status", "default_database"]
