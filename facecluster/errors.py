"""What can go wrong, as sentences that a user can act on.

::

    FaceclusterError
    ├── UsageError              the request itself cannot be carried out as asked
    │   └── NameTakenError      another person has that name
    ├── UnreadablePhotoError    one file cannot be read as a photo; the run goes on without it
    ├── WeightsError            weights are missing, damaged or not the ones expected
    ├── ModelMismatchError      the database holds embeddings of another model
    └── StoreError              the database cannot be opened or is of a newer version
"""

from __future__ import annotations

from pathlib import Path


class FaceclusterError(Exception):
    """Base of every error that facecluster raises on purpose; its text is shown to the user as it is."""


class UsageError(FaceclusterError):
    """The request cannot be carried out as asked: an option, a path or a name is wrong."""


class NameTakenError(UsageError):
    """Another person is called so already: ``name`` and ``person_id`` are that person's."""

    def __init__(self, name: str, person_id: int) -> None:
        self.name = name
        self.person_id = person_id
        super().__init__(
            f"Person {person_id:03d} is called {name} already: merge the two, or choose another name."
        )


class UnreadablePhotoError(FaceclusterError):
    """A file cannot be read as a photo. ``path`` names it, ``reason`` says why in a short sentence."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class WeightsError(FaceclusterError):
    """Weights are missing, damaged, or not the ones expected; the text says how to get them."""


class ModelMismatchError(FaceclusterError):
    """The database holds embeddings of another model; the text says how to migrate."""


class StoreError(FaceclusterError):
    """The database cannot be opened, or was written by a newer facecluster."""
