"""What is asked of embeddings: a number that is small when faces of a person are near and others far.

All are called alike, ``loss(vectors, identities)``, and all leave out faces of -1, compute in float32 at least,
also within autocast, and say what they saw in ``figures``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast, get_args

import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import ArcFaceLoss, ContrastiveLoss, CosFaceLoss, NormalizedSoftmaxLoss
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, relu

from facecluster.errors import UsageError
from facecluster.training.triplets import Mining, mine, pressure, squared_distances

LOSSES = ("triplet", "contrastive", "softmax", "arcface", "cosface", "sphereface")

MARGINS = {"triplet": 0.2, "contrastive": 1.5, "arcface": 0.5, "cosface": 0.35, "sphereface": 2.0}
SCALES = {"softmax": 20.0, "arcface": 64.0, "cosface": 64.0, "sphereface": 30.0}


@dataclass(frozen=True, slots=True)
class LossOptions:
    """How a loss is set up; None stands for its own value in ``MARGINS`` and ``SCALES``.

    ``margin`` is a squared L2 distance for triplet and contrastive, radians for arcface, a cosine for cosface,
    and the factor on the angle for sphereface. ``scale`` multiplies cosines before the softmax. ``mining`` is for
    triplets only. ``seed`` is for what is drawn: negatives, and the weights of the identities.
    """

    margin: float | None = None
    scale: float | None = None
    mining: Mining = "semi-hard"
    seed: int = 0


class Loss(nn.Module):
    """(N, D) unit vectors and (N,) int64 identities, -1 for a face without one → a scalar.

    ``figures`` tells of the last call. The scalar is 0, with a gradient of 0, where there is nothing to ask.
    """

    def __init__(self) -> None:
        super().__init__()
        self.figures: dict[str, float] = {}

    def forward(self, vectors: Tensor, identities: Tensor) -> Tensor:
        """The loss of a batch."""
        known = identities >= 0
        with torch.autocast(vectors.device.type, enabled=False):
            exact = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
            return self.of(exact[known], identities[known]) if known.any() else exact.sum() * 0

    def of(self, vectors: Tensor, identities: Tensor) -> Tensor:
        """The loss of faces that all have an identity, at least one of them."""
        raise NotImplementedError


class TripletLoss(Loss):
    """The mean over mined triplets of [d(a, p) - d(a, n) + margin]₊, with d the squared L2 distance.

    Schroff et al. 2015, equations 1 to 4; theirs is the sum, whose gradient grows with the number of triplets.
    For mining see `triplets.mine`; ``all`` is the mean over triplets with a loss. ``figures`` holds how many
    ``pairs`` of anchor and positive there were, how many ``triplets``, and which share of the pairs was
    ``active``: is in a triplet with a loss. The state to save includes that of the draw.
    """

    def __init__(self, margin: float = 0.2, mining: Mining = "semi-hard", seed: int = 0) -> None:
        super().__init__()
        self.margin, self.mining = margin, mining
        self.generator = torch.Generator().manual_seed(seed)

    def of(self, vectors: Tensor, identities: Tensor) -> Tensor:
        """The loss of faces that all have an identity."""
        distances = squared_distances(vectors)
        if self.mining == "all":
            return self._of_all(distances, identities)
        return self._of_mined(distances, identities)

    def _of_mined(self, distances: Tensor, identities: Tensor) -> Tensor:
        triplets = mine(distances, identities, self.mining, self.margin, self.generator)  # one for a pair at most
        anchor, positive, negative = triplets.T
        each = relu(distances[anchor, positive] - distances[anchor, negative] + self.margin)
        same = identities[:, None] == identities
        self._report(int(same.sum()) - len(same), len(each), int((each > 0).sum()))
        return each.mean() if len(each) else distances.sum() * 0

    def _of_all(self, distances: Tensor, identities: Tensor) -> Tensor:
        """Σ over triplets of d(a, p) - d(a, n) + margin, by pairs: each as often as it is in a triplet."""
        pull, push, pairs = pressure(distances, identities, self.margin)
        count = int(pull.sum())
        self._report(pairs, count, int((pull > 0).sum()))
        weights = (pull - push).to(distances.dtype) / max(count, 1)
        return (weights * distances).sum() + (self.margin if count else 0.0)

    def _report(self, pairs: int, triplets: int, active: int) -> None:
        self.figures = {"pairs": pairs, "triplets": triplets, "active": active / pairs if pairs else 0.0}

    def get_extra_state(self) -> Tensor:
        """The state of the draw, for ``state_dict``."""
        return self.generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Go on drawing where a saved loss was."""
        self.generator.set_state(state)


