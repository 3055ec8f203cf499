"""A row whose number a validation set chooses: all choices run, one stands in the table, and the table says which."""

from dataclasses import replace
from pathlib import Path

import pytest

from reports.collect import frames
from reports.table import build, notes
from reports.table.summary import summarise, tidy
from sweeps import asked, launch
from sweeps.grid import load
from sweeps.sweep import Cell, Sweep

HELD_OUT = "task=digits backbone=tiny task.labels=40 task.validation=60"
TOY = Sweep(
    caption="Toy.",
    rows={"FixMatch": "method=fixmatch", "Meta-Semi": "method=meta_semi"},
    columns={"held out": HELD_OUT, "none held out": "task=digits backbone=tiny task.labels=40"},
    choices={"Meta-Semi": ("method.beta=1.0", "method.beta=0.2", "method.beta=0.5")},
    seeds=2,
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path / "out"))
    return tmp_path


def finish(cell: Cell, error: float, validation: float) -> None:
    n = cell.config["steps"]
    cell.run.open({"commit": "0" * 40})
    cell.run.append({"step": n, "seconds": 1.0, "error": error, "validation": validation})
    scores = {key: dict.fromkeys(("last", "median_last_20", "best_on_test"), value)
              for key, value in (("error", error), ("validation", validation))}  # fmt: skip
    cell.run.finish({"report": cell.config["protocol"]["report"], "seconds": 1.0, "steps": n} | scores)


def chosen_of(sweep: Sweep) -> list[tuple[str, str, int, float]]:
    runs = frames.collect(sweep, "paper")
    return [(r.choice, r.column, r.seed, r.value) for r in runs.itertuples() if r.row == "Meta-Semi"]


def test_all_choices_run_where_images_are_held_out() -> None:
    cells = list(TOY.cells("paper"))
    assert len({cell.run.id for cell in cells}) == 2 * (1 + 3) + 2 * (1 + 1)
    betas = {(c.column, c.choice, c.config["method"]["beta"]) for c in cells if c.row == "Meta-Semi"}
    assert betas == {("none held out", "", 1.0)} | {
        ("held out", f"method.beta={beta}", beta) for beta in (1.0, 0.2, 0.5)
    }
    assert any(cell.label == "Meta-Semi, held out, method.beta=0.2, seed 1" for cell in cells)


def test_the_lowest_mean_validation_error_chooses_and_the_test_error_does_not(store: Path) -> None:
    validation = {"method.beta=1.0": (30, 30), "method.beta=0.2": (10, 40), "method.beta=0.5": (25, 27)}
    error = {"method.beta=1.0": 1.0, "method.beta=0.2": 2.0, "method.beta=0.5": 9.0}
    cells = [cell for cell in TOY.cells("paper") if cell.column == "held out" and cell.row == "Meta-Semi"]
    for cell in cells[:-1]:
        finish(cell, error[cell.choice] + cell.seed, validation[cell.choice][cell.seed])
    waiting = frames.collect(TOY, "paper")
    own = waiting[(waiting["row"] == "Meta-Semi") & (waiting["column"] == "held out")]
    assert own["value"].isna().all() and set(own["state"]) == {"undecided", "missing"} and len(own) == 6
    frame = summarise(TOY, "toy", "paper", waiting)
    assert set(frame["state"]) == {"missing"}
    said = "\n".join(notes.notes(TOY, "toy", "paper", frame, waiting))
    assert "Meta-Semi: a validation set chooses, when the runs of all choices are done." in said
    assert any(line.startswith("7 of 12 runs are missing") for line in notes.gaps("toy", "paper", waiting))
    assert frames.curves(TOY, "paper").empty
    finish(cells[-1], error[cells[-1].choice] + 1, validation[cells[-1].choice][1])
    assert chosen_of(TOY)[:2] == [("method.beta=0.2", "held out", s, 2.0 + s) for s in (0, 1)]
    assert set(frames.curves(TOY, "paper")["error"]) == {2.0, 3.0}
    runs = frames.collect(TOY, "paper")
    frame = summarise(TOY, "toy", "paper", runs)
    assert frame.set_index(["row", "column"]).loc[("Meta-Semi", "held out"), ["mean", "n"]].tolist() == [2.5, 2]
    said = "\n".join(notes.notes(TOY, "toy", "paper", frame, runs))
    chosen = "Meta-Semi: of method.beta = 1.0, 0.2, 0.5 the lowest validation error has chosen 0.2 under held out."
    assert chosen in said and "when the runs" not in said
    assert {"method.beta=0.2"} == set(tidy(TOY, runs.dropna(subset=["value"]))["choice"])


def test_a_choice_without_a_validation_error_decides_nothing(store: Path) -> None:
    cells = [cell for cell in TOY.cells("paper") if cell.choice]
    for cell in cells[:-1]:
        finish(cell, 5.0, 5.0)
    n = cells[-1].config["steps"]
    cells[-1].run.open({"commit": "0" * 40})
    cells[-1].run.finish({"report": "last", "error": {"last": 5.0}, "seconds": 1.0, "steps": n})
    assert all(value != value for _, column, _, value in chosen_of(TOY) if column == "held out")


def test_what_is_given_is_not_chosen() -> None:
    sweep = load("meta_semi/table1 row=Meta-Semi column=CIFAR-10/1000 method.beta=0.3")
    assert {(c.choice, c.config["method"]["beta"]) for c in sweep.cells("paper")} == {("", 0.3)}
    sweep = load("meta_semi/table1 row=Meta-Semi column=CIFAR-10/1000")
    assert {c.config["method"]["beta"] for c in sweep.cells("paper")} == {0.2, 0.5, 0.75, 1.0}


def test_end_to_end(store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"digits": f"{HELD_OUT} task.subset=400"}
    sweep = replace(TOY, columns=columns, demo=columns, demo_seeds=1)
    for module in (asked, build):
        monkeypatch.setattr(module, "load", lambda name: sweep)
    assert launch.main(["meta_t/table1", "scale=smoke", "launcher=debug"]) == 0
    said = capsys.readouterr()
    assert "[4/4]" in said.out + said.err
    built = frames.collect(sweep, "smoke")
    assert list(built["state"]) == ["done"] * 2 and built["value"].notna().all()
    picked = built.set_index("row").loc["Meta-Semi", "choice"]
    assert picked in TOY.choices["Meta-Semi"]
