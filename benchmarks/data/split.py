"""Which inputs are labelled, unlabelled or held out: indices and classes, drawn by the seed. Knows no pixels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import UserError

Index = NDArray[np.int64]

ROUNDING = 1e-9  #: what is a little below a whole number counts as that


@dataclass(frozen=True, eq=False)
class Split:
    """Indices into the training inputs."""

    labelled: Index
    unlabelled: Index  #: in an order of the seed's own: their numbers j tell nothing, also where a file is sorted
    held_out: Index
    fingerprint: str  #: sha256 over the chosen indices and their labels: two runs with one fingerprint had one split


def shares(counts: Index, budget: int) -> Index:
    """`budget` over the classes in proportion to `counts` [C], by largest remainders, at least one each."""
    exact = counts * (budget / counts.sum())
    given = np.floor(exact).astype(int)
    if budget >= len(counts):
        given = np.maximum(given, counts > 0)
    order = np.argsort(-(exact - given), kind="stable")
    for k in range(budget - given.sum()):
        given[order[k % len(order)]] += 1
    while given.sum() > budget:
        given[np.argmax(np.where(given > 1, given - exact, -np.inf))] -= 1
    return given


def proportional(counts: Index, budget: int) -> Index:
    """Labelled inputs per class [C], one after the other to the class that is furthest behind its share.

    As google-research/fixmatch, scripts/create_split.py: both are measured against the largest. SVHN's 40 labels are
    3, 7, 6, 4, 4, 4, 3, 3, 3, 3, where `shares` would give the rarest class two.
    """
    given = np.zeros(len(counts), dtype=int)
    for _ in range(budget):
        behind = counts / counts.max() - given / max(given.max(), 1)
        given[np.argmax(np.where(given < counts, behind, -np.inf))] += 1
    return given


def long_tail(first: int, gamma: float, n_classes: int) -> Index:
    """N_c = N_1 gamma^(-(c-1)/(C-1)) for c = 1..C, rounded down (Meta-T Sec. 5.3; erratum T23: gamma = N_1 / N_C).

    gamma < 1 is a reversed tail, whose first class is the rarest; 1 is none.
    """
    return np.array([int(first / gamma ** (c / (n_classes - 1)) + ROUNDING) for c in range(n_classes)])


def per_class(labels: int | str, balance: str, counts: Index) -> Index:
    """Labelled inputs per class [C] for a budget of `labels` ("all" or a number)."""
    if labels == "all":
        return counts
    budget, n_classes = int(labels), len(counts)
    if budget > counts.sum():
        raise UserError(f"task.labels={budget}, but the data has only {counts.sum()} labelled inputs: ask for fewer")
    if balance == "proportional":
        return proportional(counts, budget)
    if budget % n_classes or budget == 0:
        near = max(1, round(budget / n_classes)) * n_classes
        raise UserError(f"task.labels={budget} is not a multiple of the {n_classes} classes: try task.labels={near}")
    return np.full(n_classes, budget // n_classes)


def draw(y: Index, wanted: Index, pool: Index, rng: np.random.Generator, what: str) -> Index:
    """wanted[c] indices of each class c out of `pool`, sorted."""
    chosen = []
    for c, n in enumerate(wanted):
        candidates = pool[y[pool] == c]
        if len(candidates) < n:
            raise UserError(f"class {c} has {len(candidates)} inputs left, {what} asks for {n}: ask for fewer")
        chosen.append(rng.permutation(candidates)[:n])
    return np.sort(np.concatenate(chosen))


def choose(
    y: Index,
    *,
    name: str,
    n_classes: int,
    folds: Sequence[Index] | None,
    seed: int,
    labels: int | str,
    balance: str,
    validation: int,
    include_labelled: bool,
    imbalance: Mapping[str, float] | None,
    subset: int | None,
    listed: Index | None = None,
) -> Split:
    """The split of one seed over training inputs of classes y [N].

    listed: the labelled inputs, where they are given; then `labels` and `balance` play no part.
    balance: "equal" or "proportional" labels per class, or "folds" (the data set's own, seed 0 has number 1);
    imbalance: {n1, m1, gamma_l, gamma_u} for long tails, in which case `labels` plays no part;
    subset: keep only so many inputs (smoke runs).  Raises UserError.
    """
    rng = np.random.default_rng(seed)
    fold = np.array([], dtype=np.int64)
    if listed is not None:
        if imbalance:
            raise UserError(f"task.labels={labels} says which inputs are labelled: set task.imbalance=null")
        fold = listed
    elif balance == "folds":
        if folds is None:
            raise UserError(f"{name} has no predefined folds: set task.balance=equal")
        fold = folds[(seed + 1) % len(folds)]  # the papers' five are 1 to 5 (FixMatch's create_split.py)
    pool = np.arange(len(y))
    if subset:
        pool = draw(y, shares(np.bincount(y, minlength=n_classes), min(subset, len(y))), pool, rng, "task.subset")
    free = np.setdiff1d(pool, fold)  # a fold keeps all its labels
    held_out = draw(y, shares(np.bincount(y[free], minlength=n_classes), validation), free, rng, "task.validation")
    pool = np.setdiff1d(pool, held_out)

    counts = np.bincount(y[pool], minlength=n_classes)
    if listed is not None or balance == "folds":
        labelled = np.intersect1d(fold, pool)
    elif imbalance:
        wanted = long_tail(int(imbalance["n1"]), imbalance["gamma_l"], n_classes)
        labelled = draw(y, wanted, pool, rng, "the labelled set")
    else:
        labelled = draw(y, per_class(labels, balance, counts), pool, rng, "the labelled set")

    for c in np.setdiff1d(np.arange(n_classes), y[labelled]):
        raise UserError(f"class {c} has no labelled input: ask for more labels, or for another balance or imbalance")

    rest = np.setdiff1d(pool, labelled)
    if imbalance:
        wanted = long_tail(int(imbalance["m1"]), imbalance["gamma_u"], n_classes)
        rest = draw(y, wanted, rest, rng, "the unlabelled set")
    unlabelled = np.sort(np.concatenate([labelled, rest])) if include_labelled else rest
    digest = hashlib.sha256()
    for part in (labelled, y[labelled], unlabelled, held_out):
        digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
    numbering = np.random.default_rng([seed, 1])
    return Split(labelled, numbering.permutation(unlabelled), held_out, digest.hexdigest()[:16])
