"""Intervals, comparisons and ranks, each by its textbook formula. Pure functions.

Seeds are taken for independent draws; s is the sample standard deviation, sqrt(sum (x - mean)^2 / (n - 1)).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95
RESAMPLES = 9999
EPSILON = 1e-9  #: percentage points; less is rounding


def interval(values: pd.Series) -> tuple[float, float]:
    """95 % interval of the mean, mean ± t(0.975; n - 1) s / sqrt(n) (Student); NaN for fewer than two values."""
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * float(values.std()) / math.sqrt(n)
    return float(values.mean()) - half, float(values.mean()) + half


class Difference(NamedTuple):
    """The mean of the differences of pairs, its 95 % interval, and the number of pairs."""

    mean: float
    low: float
    high: float
    n: int


def paired(a: pd.Series, b: pd.Series) -> Difference:
    """a - b of the labels (seeds) that both have: the mean of the differences and Student's interval of it.

    Pairing takes out what a seed does to both, such as an easy split. There is no interval where the differences do not
    vary at all: a few of them that agree, on a coarse scale, say nothing of their spread.
    """
    differences = (a - b).dropna()
    low, high = interval(differences) if differences.std() > EPSILON else (math.nan, math.nan)
    return Difference(float(differences.mean()), low, high, len(differences))


def welch(a: tuple[float, float, int], b: tuple[float, float, int]) -> tuple[float, float]:
    """95 % interval, two-sided, of mean a - mean b from (mean, s, n) of each; variances may differ (Welch 1947).

    With v = s^2 / n: a - b ± t(0.975; f) sqrt(v_a + v_b), f = (v_a + v_b)^2 / (v_a^2 / (n_a - 1) + v_b^2 / (n_b - 1))
    after Satterthwaite. NaN where either has fewer than two values or no std; no width where neither varies.
    """
    (mean_a, std_a, n_a), (mean_b, std_b, n_b) = a, b
    if min(n_a, n_b) < 2 or math.isnan(std_a + std_b):
        return math.nan, math.nan
    var_a, var_b = std_a**2 / n_a, std_b**2 / n_b
    difference, var = mean_a - mean_b, var_a + var_b
    if var == 0:
        return difference, difference
    freedom = var**2 / (var_a**2 / (n_a - 1) + var_b**2 / (n_b - 1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * math.sqrt(var)
    return difference - half, difference + half


def stratified(groups: Sequence[Sequence[float]]) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean of the groups' means, seeds resampled within each group.

    Groups (columns) are not resampled: it is about these columns, with other seeds. Few seeds make it too narrow, by
    sqrt((n - 1) / n) and by the normal's tails in place of t's. NaN where a group has fewer than two values.
    """
    if not groups or min(len(group) for group in groups) < 2:
        return math.nan, math.nan

    def mean_of_means(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.mean([sample.mean(axis) for sample in samples], 0)

    found = stats.bootstrap(
        [np.asarray(group, float) for group in groups],
        mean_of_means,
        vectorized=True,
        method="percentile",
        confidence_level=LEVEL,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def ranks(means: pd.DataFrame, higher: Sequence[str] = ()) -> pd.DataFrame:
    """Ranks of the rows within each column: 1 is best, and ties share the mean of their places.

    In the columns of `higher` more is better. A row without a number has no rank.
    """
    signed = means.assign(**{column: -means[column] for column in higher if column in means})
    return signed.rank(axis=0, method="average")
