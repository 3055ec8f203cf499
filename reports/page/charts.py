"""How a run learned, as numbers that the templates draw as SVG. Pure functions."""

import math
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, POINTS = 640.0, 200.0, 300
GAP = 20.0  #: between the names at the ends of two lines
CHARTS = (  # title, key of metrics.jsonl -> name of the line, factor, whether the axis is that of the later evaluations
    ("Test error (%), axis by what follows the first quarter", {"error": "error"}, 1.0, True),
    ("Loss", {"loss": "all", "loss_u": "unlabelled"}, 1.0),
    ("Selected pseudo-labels (% of the unlabelled inputs seen)", {"correct": "correct", "wrong": "wrong"}, 100.0),
    ("Class-average threshold", {"threshold": "τ"}, 1.0),
    ("Gradient-norm ratio (Assumption 1)", {"ratio": "ratio"}, 1.0),
    ("Learning rate", {"lr": "rate"}, 1.0),
)
Points = list[tuple[float, float]]  #: step, value


def ceiling(value: float) -> float:
    """The least of 1, 2, 5, 10, ... times a power of ten that is no smaller: 73 -> 100."""
    if not value > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def span(values: Sequence[float]) -> tuple[float, float]:
    """Round ends of an axis that holds them all: 5.2, 7.9 -> 5, 8."""
    step = ceiling((max(values) - min(values)) / 4)
    low = step * math.floor(min(values) / step)
    return low, max(step * math.ceil(max(values) / step), low + step)


def chart(
    rows: Sequence[dict[str, Any]], title: str, series: dict[str, str], factor: float, zoomed: bool = False
) -> dict[str, Any] | None:
    """What the template draws: points "x,y x,y ..." in a box of WIDTH x HEIGHT; None without such numbers.

    The axis begins at zero, unless zoomed: then it is that of the evaluations after the first quarter.
    """
    rows = rows[:: -math.ceil(len(rows) / POINTS) or -1][::-1]  # thinned from the end, so that the last one stays
    found: dict[str, Points] = {
        name: points
        for key, name in series.items()
        if (points := [(row["step"], factor * row[key]) for row in rows if row.get(key) is not None])
    }
    if not found:
        return None
    last = max(step for points in found.values() for step, _ in points)
    shown = [value for points in found.values() for step, value in points if not zoomed or step > last / 4]
    low, high = span(shown) if zoomed else (0.0, ceiling(max(shown)))

    def y(value: float) -> float:
        return HEIGHT * (high - value) / (high - low)

    lines = {
        name: " ".join(f"{WIDTH * step / last:.1f},{y(value):.1f}" for step, value in points)
        for name, points in found.items()
    }
    return {
        "title": title,
        "ticks": [(y(tick), f"{tick:.4g}") for tick in (high, (low + high) / 2, low)],
        "last": f"{last:,}",
        "lines": lines,
        "names": names({name: y(points[-1][1]) for name, points in found.items()}),
    }


def names(ends: dict[str, float]) -> dict[str, float]:
    """Where the lines' names stand: at their ends, but GAP apart and in the same order."""
    placed: dict[str, float] = {}
    for name, end in sorted(ends.items(), key=lambda pair: pair[1]):
        placed[name] = max([end, *(above + GAP for above in placed.values())])
    over = max(0.0, max(placed.values(), default=0.0) - HEIGHT)
    return {name: at - over for name, at in placed.items()}


def bars(recall: Sequence[float | None]) -> list[dict[str, Any]]:
    """A bar per class, of the share of its test inputs that are recognised; none for a class without any."""
    width = WIDTH / max(1, len(recall))
    return [
        {"x": k * width + 0.1 * width, "y": HEIGHT * (1 - share), "width": 0.8 * width, "height": HEIGHT * share,
         "said": f"class {k}: {100 * share:.1f} %", "name": k if len(recall) <= 20 else ""}
        for k, share in enumerate(recall) if share is not None
    ]  # fmt: skip
