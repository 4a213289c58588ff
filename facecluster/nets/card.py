"""The card of a trained model: what it is, what it wants to see, how it was made and how good it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from typing import Literal, get_args

Crop = Literal["box 36/160", "steady 22/160", "five-point 112"]
"""``box 36/160``: the central 160 pixels of a chip, the face's box with a margin of 36/160, stretched square.
``steady 22/160``: the box with a margin of 22/160, moved half-way to where the landmarks are (see ``framing``).
``five-point 112``: the similarity transform of the five landmarks to the usual template, that of 112 pixels.
All are resized to the side that the model wants."""

NORMALISATION = "RGB (x - 127.5) / 128"
"""What networks are given, of grey levels 0..255."""

Far = dict[str, list[float | None]]
"""How often a model mistakes people: ``rates``, and the distances at which these are reached for two faces
(``face``) and for a face and a person (``person``); see ``nets.far``."""

LARGEST = {"dimension": 4096, "size": 1024}


@dataclass(frozen=True, slots=True)
class Card:
    """A trained model, described.

    ``arch`` is the kind of network, ``dimension`` the length of its embeddings, ``size`` the side in pixels of the
    square ``crop`` that it sees, ``normalisation`` what is done to it; ``join_distance`` the squared L2 distance
    between unit vectors up to which two groups of faces are joined. ``licence``, ``origin`` and ``training_data``
    are sentences; ``command`` made the model on the day ``made_at`` (UTC, ``2026-01-31``).

    ``figures`` are what was measured, by name. ``models`` shows ``LFW`` (per cent), or else ``held-out``: pairs
    told apart rightly of people who were held out of the training (per cent). ``far`` is what ``find`` and
    ``verify`` go by; None where it was not measured.

    Raises ``ValueError`` for what this version cannot use.
    """

    name: str
    arch: str
    dimension: int
    crop: Crop
    size: int
    normalisation: str
    join_distance: float
    licence: str
    origin: str
    training_data: str
    command: str
    made_at: str
    figures: dict[str, str | float] = field(default_factory=dict, hash=False)
    far: Far | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        for name in ("name", "arch", "licence", "origin", "training_data", "command", "made_at"):
            _require(isinstance(told[name], str), name, told[name])
        for name, largest in LARGEST.items():
            _require(type(told[name]) is int and 0 < told[name] <= largest, name, told[name])
        _require(self.crop in get_args(Crop), "crop", self.crop)
        _require(self.normalisation == NORMALISATION, "normalisation", self.normalisation)
        _require(
            _is_number(self.join_distance) and 0 < self.join_distance <= 4, "join_distance", self.join_distance
        )
        _require(isinstance(self.figures, dict), "figures", self.figures)
        for name, figure in self.figures.items():
            _require(_is_number(figure) or isinstance(figure, str), f"figure of {name}", figure)
        _require(self.far is None or _is_far(self.far), "far", self.far)


def to_json(card: Card) -> str:
    """A card as one line of JSON."""
    return json.dumps(asdict(card), sort_keys=True)


def from_json(text: str) -> Card:
    """The card that ``to_json`` wrote; what it says beyond that is passed over. Raises ``ValueError``."""
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError("it is no card")
    try:
        return Card(**{each.name: told[each.name] for each in fields(Card) if each.name in told})
    except TypeError as error:  # a field is missing
        raise ValueError(str(error)) from error


def _require(fine: bool, what: str, value: object) -> None:
    if not fine:
        raise ValueError(f"its {what} is {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_far(far: object) -> bool:
    """Whether rates fall and distances with them, one for each rate; those of the least rates may be unknown."""
    if not isinstance(far, dict) or set(far) != {"rates", "face", "person"}:
        return False
    if not all(isinstance(row, list) and len(row) == len(far["rates"]) for row in far.values()):
        return False
    known = [[value for value in row if value is not None] for row in far.values()]
    return all(map(_falls, known)) and min(far["rates"]) > 0


def _falls(values: list[float]) -> bool:
    """Whether numbers fall, and there are two of them."""
    fine = len(values) > 1 and all(map(_is_number, values))
    return fine and all(a > b for a, b in pairwise(values))
