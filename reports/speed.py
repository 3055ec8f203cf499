"""The benchmark's pictures:  make bench-figure

From reports/out/bench.json and scaling.json (make bench bench-scaling): what a step costs in terms of another, and how
time and memory grow. Writes reports/out/bench.png and scaling.png.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from benchmarks.errors import UserError, command
from benchmarks.machine.settings import reports
from reports.figure import style

NAMES = {"fixmatch": "FixMatch", "flexmatch": "FlexMatch", "meta_t": "Meta-T"}


def read(path: Path) -> pd.DataFrame:
    """What a benchmark wrote. Raises UserError where there is no such file."""
    try:
        return pd.DataFrame(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: run `make {path.stem.replace('scaling', 'bench-scaling')}`") from error


@style.styled
def ratios(frame: pd.DataFrame) -> Figure:
    """A bar per ratio, with its target as a line across it and the ratio of operations as a dot."""
    fig, ax = plt.subplots(figsize=(6.5, 0.32 * len(frame) + 1), layout="constrained")
    y = range(len(frame))
    met = frame.target.isna() | (frame.ratio <= frame.target)
    ax.barh(y, frame.ratio, color=[style.BLUE if m else style.ORANGE for m in met], height=0.65)
    operations = frame.get("flops", pd.Series(float("nan"), frame.index))
    ax.scatter(operations, y, color="black", s=14, zorder=3)
    for at, target in zip(y, frame.target, strict=True):
        if target == target:
            ax.plot([target, target], [at - 0.45, at + 0.45], color="black", linewidth=1.5)
    ends = pd.concat([frame.ratio, frame.target, operations], axis=1).astype(float).max(axis=1)
    for at, ratio, end in zip(y, frame.ratio, ends, strict=True):
        ax.text(end + 0.04, at, f"{ratio:.2f}", va="center", fontsize=8)
    ax.set_xlim(0, 1.1 * ends.max())
    ax.set(yticks=list(y), yticklabels=frame.name, xlabel="ratio of medians (line: target, dot: ratio of operations)")
    ax.invert_yaxis()
    ax.set_title(f"{frame.device[0]}, {frame.backbone[0]}", fontsize=9)
    return fig


def _plain(ax: Axes, values: Sequence[float]) -> None:
    """Logarithmic axes with plain numbers: the measured ones below; 1, 2, 5, ... over a decade or more at the side."""
    ax.set_xticks(values, [f"{value:,}" if value < 10_000 else f"{value / 1000:,.0f}k" for value in values])
    low, high = ax.get_ylim()
    gap = max(1.0, 10 * low / high) ** 0.5
    ax.set_ylim(low / gap, high * gap)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    for side in (ax.xaxis, ax.yaxis):
        side.set_minor_locator(NullLocator())


@style.styled
def growth(frame: pd.DataFrame) -> Figure:
    """A step's time above and its memory below, a column per axis along which it grows."""
    axes_of = list(dict.fromkeys(frame.axis))
    fig, axes = plt.subplots(2, len(axes_of), figsize=(2.6 * len(axes_of), 4.6), layout="constrained", squeeze=False)
    for column, axis in enumerate(axes_of):
        part = frame[frame.axis == axis]
        for row, (what, unit, scale) in enumerate((("seconds", "s", 1.0), ("bytes", "MB", 1e6))):
            ax = axes[row][column]
            for method, points in part.groupby("method", sort=False):
                color, dashes, marker = style.METHODS[NAMES[method]]
                x, y = points["value"], points[what] / scale
                ax.plot(x, y, color=color, linestyle=dashes, marker=marker, label=NAMES[method])
            ax.set(xscale="log", yscale="log", xlabel=axis if row else "", ylabel=unit if column == 0 else "")
            _plain(ax, sorted(set(part["value"])))
    axes[0][0].legend(frameon=False, fontsize=8)
    fig.suptitle(f"A step's time and memory: {frame.device[0]}, WRN-{frame.depth[0]}", fontsize=9)
    return fig


@command
def main(arguments: list[str]) -> int:
    drawn: dict[str, Any] = {"bench": ratios, "scaling": growth}
    for name, draw in drawn.items():
        fig = draw(read(reports() / f"{name}.json"))
        path = reports() / f"{name}.png"
        fig.savefig(path, dpi=150)
        plt.close(fig)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