class PairLoss(Loss):
    """Contrastive: the mean of d over pairs of one person, plus that of [margin - d]₊ over pairs of two.

    d is the *squared* L2 distance, and means are over pairs with a loss. Hadsell, Chopra, LeCun, CVPR 2006, have
    d for one person, too, but [margin - √d]₊² for two.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.inner = ContrastiveLoss(pos_margin=0, neg_margin=margin, distance=LpDistance(power=2))

    def of(self, vectors: Tensor, identities: Tensor) -> Tensor:
        """The loss of faces that all have an identity."""
        return cast(Tensor, self.inner(vectors, identities))


class ClassLoss(Loss):
    """Telling the identities of the training apart: a softmax over cosines with a weight vector of each.

    Identities are 0..C-1 (`identities.compact`). The weight vectors are a parameter, (D, C), that the optimiser
    must get. They begin at random; `start` puts them where the network has the people already. ``figures`` holds
    ``right``, the share of faces nearest to their own weight vector.
    """

    def __init__(self, inner: nn.Module, seed: int) -> None:
        super().__init__()
        self.inner = inner
        drawn = torch.randn(self.weights.shape, generator=torch.Generator().manual_seed(seed))
        self.weights.data.copy_(drawn)

    @property
    def weights(self) -> nn.Parameter:
        """The weight vectors of the identities, (D, C), of any length."""
        return cast(nn.Parameter, self.inner.W)

    @torch.no_grad()
    def start(self, vectors: Tensor, identities: Tensor) -> None:
        """Begin at the mean direction of each identity's ``vectors`` (N, D); an identity without keeps its own."""
        known = identities >= 0
        own = torch.zeros_like(self.weights).index_add_(1, identities[known], vectors[known].T.to(self.weights))
        there = own.any(0)
        self.weights.data[:, there] = normalize(own[:, there], dim=0)

    def of(self, vectors: Tensor, identities: Tensor) -> Tensor:
        """The loss of faces that all have an identity."""
        with torch.no_grad():
            nearest = (vectors @ normalize(self.weights.to(vectors), dim=0)).argmax(1)
            self.figures = {"right": float((nearest == identities).float().mean())}
        return cast(Tensor, self.inner(vectors, identities))


class SphereFaceLoss(nn.Module):
    """Softmax over scaled cosines, with ψ(θ) for the own identity: A-Softmax.

    ψ(θ) = (-1)ᵏ cos(mθ) - 2k for mθ in [kπ, (k + 1)π], which falls from 1 at θ = 0 on. Liu et al., CVPR 2017,
    equation 7; there vectors have their own lengths, here they are of unit length and ``scale`` stands for it.
    """

    def __init__(self, identity_count: int, dimension: int, margin: float, scale: float) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(dimension, identity_count))
        self.margin, self.scale = margin, scale

    def forward(self, vectors: Tensor, identities: Tensor) -> Tensor:
        """The mean over faces."""
        cosines = normalize(vectors) @ normalize(self.W.to(vectors), dim=0)  # (N, C)
        own = identities[:, None]
        angle = self.margin * cosines.gather(1, own).clamp(-1 + 1e-6, 1 - 1e-6).acos()  # acos is steep at its ends
        k = (angle.detach() / math.pi).floor()
        psi = (1 - 2 * (k % 2)) * angle.cos() - 2 * k
        return cross_entropy(self.scale * cosines.scatter(1, own, psi), identities)


def make_loss(name: str, dimension: int, identity_count: int, options: LossOptions | None = None) -> Loss:
    """The loss called ``name``, one of ``LOSSES``, for vectors (N, ``dimension``) of identities 0..C-1.

    ``arcface``: Deng et al., CVPR 2019; ``cosface``: Wang et al., CVPR 2018; ``softmax``: classification as in
    DeepFace (Taigman et al., CVPR 2014), on cosines as in NormFace (Wang et al., 2017). Raises UsageError for
    another name, or another way to mine.
    """
    if name not in LOSSES:
        raise UsageError(f"There is no loss called {name}: choose one of {', '.join(LOSSES)}.")
    options = options or LossOptions()
    margin = MARGINS.get(name, 0.0) if options.margin is None else options.margin
    scale = SCALES.get(name, 1.0) if options.scale is None else options.scale
    if name == "triplet":
        if options.mining not in get_args(Mining):
            raise UsageError(f"Triplets cannot be mined {options.mining}: choose {', '.join(get_args(Mining))}.")
        return TripletLoss(margin, options.mining, options.seed)
    if name == "contrastive":
        return PairLoss(margin)
    return ClassLoss(_classifier(name, dimension, identity_count, margin, scale), options.seed)


def _classifier(name: str, dimension: int, identity_count: int, margin: float, scale: float) -> nn.Module:
    sizes = {"num_classes": identity_count, "embedding_size": dimension}
    if name == "sphereface":  # the library's takes margins in whole numbers only, and warns with NumPy 2
        return SphereFaceLoss(identity_count, dimension, margin, scale)
    if name == "softmax":
        return cast(nn.Module, NormalizedSoftmaxLoss(temperature=1 / scale, **sizes))
    if name == "arcface":
        return cast(nn.Module, ArcFaceLoss(margin=math.degrees(margin), scale=scale, **sizes))
    return cast(nn.Module, CosFaceLoss(margin=margin, scale=scale, **sizes))
