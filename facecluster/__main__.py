"""``python -m facecluster``."""

from facecluster.cli import main

main()
