"""Every table and figure is declared once: its cells compose, its keys are the paper's, and equal runs are one run."""

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.assemble import make
from benchmarks.config import compose, composer, resolve
from benchmarks.data import task as tasks
from benchmarks.data.split import long_tail
from benchmarks.errors import UserError
from benchmarks.training.schedules import annealing, multistep, stepwise
from methods.meta_semi_ablations import Constant, LabelledMixUp, NoMixUp, OneHot, Signed, UnlabelledMixUp
from reports.paper.published import published, tables
from sweeps import names as sweeps
from sweeps.anew import Anew
from sweeps.grid import load
from sweeps.names import OWN
from sweeps.sweep import ON_DIGITS, SCALES, Budget, Cell, Sweep

BOTH_OURS = {"TGN 2C-100-1 (ours)", "Adam 1e-3 (ours)"}  # the two halves of Table 4 share their standard
SAME_RUNS = {  # rows that are meant to show the same runs, on purpose
    ("meta_t/table4", scale): [BOTH_OURS] for scale in SCALES
} | {
    (f"meta_semi/{table}", scale): rows  # one network at demo and smoke scale
    for table, rows in {
        "table1": [{name, f"{name} (WRN-28)"} for name in ("Meta-Semi", "Mean Teacher")],
        "table4": [{"Meta-Semi (CNN-13)", "Meta-Semi (WRN-28)"}],
        "table4_anew": [{"Meta-Semi (CNN-13)", "Meta-Semi (WRN-28)"}],
    }.items()
    for scale in ON_DIGITS
}


def names() -> list[str]:
    """The papers' tables and figures; what a user has put into sweeps/own is the user's."""
    return [name for name in sweeps.names() if not name.startswith(f"{OWN}/")]


@cache
def cells(name: str, scale: str) -> list[Cell]:
    return list(load(name).cells(scale))


@cache
def ids(name: str, scale: str) -> dict[tuple[str, str, int], str]:
    return {(c.row, c.column, c.seed): c.run.id for c in cells(name, scale)}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", names())
def test_every_cell_composes(name: str, scale: str) -> None:
    sweep = load(name)
    found = cells(name, scale)
    assert found
    assert {c.config["scale"] for c in found} == {scale}
    assert {c.seed for c in found} == set(sweep.seeds_at(scale))
    for cell in found:
        assert cell.row in sweep.rows
        assert cell.column in sweep.columns_at(scale)
        if scale == "paper" and not isinstance(sweep, Anew):  # what the papers leave open is asked of shorter runs
            whole = cell.config["protocol"]["steps"]
            assert cell.config["steps"] == (1000 if name.startswith("findings/") else whole)
        if scale in ON_DIGITS:
            assert (cell.config["task"]["name"], cell.config["backbone"]["name"]) == ("digits", "tiny")
            assert cell.config["protocol"]["name"] == "demo"
            assert cell.config["steps"] <= {"demo": 400, "smoke": 4}[scale] or isinstance(sweep, Anew)
        keys = [o.partition("=")[0] for o in cell.overrides]
        assert len(keys) == len(set(keys))


