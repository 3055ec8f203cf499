"""What a reader must know below a table. Pure functions of a frame."""

from collections.abc import Iterator

import pandas as pd

from reports.paper.published import tables
from reports.table.compare import twins
from sweeps.stale import REMEDY
from sweeps.sweep import ON_DIGITS, Sweep

REPORT = {
    "last": "the last evaluation",
    "median_last_20": "the median of the last 20 evaluations",
    "best_on_validation": "the evaluation with the lowest error on a validation set",
    "best_on_test": "BEST ON TEST, the best evaluation on the test set, which neither paper reports",
}
DIGITS = "These are scikit-learn's digits and a tiny network: nothing here is the paper's data."
MARKS = {
    "budget": "‡ fewer training steps than the protocol's: {}",
    "backbone": "† another backbone than the published cell's: {}",
    "labels": "§ another number of labels than the published cell's: {}",
    "code": "‖ made by other code than is here now: {}",
    "selection": "¶ the published number is the best on the test set, ours is not (erratum T17): {}",
    "words": "◊ strong views are texts with words left out and masked, not the papers' back-translations: {}",
}

OUTLIER = 1.5  #: so many times the median of a cell's seconds per step is no noise


def caption(sweep: Sweep, name: str, scale: str) -> str:
    """What is shown, as a paper says it; at demo and smoke scale that the data are no paper's."""
    digits = scale in ON_DIGITS and sweep.demo and (sweep.published or name) in tables()
    return sweep.caption_at(scale) + (f" {DIGITS}" if digits else "")


def title(sweep: Sweep, name: str, scale: str) -> str:
    """The same with the table's name and scale."""
    said = caption(sweep, name, scale)
    return f"{name} at scale={scale}" + (f": {said}" if said != name else "")


