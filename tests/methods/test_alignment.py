"""Distribution alignment, by hand."""

import numpy as np
import pytest
import torch
from toy import C

from methods.alignment import AverageAlignment, WindowAlignment


def predictions(steps: int) -> list[torch.Tensor]:
    torch.manual_seed(3)
    return [torch.randn(7, C).softmax(-1) for _ in range(steps)]


def aligned(p: np.ndarray, p_tilde: np.ndarray, target: np.ndarray) -> np.ndarray:
    q = p * target / p_tilde
    return q / q.sum(-1, keepdims=True)


@pytest.mark.parametrize("start", [0.0, 1 / C])
def test_a_window_forgets_what_is_older(start):
    align = WindowAlignment(C, 3, start)
    means = [np.full(C, 1 / C)] * 3 if start else []
    for p in predictions(8):
        align.observe(p)
        means.append(p.double().numpy().mean(0))
        expected = aligned(p.double().numpy(), np.mean(means[-3:], 0), np.ones(C))
        assert np.allclose(align(p), expected, atol=1e-6)
    assert align.position.tolist() == [8 % 3]


def test_an_average_starts_at_the_first_step_s_mean():
    align, p_tilde = AverageAlignment(C, 0.9), None
    for p in predictions(5):
        align.observe(p)
        mean = p.double().numpy().mean(0)
        p_tilde = mean if p_tilde is None else 0.9 * p_tilde + 0.1 * mean
        assert np.allclose(align(p), aligned(p.double().numpy(), p_tilde, np.ones(C)), atol=1e-6)


def test_the_target_is_a_distribution_of_ones_own():
    (p,) = predictions(1)
    counts = torch.tensor([6.0, 3.0, 1.0])
    align = WindowAlignment(C, 1, 0.0, counts)
    align.observe(p)
    expected = aligned(p.double().numpy(), p.double().numpy().mean(0), counts.numpy() / 10)
    assert np.allclose(align(p), expected, atol=1e-6)


def test_a_class_that_is_never_predicted_divides_by_nothing():
    align = AverageAlignment(C, 0.9)
    p = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    align.observe(p)
    assert torch.equal(align(p), p)


def test_to_align_changes_no_state():
    align = WindowAlignment(C, 2, 0.0)
    (p,) = predictions(1)
    align.observe(p)
    before = [b.clone() for b in align.buffers()]
    align(p)
    assert all(torch.equal(a, b) for a, b in zip(before, align.buffers(), strict=True))
