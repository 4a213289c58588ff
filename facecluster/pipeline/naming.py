"""What people may be called, and whom the user means."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date

from facecluster.errors import UsageError
from facecluster.store import PersonRow

LONGEST = 200
"""Characters of a name."""


def clean_name(text: str) -> str:
    """``text`` as a name: in Unicode's form C, without spaces at the ends or twice in a row.

    Raises ``UsageError`` for one that is empty, too long, or could be taken for a person's number.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise UsageError("A name needs at least one character; to take a name away, use --clear.")
    if len(name) > LONGEST or not name.isprintable():
        raise UsageError(f"A name has at most {LONGEST} characters, all of them printable.")
    if name.isdigit() or (name.casefold().startswith("person ") and name[7:].isdigit()):
        raise UsageError(f"{name!r} would be taken for a person's number: choose another name.")
    return name


def alike(one: str | None, other: str) -> bool:
    """Whether two names differ in capitals at most."""
    return one is not None and one.casefold() == other.casefold()


def find_person(text: str, rows: dict[int, PersonRow]) -> int:
    """The person whose number, ``Person 007`` or name is ``text``; raises ``UsageError`` when it is not one's.

    A name is known in any of its Unicode forms, and in capitals or not where that leaves no doubt.
    """
    unnamed = {id_: replace(row, name=None).title for id_, row in rows.items()}
    wanted = " ".join(unicodedata.normalize("NFC", text).split())
    found = [id_ for id_, row in rows.items() if wanted in (str(id_), unnamed[id_], row.name)]
    if not found:
        folded = wanted.casefold()
        found = [
            id_ for id_, row in rows.items() if folded in ((row.name or "").casefold(), unnamed[id_].casefold())
        ]
    if not found:
        raise UsageError(f"There is no person {text!r}; `facecluster people` lists them.")
    if len(found) > 1:
        several = " or ".join(unnamed[id_] for id_ in found)
        raise UsageError(f"{text!r} may be {several}: say which, in these words.")
    return found[0]


def parse_day(text: str) -> str:
    """A day as ISO 8601; raises ``UsageError`` when it is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(f"{text!r} is no date: write it as 2015-08-31.") from error