def notes(sweep: Sweep, name: str, scale: str, frame: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    """What is shown, and how cells differ from the published ones."""
    lines = [*_numbers(sweep, frame, runs), *_times(sweep, frame, runs)]
    if scale not in ON_DIGITS and frame["printed"].any():
        lines.append("Small print under ours: the published number, whose source stands in reports/paper.")
    return [*lines, *_marks(frame), *sweep.remarks_at(scale)]


def gaps(name: str, scale: str, runs: pd.DataFrame) -> list[str]:
    """What is missing and how to get it, and what is broken."""
    return list(_gaps(name, scale, runs))


def _numbers(sweep: Sweep, frame: pd.DataFrame, runs: pd.DataFrame) -> Iterator[str]:
    kinds = {"accuracy" if sweep.metric_of(c).endswith("accuracy") else "error" for c in frame["column"]}
    kind = " or ".join(sorted(kinds, reverse=True)).capitalize()
    yield f"{kind} in %, mean ± std over seeds. {_bold(frame)}".strip()
    untimed = runs[~runs["column"].isin(sweep.budgets)]
    reported = {which: list(dict.fromkeys(own["row"])) for which, own in untimed.groupby("report", sort=False)}
    for which, rows in reported.items():
        yield f"Reported: {REPORT[which]}" + (f": {', '.join(rows)}." if len(reported) > 1 else ".")
    yield from _choices(sweep, runs)
    for same, columns in twins(runs):
        where = f" under {', '.join(columns)}" if len(columns) < frame["column"].nunique() else ""
        yield f"The same runs stand behind {', '.join(same[:-1])} and {same[-1]}{where}."


def _choices(sweep: Sweep, runs: pd.DataFrame) -> Iterator[str]:
    """What a validation set has chosen, and what of."""
    decided = runs[(runs["choice"] != "") & (runs["state"] == "done")].drop_duplicates(["row", "column"])
    for row, own in decided.groupby("row", sort=False):
        options = [choice.split("=", 1) for choice in sweep.choices[row]]
        said = ", ".join(f"{cell.choice.split('=', 1)[1]} under {cell.column}" for cell in own.itertuples())
        every = ", ".join(value for _, value in options)
        yield f"{row}: of {options[0][0]} = {every} the lowest validation error has chosen {said}."
    if waiting := list(dict.fromkeys(runs.loc[runs["state"] == "undecided", "row"])):
        yield f"{', '.join(waiting)}: a validation set chooses, when the runs of all choices are done."


def _bold(frame: pd.DataFrame) -> str:
    if frame["best"].any():
        return "Bold: not clearly worse than the best of ours, as the 95 % interval of the paired difference has it."
    return "Nothing is bold: one seed does not tell better from worse." if frame["n"].any() else ""


def _times(sweep: Sweep, frame: pd.DataFrame, runs: pd.DataFrame) -> Iterator[str]:
    timed = [column for column in dict.fromkeys(frame["column"]) if column in sweep.budgets]
    if not timed:
        return
    yield "At a time: the last evaluation within so much training on our device; evaluations take none of it."
    yield from _outliers(runs)
    yield "All times are of one run; whether the papers trained anew for each, by a shorter schedule, is not said."
    limits = frame.groupby("column")["limit"].mean()
    for of in sorted({sweep.budgets[column].of for column in timed} - {""}):
        if of not in sweep.rows:
            yield f"Times are shares of {of}'s training, which is not among these rows: name it in row=, too."
            continue
        shares = [c for c in timed if sweep.budgets[c].of == of]
        known = ", ".join(f"{c} is {seconds(limits[c])}" for c in shares if limits[c] == limits[c])
        printed = {c: hours for c in shares if (hours := sweep.budgets[c].hours) is not None}
        if any(limits[c] != 3600 * hours for c, hours in printed.items()):
            yield f"Hours are the paper's, and read as shares of what {of} takes here (hours=true: as hours): {known}."
        elif not printed:
            yield f"1x is what {of} takes in all, mean over seeds" + (f": {known}." if known else ".")


def _outliers(runs: pd.DataFrame) -> Iterator[str]:
    """Runs whose steps took much longer or shorter than those of the other seeds of their cell."""
    done = runs[runs["seconds"].notna()].drop_duplicates("id")
    a_step = done["seconds"] / done["steps"]
    ratio = a_step / a_step.groupby([done["row"], done["column"]]).transform("median")
    for run, value in zip(done["id"], ratio, strict=True):
        if not 1 / OUTLIER < value < OUTLIER:
            said = f"a step of run {run} took {value:.2g} times its cell's median"
            yield f"An outlier in time: {said}; was the machine busy?"


def seconds(value: float) -> str:
    return f"{value:.3g} s" if value < 1000 else f"{value:,.0f} s"


def _marks(frame: pd.DataFrame) -> Iterator[str]:
    for mark, legend in MARKS.items():
        own = frame[[mark in marks.split(";") for marks in frame["mark"]]]
        shares = [f"{100 * share:.3g} %" for share in sorted(set(own["share"]))]
        if len(own):
            yield legend.format(", ".join(shares if mark == "budget" else dict.fromkeys(own["row"])))


def _gaps(name: str, scale: str, runs: pd.DataFrame) -> Iterator[str]:
    distinct = runs.drop_duplicates("id")
    if left := int(distinct["state"].isin(["missing", "begun"]).sum()):
        command = f"python -m sweeps.launch {name} scale={scale}"
        yield f"{left} of {len(distinct)} runs are missing; this submits them: {command}"
    if begun := distinct.loc[distinct["state"] == "begun", "id"].tolist():
        yield f"Begun, not finished and not counted: {', '.join(begun)}."
    for why, n in distinct.loc[distinct["stale"] != "", "stale"].value_counts(sort=False).items():
        yield f"Stale: {n} runs, {why}. {REMEDY}, with python -m sweeps.launch {name} scale={scale}"
    faults = [fault for fault in dict.fromkeys(runs["fault"]) if fault]
    yield from (f"Skipped: {fault}" for fault in faults)
    if faults:
        yield "A skipped run is made anew when its folder is gone."
