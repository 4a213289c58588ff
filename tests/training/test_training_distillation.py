"""Distillation against loops over faces and pairs."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch.nn.functional import normalize

from facecluster.training.distillation import embedding_loss, similarity_loss


def test_embedding_loss_is_the_mean_squared_distance() -> None:
    student, teacher = normalize(torch.randn(2, 6, 5), dim=2)
    slow = [
        sum((a - b) ** 2 for a, b in zip(s, t, strict=True))
        for s, t in zip(student.tolist(), teacher.tolist(), strict=True)
    ]
    assert float(embedding_loss(student, teacher)) == pytest.approx(sum(slow) / 6, rel=1e-5)
    assert embedding_loss(student, student) == 0
    assert float(embedding_loss(student, -student)) == pytest.approx(4)


def test_similarity_loss_is_the_mean_over_pairs_of_two() -> None:
    student, teacher = normalize(torch.randn(6, 5)), normalize(torch.randn(6, 9))
    slow = [float(student[i] @ student[j] - teacher[i] @ teacher[j]) ** 2 for i, j in permutations(range(6), 2)]
    assert float(similarity_loss(student, teacher)) == pytest.approx(sum(slow) / len(slow), rel=1e-5)


def test_similarity_loss_asks_for_distances_only() -> None:
    student = normalize(torch.randn(8, 4))
    turn, _ = torch.linalg.qr(torch.randn(4, 4))
    assert float(similarity_loss(student, student @ turn)) == pytest.approx(0, abs=1e-10)
    assert similarity_loss(student[:1], student[:1]) == 0


def test_similarity_loss_ignores_lengths_of_one_face_with_itself() -> None:
    student = torch.eye(3)
    longer = torch.eye(3) * 2
    assert similarity_loss(student, longer) == 0
