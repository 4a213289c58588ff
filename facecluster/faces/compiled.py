"""Loops over pixels and boxes as machine code: compiled by Numba once and kept in the cache folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba

from facecluster.nets.weights import cache_folder

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` as machine code, which several threads may run at the same time."""
    settings: Any = numba.config
    settings.CACHE_DIR = str(cache_folder() / "compiled")
    settings.SLP_VECTORIZE = 1  # off by default; three times as fast for sums of pixels
    quick: Callable[P, R] = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    return quick
