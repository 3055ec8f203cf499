"""A figure as the run store has it now, and the files that hold it."""

from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.errors import UserError
from benchmarks.machine.settings import reports
from reports.collect import frames
from reports.figure.style import GREY, RC
from sweeps.grid import load
from sweeps.sweep import ON_DIGITS

LETTERS = 20  #: so many of a footnote fit into an inch


class NothingYetError(UserError):
    """No run of the figure is done."""


def target(name: str, scale: str) -> Path:
    """Where the figure goes, without a suffix."""
    paper, _, stem = name.partition("/")
    return reports() / scale / paper / f"fig-{stem.replace('_', '-')}"


def footnote(scale: str, runs: pd.DataFrame, faults: int = 0) -> str:
    """What a reader must know: whose data this is, how much was trained, how many runs there are."""
    have, wanted = int(runs["value"].notna().sum()), len(runs)
    parts = []
    if scale in ON_DIGITS:
        parts.append(f"scale={scale}: scikit-learn's digits, a tiny network; nothing here is the paper's data")
    elif runs["share"].min() < 1:
        parts.append(f"scale={scale}: from {100 * runs['share'].min():.3g} % of the protocol's training steps")
    if have < wanted:
        parts.append(f"drawn from {have} of {wanted} runs")
    if faults:
        parts.append(f"skipped {faults} that cannot be read")
    return "; ".join(parts)


def module_of(name: str) -> Any:
    """The module that draws a figure: "meta_t/k" -> reports.figure.meta_t.k."""
    return import_module(f"reports.figure.{name.replace('/', '.')}")


def draw(name: str, scale: str) -> Figure:
    """The figure of the runs that are done. Raises UserError, and NothingYetError where there is none."""
    module = module_of(name)
    if not module.FRAMES:
        figure: Figure = module.draw()
        return figure
    sweep = load(name)
    runs = frames.collect(sweep, scale).drop_duplicates("id")
    if not runs["value"].notna().any():
        raise NothingYetError(
            f"{name}: no run is done at scale={scale}; this submits them: python -m sweeps.launch {name} scale={scale}"
        )
    found = [getattr(frames, frame)(sweep, scale) for frame in module.FRAMES]
    faults = {fault for frame in found for fault in frame.attrs.get("faults", [])}
    if any(frame.empty for frame in found):
        raise NothingYetError(f"{name}: no run can be read: {'; '.join(sorted(faults))}")
    figure = module.draw(*found)
    if note := footnote(scale, runs, len(faults)):
        stand_below(figure, note)
    return figure


def stand_below(figure: Figure, note: str) -> None:
    """The footnote, in as many lines as the figure's width asks for."""
    lines = fill(note, int(LETTERS * figure.get_figwidth()))
    figure.supxlabel(lines, fontsize=6.5, color=GREY, x=0.995, ha="right")


def save(figure: Figure, path: Path) -> None:
    """path.png and path.pdf; the same figure gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context(RC):
        figure.savefig(path.with_suffix(".png"), metadata={"Software": None})
        figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
