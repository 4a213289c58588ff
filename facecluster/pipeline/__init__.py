"""Where the rooms meet: scan, cluster, export and migrate."""

from facecluster.pipeline.library import DEFAULT_MODEL, Library, Status, default_database
from facecluster.pipeline.scan import Progress, ScanResult

__all__ = ["DEFAULT_MODEL", "Library", "Progress", "ScanResult", "Status", "default_database"]
