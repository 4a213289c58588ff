"""Which triplets of a batch to learn from: an anchor, a face of the same person, a face of another.

F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
CVPR 2015, section 3. Mining looks at distances and has no gradient. No array of all triplets is made: with an
anchor's negatives in order of distance, those that make a triplet with a positive lie side by side, between two
places that a binary search finds. A batch of N faces takes O(N² log N) time and some N² numbers of memory.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Mining = Literal["semi-hard", "hard", "all"]


class Pressure(NamedTuple):
    """How many triplets with a loss each pair of a batch is in: (N, N) int64, rows are anchors.

    ``pull`` counts those in which the column is the positive, ``push`` those in which it is the negative.
    ``pairs`` is the number of anchor-positive pairs.
    """

    pull: Tensor
    push: Tensor
    pairs: int


class _Ranked(NamedTuple):
    """The anchor-positive pairs of a batch, and every anchor's negatives by distance.

    ``anchor`` and ``positive`` are (P,) int64. ``far`` (N, N) holds distances in rising order, inf where there
    are no more negatives, and ``order`` (N, N) int64 whose they are.
    """

    anchor: Tensor
    positive: Tensor
    far: Tensor
    order: Tensor


def squared_distances(vectors: Tensor) -> Tensor:
    """Squared L2 distances of all pairs of ``vectors`` (N, D): (N, N), same dtype, 0 on the diagonal."""
    squares = vectors.square().sum(1)
    apart = (squares[:, None] + squares - 2 * vectors @ vectors.T).clamp(min=0)
    return apart.masked_fill(torch.eye(len(vectors), dtype=torch.bool, device=vectors.device), 0)


@torch.no_grad()
def mine(
    distances: Tensor, identities: Tensor, kind: Mining, margin: float, generator: torch.Generator | None = None
) -> Tensor:
    """Triplets (T, 3) int64 of anchor, positive and negative, ordered by anchor, then positive.

    ``distances`` is (N, N) floating, squared L2; ``identities`` (N,) int64, where a face of -1 takes no part.
    With a positive p and a negative n of an anchor a:

    - ``semi-hard``: for every pair (a, p) one negative, drawn with ``generator`` (on the processor; torch's own
      without) among those with d(a, p) < d(a, n) < d(a, p) + margin, equation 4; none for a pair without.
    - ``hard``: for every pair (a, p) the nearest negative, of equals the first, even if there is no loss.
    - ``all``: all triplets with d(a, n) < d(a, p) + margin, which are those with a loss. Up to N³ / 4 of them, 24
      bytes each: see `pressure`.
    """
    ranked = _rank(distances, identities)
    if kind == "hard":
        start = torch.zeros_like(ranked.anchor)
        count = ranked.far.isfinite().any(1)[ranked.anchor].long()
    elif kind == "semi-hard":
        start = _place(ranked, distances, right=True)
        found = (_place(ranked, distances + margin) - start).clamp(min=0)
        drawn = torch.rand(len(found), generator=generator, dtype=torch.float64).to(found.device)
        start, count = start + (drawn * found).long(), (found > 0).long()
    else:
        count = _place(ranked, distances + margin)
        start = torch.zeros_like(count)
    anchor, positive = ranked.anchor.repeat_interleave(count), ranked.positive.repeat_interleave(count)
    before = (count.cumsum(0) - count - start).repeat_interleave(count)
    place = torch.arange(len(before), device=before.device) - before
    return torch.stack((anchor, positive, ranked.order[anchor, place]), 1)


@torch.no_grad()
def pressure(distances: Tensor, identities: Tensor, margin: float) -> Pressure:
    """What the triplets that `mine` finds as ``all`` come to, without a list of them; arguments as there."""
    ranked = _rank(distances, identities)
    count = _place(ranked, distances + margin)
    n = len(identities)
    pull = torch.zeros((n, n), dtype=torch.int64, device=distances.device)
    pull[ranked.anchor, ranked.positive] = count
    ends = torch.bincount(ranked.anchor * (n + 1) + count, minlength=n * (n + 1)).view(n, n + 1)
    reached = (
        ends[:, 1:].flip(1).cumsum(1).flip(1)
    )  # (N, N): pairs of the anchor that reach to this place or beyond
    return Pressure(pull, torch.zeros_like(pull).scatter_(1, ranked.order, reached), len(count))


def _rank(distances: Tensor, identities: Tensor) -> _Ranked:
    known = identities >= 0
    both = known[:, None] & known
    same = identities[:, None] == identities
    far, order = distances.masked_fill(same | ~both, torch.inf).sort(dim=1, stable=True)
    anchor, positive = (same & both).fill_diagonal_(False).nonzero(as_tuple=True)
    return _Ranked(anchor, positive, far, order)


def _place(ranked: _Ranked, distances: Tensor, *, right: bool = False) -> Tensor:
    """How many negatives of the anchor are nearer than each pair's distance, or with ``right`` as near: (P,)."""
    places = torch.searchsorted(ranked.far, distances.contiguous(), right=right)
    return places[ranked.anchor, ranked.positive]
