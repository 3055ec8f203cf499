"""Which classes a run takes for which:  make confusion RUN=8d28457d9686   (python -m reports.confusion RUN)

Of the run's test set, as its network labels it in the end. Writes confusion-<id>.{png,pdf}, in % of each true class,
and confusion-<id>.csv, in images, to the folder of reports, and says which mistakes are the most frequent.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.errors import UserError, command
from benchmarks.machine.settings import reports
from benchmarks.store.run import located
from reports.collect import read
from reports.figure.draw import save
from reports.figure.meta_t.confusion import ANNOTATED, heat, percent, tally
from reports.figure.style import panels, styled

WORST = 5  #: mistakes that are printed


def find(name: str) -> Path:
    """The folder of a run, by its id or as it is. Raises UserError where it has no predictions."""
    folder = located(name)
    if not (folder / "result.json").exists():
        raise UserError(f"{folder} holds no finished run: finish it first")
    if not (folder / "predictions.csv.gz").exists():
        raise UserError(f"{folder} has no test predictions: its data has no test set, or an older version made it")
    return folder


def counts(folder: Path) -> pd.DataFrame:
    """Test images by true class (rows) and predicted class (columns), under the classes' names. Raises UserError."""
    try:
        found = read.predictions(folder)
        result = json.loads((folder / "result.json").read_text())
        names = [str(name) for name in result["classes"]]
        matrix = tally(found["label"], found["prediction"], len(names))
    except read.BROKEN as error:
        raise UserError(f"{read.fault(folder, error)}: run it again") from error
    return pd.DataFrame(matrix, pd.Index(names, name="true class"), names)


def worst(table: pd.DataFrame) -> list[str]:
    """The most frequent mistakes, as sentences."""
    matrix = table.to_numpy(copy=True)
    np.fill_diagonal(matrix, 0)
    order = np.argsort(-matrix, axis=None, kind="stable")[:WORST]
    pairs = [(int(k) // len(matrix), int(k) % len(matrix)) for k in order]
    total = table.sum(axis=1)
    return [
        f"{table.index[i]} taken for {table.columns[j]}: {matrix[i, j]} of {total.iloc[i]}"
        for i, j in pairs
        if matrix[i, j]
    ]


@styled
def draw(table: pd.DataFrame, title: str) -> Figure:
    """In % of each true class; one without test images is blank."""
    share = percent(table.to_numpy())
    side = 1.6 + 0.32 * min(len(table), ANNOTATED)
    figure, axes = panels(1, 1, width=side + 0.8, height=side)
    names: Sequence[str] | str = list(table.columns) if len(table) <= ANNOTATED else "auto"
    heat(axes[0, 0], share, xticklabels=names, yticklabels=names)
    axes[0, 0].set(title=title, xlabel="predicted class", ylabel="true class")
    axes[0, 0].tick_params(axis="x", rotation=90 if max(map(len, table.columns)) > 2 else 0)
    axes[0, 0].tick_params(axis="y", rotation=0)
    return figure


@command
def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise UserError("which run? e.g. make confusion RUN=8d28457d9686")
    folder = find(arguments[0])
    table = counts(folder)
    n = int(table.to_numpy().sum())
    error = 100 * (1 - np.trace(table.to_numpy()) / n)
    path = reports() / f"confusion-{folder.resolve().name}"
    save(draw(table, f"{folder.resolve().name}: {error:.2f} % of {n:,} wrong"), path)
    table.to_csv(path.with_suffix(".csv"))
    print(f"{path}.png .pdf .csv: error {error:.2f} % of {n:,} test images", *worst(table), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
