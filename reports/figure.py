"""Draw figures:  python -m reports.figure meta_t/thresholds [meta_semi/beta ...|all] scale=demo

Writes reports/out/<scale>/<paper>/fig-<name>.{png,pdf} from what the run store holds, and says in a footnote when that
is not every run. The exit status is 1 where there is nothing to draw yet.
"""

import sys
from importlib import import_module
from pathlib import Path

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.config import nearest
from benchmarks.errors import UserError, command
from reports import collect
from reports.figures import FIGURES
from reports.figures.style import GREY, RC
from sweeps.sweep import DEMO_SEEDS, SCALES, load

OUT = Path(__file__).parent / "out"


class NothingYetError(UserError):
    """No run of the figure is done."""


def target(name: str, scale: str) -> Path:
    """Where the figure goes, without a suffix."""
    paper, _, stem = name.partition("/")
    return OUT / scale / paper / f"fig-{stem.replace('_', '-')}"


def footnote(scale: str, runs: pd.DataFrame, faults: int = 0) -> str:
    """What a reader must know: whose data this is, how much was trained, how many runs there are."""
    have, wanted = int(runs["value"].notna().sum()), len(runs)
    parts = []
    if scale in DEMO_SEEDS:
        parts.append(f"scale={scale}: scikit-learn's digits, a tiny network; nothing here is the paper's data")
    elif runs["share"].min() < 1:
        parts.append(f"scale={scale}: from {100 * runs['share'].min():.3g} % of the protocol's training steps")
    if have < wanted:
        parts.append(f"drawn from {have} of {wanted} runs")
    if faults:
        parts.append(f"skipped {faults} that cannot be read")
    return "; ".join(parts)


def draw(name: str, scale: str) -> Figure:
    """The figure as it stands. Raises UserError; NothingYetError where no run is done."""
    module = import_module(f"reports.figures.{name.partition('/')[2]}")
    if not module.FRAMES:
        figure: Figure = module.draw()
        return figure
    sweep = load(name)
    runs = collect.collect(sweep, scale).drop_duplicates("id")
    if not runs["value"].notna().any():
        raise NothingYetError(
            f"{name}: no run is done at scale={scale}; this submits them: python -m sweeps.launch {name} scale={scale}"
        )
    frames = [getattr(collect, frame)(sweep, scale) for frame in module.FRAMES]
    faults = {fault for frame in frames for fault in frame.attrs.get("faults", [])}
    if any(frame.empty for frame in frames):
        raise NothingYetError(f"{name}: no run can be read: {'; '.join(sorted(faults))}")
    figure = module.draw(*frames)
    if note := footnote(scale, runs, len(faults)):
        figure.supxlabel(note, fontsize=6.5, color=GREY, x=0.995, ha="right")
    return figure


def save(figure: Figure, path: Path) -> None:
    """path.png and path.pdf; the same figure gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context(RC):
        figure.savefig(path.with_suffix(".png"), metadata={"Software": None})
        figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})


def parse(arguments: list[str]) -> tuple[list[str], str]:
    """Figure names and the scale. Raises UserError."""
    names, scale = [], "demo"
    for argument in arguments:
        key, separator, value = argument.partition("=")
        if separator and key != "scale":
            raise UserError(f'unknown option "{argument}". Did you mean "scale={value}"?')
        if separator:
            scale = value
        else:
            names.append(argument.replace("-", "_"))
    if scale not in SCALES:
        raise UserError(f'unknown scale "{scale}".{nearest(scale, SCALES)}')
    if not names:
        raise UserError("which figure? e.g. python -m reports.figure meta_t/thresholds scale=demo")
    for name in names:
        if name not in (*FIGURES, "all"):
            raise UserError(f'unknown figure "{name}".{nearest(name, FIGURES)}')
    return (list(FIGURES) if "all" in names else names), scale


@command
def main(arguments: list[str]) -> int:
    names, scale = parse(arguments)
    status = 0
    for name in names:
        try:
            figure = draw(name, scale)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            status = 1
            continue
        path = target(name, scale)
        save(figure, path)
        print(f"{path}.png .pdf")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
