"""What a long tail's runs say besides their accuracy: by class, and by the classes' sizes. Pure functions."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd


def by_size(recall: Sequence[float | None], gamma: float) -> dict[str, float]:
    """Metrics in % of the recalls of all classes, in [0, 1]; None for a class without test inputs, which is left out.

    Many and few are the third of the classes (rounded down) with the most and the fewest labelled inputs, medium those
    between. gamma: the labelled imbalance N_1 / N_C; below 1 the first class is the rarest.
    """
    classes = 100 * np.array([np.nan if r is None else r for r in recall], float)
    if gamma < 1:
        classes = classes[::-1]
    third = len(classes) // 3
    groups = {
        "many": classes[:third],
        "medium": classes[third : len(classes) - third],
        "few": classes[-third or None :],
    }
    known = classes[~np.isnan(classes)]
    geometric = float(np.exp(np.log(known).mean())) if known.all() else 0.0
    means = {f"recall_{name}": float(np.nanmean(part)) for name, part in groups.items() if not np.isnan(part).all()}
    return {"balanced_accuracy": float(known.mean()), "geometric_mean_recall": geometric} | means


def tails(runs: pd.DataFrame) -> pd.DataFrame:
    """A line per metric of `by_size` and run under a long tail, the last evaluation's; empty where there is none."""
    return pd.DataFrame(list(_lines(runs)))


def _lines(runs: pd.DataFrame) -> Iterator[dict[str, object]]:
    for run in runs[runs["gamma"].notna() & runs["value"].notna()].to_dict("records"):
        for metric, value in by_size(run["recall"], run["gamma"]).items():
            yield run | {"metric": metric, "value": value, "report": "last"}
        for c, recall in enumerate(run["recall"]):
            yield run | {"metric": f"recall_{c}", "value": np.nan if recall is None else 100 * recall, "report": "last"}
