"""One table, ours beside the published numbers:  python -m reports.table meta_t/table1 scale=demo

Writes reports/out/<scale>/<name>.{md,tex,csv} and prints it. Reads only the run store.
"""

import math
import sys
from pathlib import Path

import pandas as pd
from scipy import stats

from benchmarks.config import nearest
from benchmarks.errors import UserError
from benchmarks.store import root
from reports.collect import collect
from reports.published import published
from reports.render import latex, markdown
from sweeps.sweep import DEMO_SEEDS, Sweep, load

OUT = Path(__file__).parent / "out"
CSV = ("row", "column", "mean", "std", "n", "ci_low", "ci_high", "published_mean", "published_std", "mark")
MARKS = {
    "budget": "‡ fewer training steps than the protocol's: {}",
    "backbone": "† another backbone than the published cell's: {}",
}


def interval(values: pd.Series) -> tuple[float, float]:
    """95 % interval of the mean by Student's t; NaN for fewer than two values."""
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf(0.975, n - 1)) * float(values.std()) / math.sqrt(n)
    return float(values.mean()) - half, float(values.mean()) + half


def summarise(sweep: Sweep, name: str, scale: str, runs: pd.DataFrame) -> pd.DataFrame:
    """A line per cell of the table, columns as in CSV, and besides: wanted (seeds), state, best, budget, backbone.

    std is the sample's (n - 1). state: "measured", "missing", "absent" (a dash in the paper) or "not implemented".
    At demo and smoke scale the published columns stay empty.
    """
    paper = pd.DataFrame() if scale in DEMO_SEEDS else published(name).set_index(["row", "column"])
    lines = []
    for row, how in sweep.rows.items():
        for column in sweep.columns_at(scale):
            cell = runs[(runs["row"] == row) & (runs["column"] == column)]
            values = cell["value"].dropna()
            low, high = interval(values)
            line = {
                "row": row,
                "column": column,
                "mean": values.mean(),
                "std": values.std(),
                "n": len(values),
                "ci_low": low,
                "ci_high": high,
                "published_mean": math.nan,
                "published_std": math.nan,
                "mark": "",
                "wanted": sweep.seeds_at(scale),
                "state": "measured" if len(values) else "missing",
                "share": cell["share"].min(),
            }
            if how is None:
                line["state"] = "not implemented"
            elif (row, column) in sweep.absent:
                line["state"] = "absent"
            marks = []
            if len(values) and line["share"] < 1:
                marks.append("budget")
            if (row, column) in paper.index:
                known = paper.loc[(row, column)]
                line |= {"published_mean": known["mean"], "published_std": known["std"]}
                if len(values) and known["backbone"] and set(cell["backbone"]) != {known["backbone"]}:
                    marks.append("backbone")
            line["mark"] = ";".join(marks)
            lines.append(line)
    frame = pd.DataFrame(lines)
    ranked = frame["mean"].where(~frame["row"].isin(sweep.reference))
    best = ranked.groupby(frame["column"]).transform("max" if sweep.metric == "accuracy" else "min")
    frame["best"] = ranked == best
    return frame


def notes(sweep: Sweep, name: str, scale: str, frame: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    """What a reader must know below the table: marks, missing runs and the command that fills them, faults."""
    lines = [
        f"{'Accuracy' if sweep.metric == 'accuracy' else 'Error'} in %, mean ± std over seeds; best of ours in bold."
    ]
    if scale not in DEMO_SEEDS:
        lines.append("Small print under ours: the published number, whose source stands in reports/paper.")
    short = frame[frame["mark"].str.contains("budget")]
    if len(short):
        shares = sorted({f"{100 * share:.3g} %" for share in short["share"]})
        lines.append(MARKS["budget"].format(", ".join(shares)))
    other = frame[frame["mark"].str.contains("backbone")]
    if len(other):
        lines.append(MARKS["backbone"].format(", ".join(sorted(set(other["row"])))))
    distinct = runs.drop_duplicates("id")
    left = int(distinct["value"].isna().sum())
    if left:
        lines.append(
            f"{left} of {len(distinct)} runs are missing; this submits them: "
            f"python -m sweeps.launch {name} scale={scale}"
        )
    lines += [f"Skipped: {fault}" for fault in distinct["fault"] if fault]
    return lines


def title(sweep: Sweep, name: str, scale: str) -> str:
    if scale in DEMO_SEEDS:
        return (
            f"{scale.capitalize()} of {name}: scikit-learn's digits, a tiny network. Nothing here is the paper's data."
        )
    return f"{name} at scale={scale}: {sweep.caption}"


def main(arguments: list[str]) -> int:
    try:
        chosen = {"scale": "demo"}
        for argument in arguments[1:]:
            key, separator, value = argument.partition("=")
            if key not in chosen or not separator:
                raise UserError(f'unknown option "{argument}".{nearest(key, list(chosen))}')
            chosen[key] = value
        if not arguments or "=" in arguments[0]:
            raise UserError("which table? e.g. python -m reports.table meta_t/table1 scale=demo")
        name, scale = arguments[0], chosen["scale"]
        sweep = load(name)
        runs = collect(sweep, scale)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    frame = summarise(sweep, name, scale, runs)
    heading, below = title(sweep, name, scale), notes(sweep, name, scale, frame, runs)
    target = OUT / scale / name
    target.parent.mkdir(parents=True, exist_ok=True)
    text = markdown(frame, heading, below)
    target.with_suffix(".md").write_text(text)
    target.with_suffix(".tex").write_text(latex(frame, heading, below))
    frame[list(CSV)].to_csv(target.with_suffix(".csv"), index=False, float_format="%.4f")
    print(text)
    print(f"{target}.md .tex .csv, from the runs in {root()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
