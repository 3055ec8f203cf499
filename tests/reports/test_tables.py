"""Run directories -> tables, to the letter (tests/golden; SSL_GOLDEN=write renews them), and nothing broken counts."""

import dataclasses
import gzip
import json
import math
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from benchmarks.store.run import Run
from reports.collect import frames
from reports.paper.published import tables
from reports.table import build, compare, stats
from reports.table.__main__ import main
from reports.table.latex import GAP, _tables, latex, length
from reports.table.markdown import overall, paired, steps
from sweeps.grid import load
from sweeps.sweep import Budget, Cell, Sweep
from tests import speed

GOLDEN = Path(__file__).parent / "golden"
CIFAR10 = "task=cifar10 backbone=wrn28_2"
NAME = "meta_t/table1"  # whose published numbers stand beside the toy's
TOY = Sweep(
    caption="Error rates (%).",
    rows={
        "SimMatch": None,
        "Pseudo-Labeling": "method=fixmatch method.tau=0.5",
        "FixMatch": "method=fixmatch",
        "FlexMatch": "method=flexmatch",
        "Meta-T": "method=meta_t protocol=meta_t",
        "Full-Supervised": "method=supervised task.labels=all",
        "Ours": "method=meta_semi",
    },
    beside=("Ours",),
    reference=("Full-Supervised",),
    columns={"CIFAR-10/40": f"{CIFAR10} task.labels=40", "CIFAR-10/250": f"{CIFAR10} task.labels=250"},
    demo={"digits/40": "task=digits task.labels=40"},
    single={
        ("FixMatch", "CIFAR-10/250"): "steps=1024",
        ("Meta-T", "CIFAR-10/250"): "backbone=wrn37_2 task.labels=4000",
    },
    absent=frozenset({("Pseudo-Labeling", "CIFAR-10/40")}),
    seeds=3,
)
ERRORS = {
    ("FixMatch", "CIFAR-10/40"): [11.0, 12.0, 13.0],
    ("FixMatch", "CIFAR-10/250"): [5.0, 5.4, 5.2],
    ("FlexMatch", "CIFAR-10/40"): [5.0, 5.5],
    ("FlexMatch", "CIFAR-10/250"): [5.2],
    ("Meta-T", "CIFAR-10/40"): [4.0, 4.5, 4.25],
    ("Meta-T", "CIFAR-10/250"): [4.0, 4.2, 4.4],
    ("Full-Supervised", "CIFAR-10/40"): [4.0],
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSL_RUNS", "runs")  # as a reader has it, and as the golden files say
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path / "out"))
    monkeypatch.setattr(build, "load", lambda name: TOY)
    return Path("runs")


def finish(cell: Cell, error: float, rows: list[dict[str, Any]] | None = None, **more: Any) -> Run:
    """A finished run that reported `error`."""
    run, n = cell.run, cell.config["steps"]
    run.open({"commit": "0" * 40})
    for row in rows or [{"step": n, "seconds": 10.0, "error": error}]:
        run.append(row)
    scores = {"last": error + 0.125, "median_last_20": error, "best_on_test": error - 0.25}
    run.finish({"report": "median_last_20", "error": scores, "seconds": 10.0, "steps": n} | more)
    return run


def fill(sweep: Sweep = TOY, errors: dict[tuple[str, str], list[float]] = ERRORS) -> dict[tuple[str, str, int], Run]:
    """The runs that `errors` names, and no other."""
    return {
        (c.row, c.column, c.seed): finish(c, errors[c.row, c.column][c.seed])
        for c in sweep.cells("paper")
        if c.seed < len(errors.get((c.row, c.column), []))
    }


