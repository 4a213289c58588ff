"""What is asked of a student's embeddings: to be like a teacher's, or as far from each other as a teacher's.

Neither needs to know whose the faces are.
"""

from __future__ import annotations

import torch
from torch import Tensor


def embedding_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """The mean squared L2 distance of each face's two unit vectors, 2 - 2 cos; both (N, D)."""
    return (student - teacher).square().sum(1).mean()


def similarity_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """The mean squared difference of the two matrices of cosines, off the diagonal; 0 for one face.

    Unit vectors (N, D) and (N, E): the dimensions may differ. Relational distillation by pairs (Park et al., CVPR
    2019, section 3.2) with another measure: cosines instead of distances over their mean, and squares instead of
    the Huber loss.
    """
    n = len(student)
    apart = (student @ student.T - teacher @ teacher.T).square()
    return apart.masked_fill(torch.eye(n, dtype=torch.bool, device=apart.device), 0).sum() / max(n * (n - 1), 1)
