"""How good groups, distances and embeddings are. Arrays in, numbers and pictures out.

Names are loaded when they are first used: identification needs scikit-learn, and a plot matplotlib, which take
time to load, and most callers need neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facecluster.evaluation.fairness import Column, GroupRates, column_of, pair_groups, year_gaps
    from facecluster.evaluation.grouping import GroupScores, Score, bcubed, pairwise, score_groups
    from facecluster.evaluation.identification import Identification, IdentifyOptions, identify
    from facecluster.evaluation.pairs import Worst, sample_pairs, worst
    from facecluster.evaluation.plot import plot_roc
    from facecluster.evaluation.sheet import SheetPair, SheetPart, contact_sheet
    from facecluster.evaluation.verification import (
        RATES,
        AtFar,
        Estimate,
        Roc,
        Validation,
        Verification,
        best_threshold,
        mean_distances,
        pair_distances,
        roc,
        val_at_far,
        val_at_far_folds,
        verification_folds,
        verify_distances,
        verify_pairs,
    )

__all__ = [
    "RATES",
    "AtFar",
    "Column",
    "Estimate",
    "GroupRates",
    "GroupScores",
    "Identification",
    "IdentifyOptions",
    "Roc",
    "Score",
    "SheetPair",
    "SheetPart",
    "Validation",
    "Verification",
    "Worst",
    "bcubed",
    "best_threshold",
    "column_of",
    "contact_sheet",
    "identify",
    "mean_distances",
    "pair_distances",
    "pair_groups",
    "pairwise",
    "plot_roc",
    "roc",
    "sample_pairs",
    "score_groups",
    "val_at_far",
    "val_at_far_folds",
    "verification_folds",
    "verify_distances",
    "verify_pairs",
    "worst",
    "year_gaps",
]

_HOMES = {
    "fairness": ("Column", "GroupRates", "column_of", "pair_groups", "year_gaps"),
    "grouping": ("GroupScores", "Score", "bcubed", "pairwise", "score_groups"),
    "identification": ("Identification", "IdentifyOptions", "identify"),
    "pairs": ("Worst", "sample_pairs", "worst"),
    "plot": ("plot_roc",),
    "sheet": ("SheetPair", "SheetPart", "contact_sheet"),
}


def __getattr__(name: str) -> Any:
    """The public name, from its module; ``verification`` is the default home."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "verification")
    return getattr(import_module(f"{__name__}.{home}"), name)
