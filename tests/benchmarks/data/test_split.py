"""Shares and long tails: indices and classes, no pixels."""

import numpy as np
import pytest

from benchmarks.data.split import long_tail, shares

SVHN = np.array([4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659])  # its training images per class


@pytest.mark.parametrize("budget", [10, 40, 250, 1000, 4000])
def test_proportional_shares(budget: int) -> None:
    given = shares(SVHN, budget)
    exact = SVHN * budget / SVHN.sum()
    assert given.sum() == budget
    assert np.all(np.abs(given - exact) < 1)
    assert given.min() >= 1


def test_shares_of_anything() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        counts = rng.integers(1, 10 ** rng.integers(1, 5), rng.integers(1, 12))
        budget = int(rng.integers(1, counts.sum() + 1))
        given = shares(counts, budget)
        assert given.sum() == budget
        assert np.all((given >= 0) & (given <= counts))
        if budget >= len(counts):
            assert given.min() >= 1
        if (counts * budget >= counts.sum()).all():  # nobody was helped to a first one
            assert np.all(np.abs(given - counts * budget / counts.sum()) < 1)


def test_no_class_goes_without_a_label() -> None:
    assert shares(np.array([5] * 8 + [480] * 2), 10).tolist() == [1] * 10


@pytest.mark.parametrize(
    ("first", "gamma", "counts"),
    [
        (1500, 100, [1500, 899, 539, 323, 193, 116, 69, 41, 25, 15]),
        (3000, 100, [3000, 1798, 1078, 646, 387, 232, 139, 83, 50, 30]),
        (1500, 1, [1500] * 10),
    ],
)
def test_long_tail_of_the_literature(first: int, gamma: float, counts: list[int]) -> None:
    assert long_tail(first, gamma, 10).tolist() == counts


@pytest.mark.parametrize("first", [500, 1500, 3000, 4000])
@pytest.mark.parametrize("gamma", [50, 100, 150])
def test_long_tail_formula(first: int, gamma: int) -> None:
    """As in the code of Adsh and DARP: mu = gamma^(-1/9), int(N_1 mu^c), and int(N_1 / gamma) for the last class."""
    mu = (1 / gamma) ** (1 / 9)
    assert long_tail(first, gamma, 10).tolist() == [*(int(first * mu**c) for c in range(9)), int(first / gamma)]


def test_the_last_class_is_not_lost_to_rounding() -> None:
    assert [long_tail(n, n, 10)[-1] for n in range(1, 500)] == [1] * 499
