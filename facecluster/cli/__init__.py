"""The command line: one file per command, which parses, calls one function of the library, and prints."""

from facecluster.cli.app import app, main

__all__ = ["app", "main"]