def golden(name: str, text: str) -> None:
    """The ids of runs are left out: they change with every new setting, and say nothing about a table."""
    path, text = GOLDEN / name, re.sub(r"\b[0-9a-f]{12}\b", "<id>", text)
    if os.environ.get("SSL_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs: if it should, SSL_GOLDEN=write renews it"


def test_golden(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = fill()
    (runs["FixMatch", "CIFAR-10/40", 2] / "result.json").write_text('{"report": "medi')  # half written
    (store / "notes").mkdir()  # foreign
    begun = next(cell for cell in TOY.cells("paper") if cell.row == "Ours")
    begun.run.open({})
    assert main([NAME, "scale=paper"]) == 0
    said = capsys.readouterr().out
    for suffix in (".md", ".tex", ".csv", ".seeds.csv", ".compare.csv"):
        text = (tmp_path / f"out/paper/{NAME}").with_suffix(suffix).read_text()
        golden(f"table{suffix}", text)
    assert (tmp_path / f"out/paper/{NAME}.md").read_text() in said
    assert not (tmp_path / f"out/paper/{NAME}.time.csv").exists()


def test_best_on_test_only_on_request_and_only_under_that_name(store: Path, tmp_path: Path) -> None:
    fill()
    for more in ([], ["best_on_test=true"]):
        assert main([NAME, "scale=paper", *more]) == 0
    plain, best = ((tmp_path / f"out/paper/{NAME}{end}").read_text() for end in (".md", "_best_on_test.md"))
    assert "4.25±0.25" in plain
    assert "4.00±0.25" in best  # the best is a quarter below
    assert ("BEST ON TEST" in plain, "BEST ON TEST" in best) == (False, True)
    assert "¶" not in best.split("Reported")[0]  # like with like


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which table?"),
        ([NAME, "scale=papre"], 'unknown scale "papre". Did you mean "paper"?'),
        ([NAME, "best_test=true"], 'unknown option "best_test=true". Did you mean "best_on_test"?'),
        ([NAME, "best_on_test=yes"], "it must be true or false"),
    ],
)
def test_refusals(arguments: list[str], said: str, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def corrupt(name: str, content: Any) -> Callable[[Run], None]:
    def write(run: Run) -> None:
        (run / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def altered(**more: Any) -> Callable[[Run], None]:
    def write(run: Run) -> None:
        (run / "result.json").write_text(json.dumps(json.loads((run / "result.json").read_text()) | more))

    return write


def gone(run: Run) -> None:
    (run / "config.yaml").unlink()


def folder(run: Run) -> None:
    (run / "result.json").unlink()
    (run / "result.json").mkdir()


def other(run: Run) -> None:
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("seed: 1", "seed: 7"))


BROKEN = {
    "empty": corrupt("result.json", ""),
    "half": corrupt("result.json", '{"report": "last", "err'),
    "binary": corrupt("result.json", b"\x00\xff\xfe\x80"),
    "list": corrupt("result.json", "[1, 2]"),
    "text": corrupt("result.json", '"done"'),
    "no error": altered(error={}),
    "error a text": altered(error={"median_last_20": "5.5"}),
    "error none": altered(error=None),
    "error nan": altered(error={"median_last_20": math.nan}),
    "error beyond": altered(error={"median_last_20": 140.0}),
    "error bool": altered(error={"median_last_20": True}),
    "report unknown": altered(report="mean"),
    "report a list": altered(report=["last"]),
    "seconds negative": altered(seconds=-1),
    "seconds a text": altered(seconds="10"),
    "steps of another": altered(steps=5),
    "steps a text": altered(steps="many"),
    "no configuration": gone,
    "another configuration": other,
    "no YAML": corrupt("config.yaml", "{a: [b"),
    "binary YAML": corrupt("config.yaml", b"\x00\xff"),
    "a folder": folder,
}


def test_broken_runs_are_named_and_skipped(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One seed of a cell breaks in each way in turn; the other two stay."""
    key = ("FixMatch", "CIFAR-10/250")
    small = dataclasses.replace(TOY, rows={key[0]: TOY.rows[key[0]]}, columns={key[1]: TOY.columns[key[1]]})
    monkeypatch.setattr(build, "load", lambda name: dataclasses.replace(small, beside=(), reference=()))
    run = fill(small, {key: ERRORS[key]})[*key, 1]
    whole = Path("whole")
    shutil.copytree(run.folder, whole)
    for how, breaks in BROKEN.items():
        breaks(run)
        made = build.build(NAME, "paper")
        cell = made.cells.set_index(["row", "column"]).loc[key]
        assert (cell["n"], cell["mean"], cell["state"]) == (2, pytest.approx(5.1), "measured"), how
        (line,) = (gap for gap in made.gaps if gap.startswith("Skipped"))
        assert str(run.folder) in line, how
        assert "\n" not in line
        found = frames.curves(small, "paper")
        assert (set(found["seed"]), len(found.attrs["faults"])) == ({0, 2}, 1), how
        shutil.rmtree(run.folder)
        shutil.copytree(whole, run.folder)
    assert build.build(NAME, "paper").cells.set_index(["row", "column"]).loc[key, "n"] == 3


def test_only_results_are_read(store: Path) -> None:
    """Broken metrics are no matter for a table without a time axis; for curves they are, and are named."""
    key = ("Meta-T", "CIFAR-10/40")
    run = fill(errors={key: ERRORS[key]})[*key, 0]
    (run / "metrics.jsonl").write_text('{"step": 1, "sec')
    assert build.build(NAME, "paper").cells.set_index(["row", "column"]).loc[key, "n"] == 3
    found = frames.curves(TOY, "paper")
    assert set(found["seed"]) == {1, 2}
    assert [run.id in fault for fault in found.attrs["faults"]] == [True]
    labels = frames.pseudo_labels(TOY, "paper")  # nobody wrote any
    assert labels.empty
    assert len(labels.attrs["faults"]) == 3


def test_pseudo_labels(store: Path) -> None:
    key = ("Meta-T", "CIFAR-10/40")
    runs = fill(errors={key: ERRORS[key]})
    columns = {"hidden": [1, -1], "label": [1, 2], "confidence": ["0.9", "0.5"], "threshold": ["0.95", "nan"]}
    for run in runs.values():
        run.write("pseudo.csv.gz", columns | {"index": [7, 3], "selected": [0, 1]})
    old = runs[*key, 0] / "pseudo.csv.gz"  # as it was written before there was an index
    lines = gzip.decompress(old.read_bytes()).decode().splitlines()
    old.write_bytes(gzip.compress("\n".join(line.partition(",")[2] for line in lines).encode()))
    path = runs[*key, 2] / "pseudo.csv.gz"
    path.write_bytes(path.read_bytes()[:-12])  # cut short
    (runs[*key, 1] / "pseudo.csv.gz").write_bytes(b"no gzip")
    found = frames.pseudo_labels(TOY, "paper")
    assert found[["row", "seed", "index", "hidden", "label", "selected"]].to_numpy().tolist() == [
        ["Meta-T", 0, -1, 1, 1, 0],
        ["Meta-T", 0, -1, -1, 2, 1],
    ]
    runs[*key, 1].write("pseudo.csv.gz", columns | {"index": [7, 3], "selected": [0, 1]})
    assert frames.pseudo_labels(TOY, "paper")["index"].tolist() == [-1, -1, 7, 3]
    assert len(found.attrs["faults"]) == 2


# The time axis, by hand


def clock(cell: Cell, *evaluations: tuple[float, float]) -> Run:
    """A finished run with (seconds, error) at equally many steps each."""
    n = cell.config["steps"]
    rows = [
        {"step": n * (k + 1) // len(evaluations), "seconds": seconds, "error": error}
        for k, (seconds, error) in enumerate(evaluations)
    ]
    return finish(cell, 3.0, rows, seconds=evaluations[-1][0])


def test_time_axis(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = f"{CIFAR10} task.labels=40"
    sweep = Sweep(
        caption="",
        rows={"FixMatch": "method=fixmatch steps=400", "Meta-T": "method=meta_t steps=400"},
        columns=dict.fromkeys(("@1h", "@0.5x", "@2x", "@last", "acc @1h"), x),
        demo={"x": "task=digits"},
        budgets={
            "@1h": Budget(hours=1),
            "@0.5x": Budget(share=0.5, of="FixMatch"),
            "@2x": Budget(share=2, of="FixMatch"),
            "acc @1h": Budget(hours=1),
        },
        metrics={"acc @1h": "accuracy"},
        seeds=2,
    )
    monkeypatch.setattr(build, "load", lambda name: sweep)
    for cell in sweep.cells("paper"):
        if cell.column == "@1h" and cell.row == "FixMatch":  # 5,000 and 3,000 s: 4,000 s in the mean
            clock(cell, *([(1000, 40), (2500, 30), (3601, 20), (5000, 10)] if cell.seed == 0 else [(3000, 50)]))
        if cell.column == "@1h" and cell.row == "Meta-T":
            clock(cell, *([(3600, 8), (9000, 6)] if cell.seed == 0 else [(4000, 9), (8000, 7)]))
    runs = frames.collect(sweep, "paper")
    value = runs.pivot(index=["row", "seed"], columns="column", values="value")
    nan = math.nan
    assert np.array_equal(
        value[["@1h", "@0.5x", "@2x", "@last", "acc @1h"]].to_numpy(),
        [[30, 40, 10, 3, 70], [50, nan, 50, 3, 50], [8, nan, 8, 3, 92], [nan, nan, 7, 3, nan]],
        equal_nan=True,
    )
    assert runs.groupby("column")["limit"].first().dropna().to_dict() == {"@0.5x": 2000, "@2x": 8000} | dict.fromkeys(
        ("@1h", "acc @1h"), 3600
    )
    read = runs.set_index(["row", "seed", "column"])
    assert read.loc[("FixMatch", 0, "@1h"), ["step", "time"]].tolist() == [200, 2500]
    assert read.loc[("FixMatch", 0, "@last"), ["step", "time"]].tolist() == [400, 5000]
    made = build.build("meta_semi/table4", "paper")
    cells = made.cells.set_index(["row", "column"])
    assert cells.loc[("Meta-T", "@0.5x"), "state"] == "too early"
    assert (cells.loc[("Meta-T", "@1h"), "n"], cells.loc[("FixMatch", "@1h"), "mean"]) == (1, 40)
    assert "1x is what FixMatch takes in all, mean over seeds: @0.5x is 2,000 s, @2x is 8,000 s." in made.notes
    assert not made.gaps
    assert "| FixMatch | 300 " in steps(made.times)  # (200 + 400) / 2
    clock(next(iter(sweep.cells("paper"))), (1000, 40)).append({"step": 1, "seconds": 1.0, "error": 1.0})
    assert set(frames.collect(sweep, "paper")["state"]) == {"done", "faulty"}  # its evaluations are not to be trusted


def test_remarks_are_about_the_papers_columns(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "load", lambda name: replace(TOY, demo={"x": "task=digits"}, remarks=("A remark.",)))
    assert "A remark." in build.build(NAME, "paper").notes and "A remark." not in build.build(NAME, "demo").notes


@pytest.mark.parametrize(("whole", "read"), [(8000, ["1h", "2h"]), (7200, ["1h", "2h"]), (2000, ["0.5x", "1x"])])
def test_printed_hours_are_shares_where_they_would_collapse(
    whole: float, read: list[str], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The paper's FixMatch takes two hours."""
    budgets = {f"@{h}h": Budget(hours=h, share=h / 2, of="FixMatch") for h in (1, 2)}
    rows = {"FixMatch": "method=fixmatch steps=400"}
    columns = dict.fromkeys(budgets, f"{CIFAR10} task.labels=40")
    sweep = Sweep(caption="", rows=rows, columns=columns, demo={"x": "task=digits"}, budgets=budgets, seeds=1)
    monkeypatch.setattr(build, "load", lambda name: sweep)
    clock(next(iter(sweep.cells("paper"))), (whole / 2, 40), (whole, 10))
    limits = {"1h": 3600, "2h": 7200, "0.5x": whole / 2, "1x": whole}
    assert frames.collect(sweep, "paper")["limit"].tolist() == [limits[name] for name in read]
    assert frames.collect(sweep, "paper", hours=True)["limit"].tolist() == [3600, 7200]
    shared = "Hours are the paper's, and read as shares of what FixMatch takes here"
    assert any(note.startswith(shared) for note in build.build("meta_semi/table4", "paper").notes) == (whole < 7200)


def test_the_benchmark_of_collection_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(50) in (0, 1)  # whether it is fast is for a quiet machine
    assert re.search(r"\d\d+ finished runs collected", capsys.readouterr().out)


# Statistics, by hand


def test_interval_and_comparison() -> None:
    ours, theirs = [5.0, 5.4, 5.2], [4.2, 4.7, 5.0, 5.3, 6.0]
    low, high = stats.interval(pd.Series(ours))
    assert (low, high) == pytest.approx((5.2 - 4.30265 * 0.2 / 3**0.5, 5.2 + 4.30265 * 0.2 / 3**0.5), abs=1e-4)
    a, b = ((float(np.mean(v)), float(np.std(v, ddof=1)), len(v)) for v in (ours, theirs))
    known = scipy.stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval()
    assert stats.welch(a, b) == pytest.approx((known.low, known.high))
    # 5.2±0.2 (3) - 5.07±0.65 (5): 0.13 ± t(5.108) 0.31278
    assert stats.welch((5.2, 0.2, 3), (5.07, 0.65, 5)) == pytest.approx((-0.66887, 0.92887), abs=2e-4)
    assert all(map(math.isnan, stats.welch((5.2, 0.2, 3), (5.07, math.nan, 5))))
    assert all(map(math.isnan, stats.welch((5.2, math.nan, 1), (5.07, 0.65, 5))))
    assert stats.welch((1.0, 0.0, 2), (0.5, 0.0, 5)) == (0.5, 0.5)
    assert all(map(math.isnan, stats.interval(pd.Series([1.0]))))


def test_paired_differences() -> None:
    a, b = pd.Series({0: 5.0, 1: 7.0, 2: 9.5}), pd.Series({1: 6.0, 2: 8.0, 3: 1.0, 0: 4.5})
    found = stats.paired(a, b)  # 0.5, 1.0, 1.5
    known = scipy.stats.ttest_rel([5.0, 7.0, 9.5], [4.5, 6.0, 8.0]).confidence_interval()
    assert (found.mean, found.n) == (1.0, 3)
    assert (found.low, found.high) == pytest.approx((known.low, known.high))
    for few in (a[:1], b + 0.1, a * 0 + b):  # one pair, or differences that do not vary
        assert math.isnan(stats.paired(few, b).low)
    assert stats.paired(a, pd.Series({7: 1.0})).n == 0


def test_several_rows_may_be_best() -> None:
    """Bold is what no interval tells apart from the best; a cell of one seed is not judged, a reference not ranked."""

    def best(**values: list[float]) -> set[str]:
        sweep = dataclasses.replace(TOY, metrics={"accuracy": "accuracy"}, reference=("limit",))
        column = "accuracy" if values.pop("accuracy", None) else "x"
        return compare.leaders(sweep, column, {(row, column): pd.Series(v) for row, v in values.items()})

    assert best(a=[5.0, 6.0, 7.0], b=[6.0, 7.1, 8.0], c=[5.0, 6.5, 7.5]) == {"a", "c"}  # b: 1.03±0.14 behind a
    assert best(accuracy=[1], a=[5.0, 6.0, 7.0], b=[6.0, 7.1, 8.0], c=[5.0, 6.9, 8.1]) == {"b", "c"}
    assert best(a=[5.0, 6.0], b=[7.0, 9.0]) == {"a", "b"}, "two seeds crown no winner"
    assert best(a=[5.0, 6.0], b=[8.0, 9.0]) == {"a", "b"}, "not even where they agree"
    assert best(a=[5.0, 6.0], b=[1.0]) == {"a"}
    assert best(a=[5.0], b=[6.0]) == set()
    assert best(a=[5.0, 6.0], limit=[1.0, 1.1]) == {"a"}


def test_rows_against_the_baseline(store: Path) -> None:
    fill()
    made = build.build(NAME, "paper")
    cells = made.cells.set_index(["row", "column"])
    ours = cells.loc["Meta-T", "CIFAR-10/40"]
    known = scipy.stats.ttest_rel(*(ERRORS[row, "CIFAR-10/40"] for row in ("Meta-T", "FixMatch"))).confidence_interval()
    assert (ours["baseline"], ours["pairs"], ours["difference"]) == ("FixMatch", 3, -7.75)
    assert (ours["difference_low"], ours["difference_high"]) == pytest.approx((known.low, known.high))
    assert cells.loc[("FlexMatch", "CIFAR-10/250"), ["pairs", "difference"]].tolist() == [1, pytest.approx(0.2)]
    assert cells.loc["FixMatch", "pairs"].tolist() == [0, 0]
    text = paired(made.cells)
    assert "FlexMatch       | -6.25 [-9.43, -3.07] (2 of 3) | +0.20 (1 of 3)" in text
    assert "| FixMatch " not in text
    assert paired(made.cells.assign(pairs=0)) == ""


def test_compared_cells(store: Path) -> None:
    fill()
    compared = build.build(NAME, "paper").compared.set_index(["row", "column"])
    assert tuple(compared.reset_index().columns) == compare.COMPARE
    fixmatch, flexmatch = compared.loc["FixMatch", "CIFAR-10/250"], compared.loc["FlexMatch", "CIFAR-10/40"]
    assert fixmatch["difference"] == pytest.approx(0.13)
    assert (fixmatch["ci_low"], fixmatch["ci_high"]) == pytest.approx((-0.66887, 0.92887), abs=2e-4)
    assert (fixmatch["published_n"], flexmatch["published_n"]) == (5, 3)  # TorchSSL's README has three seeds
    assert math.isnan(compared.loc[("FlexMatch", "CIFAR-10/250"), "ci_low"])  # one seed of ours
    assert "Ours" not in compared.index.get_level_values("row")


def test_ranks_come_from_numbers() -> None:
    means = pd.DataFrame({"x": [3.0, 1.0, 1.0], "y": [70.0, 80.0, 60.0]}, index=["a", "b", "c"])
    assert stats.ranks(means, ["y"]).to_numpy().tolist() == [[3, 2], [1.5, 1], [1.5, 3]]


def test_rows_with_the_same_runs_say_so() -> None:
    lines = [("a", "x", 0, "1"), ("a", "y", 0, "2"), ("b", "x", 0, "1"), ("c", "x", 0, "1"), ("c", "y", 0, "3")]
    runs = pd.DataFrame(lines, columns=["row", "column", "seed", "id"])
    assert compare.twins(runs) == [(("a", "b", "c"), ("x",))]
    both = runs[runs["row"].isin(["a", "b"])]
    assert compare.twins(both) == [(("a", "b"), ("x",))]
    again = pd.concat([both, pd.DataFrame([("b", "y", 0, "2")], columns=runs.columns)])
    assert compare.twins(again) == [(("a", "b"), ("x", "y"))]
    assert compare.twins(pd.concat([again, again.assign(seed=1, id="4")[-1:]])) == [(("a", "b"), ("x",))]  # all seeds


def test_stratified_bootstrap() -> None:
    assert stats.stratified([[1.0, 1.0], [3.0, 3.0]]) == (2, 2)
    low, high = stats.stratified([[0.0, 2.0], [10.0, 12.0]])
    assert (low, high) == (5, 7)  # all lower, all upper draws have one chance in sixteen each
    assert stats.stratified([[0.0, 2.0], [10.0, 12.0]]) == (low, high)  # the same every time
    assert all(map(math.isnan, stats.stratified([[1.0], [2.0, 3.0]])))
    rng = np.random.default_rng(1)
    groups = [rng.normal(m, 1, 40).tolist() for m in (0, 50)]
    low, high = stats.stratified(groups)
    assert high - low == pytest.approx(2 * 1.96 * (2 / 40) ** 0.5 / 2, rel=0.2)  # not widened by the columns' distance


def test_totals(store: Path) -> None:
    fill()
    totals = build.build(NAME, "paper").totals.set_index("row")
    assert list(totals.index) == ["Meta-T", "FlexMatch", "FixMatch"]  # no reference, no row with a gap
    assert totals["rank"].tolist() == [1, 2.25, 2.75]  # FixMatch and FlexMatch share second place at 250 labels
    assert totals.loc["Meta-T", "mean"] == pytest.approx((4.25 + 4.2) / 2)
    assert overall(build.build(NAME, "paper").totals[:0]) == ""


# LaTeX


def test_second_best_is_the_best_of_the_others() -> None:
    def second(**values: list[float]) -> str:
        sweep = dataclasses.replace(TOY, metrics={"accuracy": "accuracy"}, reference=("limit",))
        column = "accuracy" if values.pop("accuracy", None) else "x"
        return compare.second(sweep, column, {(row, column): pd.Series(v) for row, v in values.items()})

    assert second(a=[5.0, 6.0, 7.0], b=[8.0, 9.1, 10.0], c=[6.0, 7.3, 8.0], limit=[1.0, 2.0, 3.0]) == "c"
    assert second(accuracy=[1], a=[5.0, 6.0, 7.0], b=[8.0, 9.1, 10.0], c=[6.0, 7.3, 8.0]) == "c"
    assert second(a=[5.0, 6.0], b=[7.0, 9.0]) == "", "two seeds do not tell them apart: both are best"


def test_rows_and_columns_without_a_number_of_ours_are_left_out_on_request(store: Path, tmp_path: Path) -> None:
    fill(errors={key: ERRORS[key] for key in (("Meta-T", "CIFAR-10/40"), ("FixMatch", "CIFAR-10/40"))})
    assert main([NAME, "scale=paper", "rows=measured"]) == 0
    for suffix in (".md", ".tex"):
        text = (tmp_path / f"out/paper/{NAME}{suffix}").read_text()
        assert "SimMatch" not in text and "| Ours" not in text and "not implemented" not in text
        assert "CIFAR-10/250" not in text and "FixMatch" in text
    assert "SimMatch" not in (tmp_path / f"out/paper/{NAME}.csv").read_text()
    assert "CIFAR-10/250" in (tmp_path / f"out/paper/{NAME}.seeds.csv").read_text(), "the runs stay whole"


def test_a_tidy_line_per_run(store: Path, tmp_path: Path) -> None:
    runs = fill()
    assert main([NAME, "scale=paper"]) == 0
    found = pd.read_csv(tmp_path / f"out/paper/{NAME}.seeds.csv").set_index(["row", "column", "seed"])
    line = found.loc["FlexMatch", "CIFAR-10/40", 1]
    assert (line["metric"], line["unit"], line["value"], line["report"]) == ("error", "%", 5.5, "median_last_20")
    assert (line["state"], line["run"]) == ("done", runs["FlexMatch", "CIFAR-10/40", 1].id)
    missing = found.loc["FlexMatch", "CIFAR-10/40", 2]
    assert missing["state"] == "missing" and math.isnan(missing["value"])


def paper(name: str, scale: str, width: float) -> tuple[str, build.Table]:
    made = build.build(name, scale)
    return latex(made.cells, made.caption, made.notes, made.gaps, made.name, width), made


@pytest.mark.parametrize("name", tables())
def test_latex_is_plain_and_rectangular(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    text, made = paper(name, "paper", 345)
    assert text.isascii()
    wide = 0
    for table in text.split(r"\begin{tabular}")[1:]:
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        (columns,) = {line.replace(r"\&", "").count("&") for line in rows}
        wide += columns
    assert wide == made.cells["column"].nunique()
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert rf"\label{{tab:{name.replace('/', '-').replace('_', '-')}}}" in text
    assert not re.search(r"sweeps\.launch", re.sub(r"^%.*$", "", text, flags=re.M)), "what is missing is a comment"


def test_captions_at_demo_scale_say_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    for name in tables():
        (caption,) = re.findall(r"\\caption\{(.*)\}", paper(name, "demo", 345)[0])
        assert "digits" in caption and not re.search("CIFAR|STL|SVHN|ImageNet|CNN-13", caption)


def test_a_wide_table_is_cut_by_width() -> None:
    head, line = [f"digits/40 @{k}x" for k in range(10)], ["Green Meta-T", *["**15.55±10.82** (1 of 2)"] * 10]
    own = length(line[1]) + GAP
    parts = _tables(head, [line], width=3 * own + length(line[0]) + GAP + 1)
    assert [part[0].count("c") for part in parts] == [3, 3, 3, 1]
    assert all(sum("Green" in text for text in part) == 1 for part in parts)
    assert parts[0][2].split("&")[1].strip() == "digits/40" and parts[0][3].split("&")[1].strip(" \\") == "@0x"
    assert len(_tables(head, [line], width=1.0)) == 10, "a column a table, where not even one fits"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="LaTeX is not installed")
@pytest.mark.parametrize("width", [345, 240])
def test_latex_compiles_and_fits(width: int, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    r"""No line is wider than the text, at the article's width and at that of a column of two."""
    fill()
    texts = [paper(NAME, "paper", width)[0]]
    monkeypatch.setattr(build, "load", load)
    texts += [
        paper(name, scale, width)[0] for name in ("meta_t/table5", "meta_t/table3") for scale in ("demo", "paper")
    ]
    head = rf"\documentclass{{article}}\usepackage{{booktabs}}\textwidth={width}pt\hsize={width}pt\begin{{document}}"
    (tmp_path / "page.tex").write_text("\n".join([head, *texts, r"\end{document}"]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith(r"Overfull \hbox")] == []
