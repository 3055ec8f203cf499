"""Shares and long tails: indices and classes, no pixels."""

import numpy as np
import pytest

from benchmarks.data.split import Split, choose, long_tail, proportional, shares

SVHN = np.array([4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659])  # its training images per class


@pytest.mark.parametrize("budget", [10, 40, 250, 1000, 4000])
def test_proportional_shares(budget: int) -> None:
    given = shares(SVHN, budget)
    exact = SVHN * budget / SVHN.sum()
    assert given.sum() == budget
    assert np.all(np.abs(given - exact) < 1)
    assert given.min() >= 1


@pytest.mark.parametrize(
    ("budget", "given"),
    [(40, [3, 7, 6, 4, 4, 4, 3, 3, 3, 3]), (250, [17, 47, 36, 29, 25, 24, 20, 19, 17, 16])],
)
def test_svhn_s_labels_are_those_of_fixmatch(budget: int, given: list[int]) -> None:
    """As its create_split.py gives them out."""
    assert proportional(SVHN, budget).tolist() == given


def test_labels_in_proportion_are_never_more_than_there_are() -> None:
    counts = np.array([3, 1, 9])
    for budget in range(1, 14):
        given = proportional(counts, budget)
        assert given.sum() == budget and (given <= counts).all()


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
        (30, 0.01, [30, 50, 83, 139, 232, 387, 646, 1078, 1798, 3000]),
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


@pytest.mark.parametrize("gamma", [10, 20, 50, 100, 150, 200])
@pytest.mark.parametrize("rarest", [1, 2, 3, 15, 20, 80])
def test_a_gamma_below_1_reverses_the_tail(gamma: int, rarest: int) -> None:
    assert long_tail(rarest, 1 / gamma, 10).tolist() == long_tail(rarest * gamma, gamma, 10)[::-1].tolist()


def tails(include_labelled: bool = False, **imbalance: float) -> tuple[Split, np.ndarray, np.ndarray]:
    """A split of five classes of 400 each, and how many of each are labelled and unlabelled."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(5), 400))
    options = {"labels": 5, "balance": "equal", "validation": 0, "subset": None, "folds": None, "name": "mine"}
    split = choose(y, n_classes=5, seed=3, include_labelled=include_labelled, imbalance=imbalance, **options)
    return split, np.bincount(y[split.labelled]), np.bincount(y[split.unlabelled])


@pytest.mark.parametrize("gamma_l", [1, 10])
@pytest.mark.parametrize(
    ("m1", "gamma_u", "unlabelled"),
    [(200, 1, [200] * 5), (200, 20, [200, 94, 44, 21, 10]), (4, 0.02, [4, 10, 28, 75, 200])],
)
def test_labelled_and_unlabelled_inputs_have_tails_of_their_own(
    gamma_l: float, m1: int, gamma_u: float, unlabelled: list[int]
) -> None:
    numbers = {"n1": 40, "m1": m1, "gamma_l": gamma_l, "gamma_u": gamma_u}
    split, labelled, without = tails(**numbers)
    assert labelled.tolist() == ([40] * 5 if gamma_l == 1 else [40, 22, 12, 7, 4])
    assert without.tolist() == unlabelled
    assert not set(split.labelled) & set(split.unlabelled)
    both, _, together = tails(**numbers, include_labelled=True)
    assert np.array_equal(both.labelled, split.labelled)
    assert together.tolist() == (labelled + unlabelled).tolist()