@pytest.mark.slow
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", names())
def test_a_cell_is_what_omegaconf_makes_of_its_command(name: str, scale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick way by which a configuration is composed gives what the slow one gives."""
    monkeypatch.setattr(composer, "_follows", lambda *_: True)
    for cell in cells(name, scale):
        if cell.seed == sweep_seed(cell):
            assert resolve(cell.command.split()[3:]) == cell.config


def sweep_seed(cell: Cell) -> int:
    """Which seed of a cell is looked at: not the default everywhere."""
    return len(cell.column) % 2 if cell.config["scale"] != "smoke" else 0


@pytest.mark.parametrize("name", tables())
def test_keys_are_the_published_ones(name: str) -> None:
    sweep = load(name)
    printed = set(published(name)[["row", "column"]].itertuples(index=False, name=None))
    grid = {(row, column) for row in sweep.rows if row not in sweep.beside for column in sweep.columns}
    assert set(sweep.beside) <= set(sweep.rows)
    assert set(sweep.reference) <= set(sweep.rows)
    assert sweep.baseline in {*sweep.rows, ""}
    assert grid - sweep.absent == printed
    for row, column in sweep.absent:
        assert row in sweep.rows
        assert column in {*sweep.columns, *sweep.demo}
    for named in (sweep.single, {(next(iter(sweep.rows)), c): "" for c in (*sweep.metrics, *sweep.budgets)}):
        assert all(row in sweep.rows and column in {*sweep.columns, *sweep.demo} for row, column in named)


@pytest.mark.parametrize("name", tables())
def test_cells_are_the_published_ones(name: str) -> None:
    """Network and number of labels of every run at paper scale are those of the cell that it stands beside."""
    sweep, paper = load(name), published(name).set_index(["row", "column"])
    for cell in cells(name, "paper"):
        if (cell.row, cell.column) in paper.index and paper.loc[(cell.row, cell.column), "backbone"]:
            assert cell.config["backbone"]["name"] == paper.loc[(cell.row, cell.column), "backbone"]
        labels = cell.column.partition("/")[2].partition(" ")[0]
        if labels and cell.row not in sweep.reference:
            assert str(cell.config["task"]["labels"]) == labels
        tail = cell.config["task"]["imbalance"]
        assert cell.column.startswith("N1=") == (tail is not None)
        if tail:
            assert tail["gamma_l"] == tail["gamma_u"]
            assert cell.column.startswith(f"N1={tail['n1']} M1={tail['m1']} γ={tail['gamma_l']:g}")


def test_both_papers_have_their_tables_and_figures() -> None:
    assert set(tables()) <= set(names())
    assert set(names()) - set(tables()) == {
        *(f"meta_t/{figure}" for figure in ("pseudo_labels", "thresholds", "confusion", "k", "cost")),
        *(f"meta_semi/{figure}" for figure in ("assumption", "beta")),
        *("meta_t/table5_anew", "meta_semi/table4_anew"),
        *(f"findings/{f}" for f in ("reading", "learning", "pseudo_labels", "time", "k", "meta_semi")),
    }


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", names())
def test_no_two_rows_are_equal_by_accident(name: str, scale: str) -> None:
    own = ids(name, scale)
    for a, b in combinations(load(name).rows, 2):
        shared = [key for key in own if key[0] == a and own.get((b, *key[1:])) == own[key]]
        assert not shared or {a, b} in SAME_RUNS.get((name, scale), []), shared


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", names())
def test_no_two_columns_are_equal_by_accident(name: str, scale: str) -> None:
    sweep, own = load(name), ids(name, scale)
    for a, b in combinations(sweep.columns_at(scale), 2):
        shared = {row for row in sweep.rows if own.get((row, a, 0), "a") == own.get((row, b, 0), "b")}
        if {a, b} & set(sweep.budgets):  # one run read at two times, or two data sets
            assert not shared or a.partition(" @")[0] == b.partition(" @")[0] or name == "meta_semi/table4"
        elif name == "meta_t/pseudo_labels":
            assert shared == {"FixMatch", "FlexMatch"} | ({"Meta-T"} if scale == "smoke" else set())
        elif name == "findings/pseudo_labels":  # by the clock and by steps
            assert shared == set(sweep.rows)
        elif isinstance(sweep, Anew) and scale == "smoke":  # equally many steps
            assert not shared or a.partition(" @")[0] == b.partition(" @")[0]
        elif isinstance(sweep, Anew):  # FixMatch's own whole training
            assert shared <= {"FixMatch"}
        elif name == "meta_t/thresholds" and scale in ON_DIGITS:
            assert shared <= {"Meta-T"}
        else:
            assert shared <= set(sweep.reference)  # all labels are all labels


def test_demo_shares_its_runs() -> None:
    """So many runs in all, and so few for each table and figure beyond those before it."""
    seen: set[str] = set()
    new = {}
    papers = [name for name in names() if not name.startswith("findings/") and not isinstance(load(name), Anew)]
    for name in sorted(papers, key=lambda name: (name not in tables(), name != "meta_t/table1", name)):
        own = set(ids(name, "demo").values())
        new[name] = len(own - seen)
        seen |= own
    assert new["meta_t/table1"] == 120
    assert len(seen) <= 320
    assert new["meta_t/table2"] == 4  # ReMixMatch
    for shared in ("meta_semi/table2", "meta_semi/table3", "meta_semi/table4"):
        assert new[shared] == 0
    for shared in ("meta_t/cost", "meta_t/confusion", "meta_t/thresholds"):
        assert new[shared] == 0


@pytest.mark.parametrize("scale", ["demo", "smoke"])
def test_digits_allow_the_long_tails(scale: str) -> None:
    for cell in cells("meta_t/table3", scale):
        settings: dict[str, Any] = {k: v for k, v in cell.config["task"].items() if k != "augment"}
        if cell.row != "FixMatch":
            continue
        task, answers = tasks.build(**settings, seed=cell.seed, augment=make(compose(cell.overrides).task.augment))
        tail = settings["imbalance"]
        labelled = long_tail(30, tail["gamma_l"], 10)
        unlabelled = long_tail(60, tail["gamma_u"], 10)
        assert np.array_equal(np.bincount(task.labelled.y), labelled)
        assert np.array_equal(np.bincount(answers.hidden), labelled + unlabelled)  # FixMatch's pool has both
        assert labelled.min() >= 1
        assert np.ptp(np.bincount(answers.test.y)) < 15  # measured on balanced classes


def test_budgets_and_metrics() -> None:
    table5, table4 = load("meta_t/table5"), load("meta_semi/table4")
    assert table5.budgets["CIFAR-10/250 @5h"] == Budget(hours=5, share=0.25, of="FixMatch")
    assert "CIFAR-10/250 @last" not in table5.budgets
    assert table5.budgets["digits/40 @0.25x"] == Budget(share=0.25, of="FixMatch")
    assert table5.metric_of("CIFAR-100/400 @1h") == "error"
    assert table5.metric_of("N1=1500 M1=3000 γ=100 @1h") == "accuracy"
    assert table4.budgets["12.6h"] == Budget(hours=12.6, share=1.0, of="ICT")
    assert table4.budgets["13.7h"] == Budget(hours=13.7, share=13.7 / 29.2, of="MixMatch (WRN-28)")
    assert all(budget.of in (*table5.rows, *table4.rows, "") for s in (table5, table4) for budget in s.budgets.values())
    assert load("meta_t/table2").metric_of("ImageNet/1% top-5") == "top5_accuracy"


def toy(**more: Any) -> Sweep:
    given: dict[str, Any] = {
        "caption": "",
        "rows": {"a": "method=fixmatch protocol=meta_t", "b": None},
        "columns": {"x": "task=cifar10 backbone=wrn28_2 task.labels=40", "y": None},
        "demo": {"x": "task=digits task.labels=40"},
    }
    return Sweep(**given | more)


def test_missing_methods_and_loaders_say_so() -> None:
    sweep = toy(absent=frozenset({("b", "y")}))
    assert [(row, column, sweep.state(row, column, "paper")) for row in "ab" for column in "xy"] == [
        ("a", "x", ""),
        ("a", "y", "not implemented"),
        ("b", "x", "not implemented"),
        ("b", "y", "absent"),
    ]
    assert {(c.row, c.column) for c in sweep.cells("paper")} == {("a", "x")}


def test_a_single_cell_overrules_its_row_and_the_row_its_column() -> None:
    sweep = toy(
        rows={"a": "method=meta_t protocol=meta_t task.labels=250"}, single={("a", "x"): "task.labels=4000 steps=7"}
    )
    by_scale = {scale: next(iter(sweep.cells(scale))).config for scale in SCALES}
    assert by_scale["paper"]["task"]["labels"] == 4000
    assert by_scale["paper"]["protocol"]["name"] == "meta_t"
    assert [by_scale[scale]["steps"] for scale in SCALES] == [7, 7, 7, 4]  # smoke: equally many for all
    with pytest.raises(UserError, match='unknown scale "papre"'):
        next(sweep.cells("papre"))


# Rows that are methods of their own


def test_schedules_of_the_threshold_network() -> None:
    assert [annealing(t, floor=0.1) for t in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.55, 0.1])
    assert [annealing(t) for t in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.5, 0])
    steps = {"milestones": [1 / 3, 2 / 3], "factors": [1.0, 0.5, 0.1]}
    assert [stepwise(t, **steps) for t in (0.0, 0.33, 0.34, 0.66, 0.67, 1.0)] == [1, 1, 0.5, 0.5, 0.1, 0.1]
    assert multistep(0.5, milestones=[0.3], gamma=0.1) == stepwise(0.5, milestones=[0.3], factors=[1.0, 0.1])


@pytest.fixture
def meta_semi(assemble: Callable[..., Any]) -> Callable[[str], Any]:
    return lambda method: assemble("scale=smoke", "protocol.batch=8", f"method={method}")


ALTERATIONS = {
    "meta_semi_one_hot": OneHot,
    "meta_semi_mixup_unlabelled": UnlabelledMixUp,
    "meta_semi_mixup_labelled": LabelledMixUp,
    "meta_semi_no_mixup": NoMixUp,
    "meta_semi_constant": Constant,
    "meta_semi_signed": Signed,
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_alterations_alter_what_they_say(name: str, meta_semi: Callable[[str], Any]) -> None:
    parts = meta_semi(name)
    method = parts.method
    assert type(method) is ALTERATIONS[name]
    calls = []
    influence = parts.student.influence
    parts.student.influence = lambda *args: calls.append(args) or influence(*args)
    assert parts.step().loss.isfinite()
    assert len(calls) == (0 if name == "meta_semi_constant" else 1)  # the constant needs no meta step
    x, y = torch.rand(6, 1, 8, 8), torch.eye(10)[:6]
    assert torch.equal(method.mix_labelled(x, y)[0], x) == (
        name in ("meta_semi_mixup_unlabelled", "meta_semi_no_mixup")
    )
    assert torch.equal(method.mix_unlabelled(x, y)[0], x) == (
        name in ("meta_semi_mixup_labelled", "meta_semi_no_mixup")
    )
    p = torch.tensor([[0.2, 0.5, 0.3]])
    assert torch.equal(method.label(p), torch.tensor([[0.0, 1.0, 0.0]])) == (name == "meta_semi_one_hot")
    weights = method.weigh(torch.tensor([-2.0, 0.0, 3.0])).tolist()
    assert weights == ([1, 0, -1] if name == "meta_semi_signed" else [1, 0, 0])


def test_without_the_average_the_network_labels_and_is_evaluated(assemble: Callable[..., Any]) -> None:
    parts = assemble(*cells("meta_semi/table5", "smoke")[0].overrides)
    assert cells("meta_semi/table5", "smoke")[0].row == "Without parameter EMA"
    parts.step()
    for mine, average in zip(parts.student.parameters, parts.student.average.parameters(), strict=True):
        assert torch.equal(mine, average)
