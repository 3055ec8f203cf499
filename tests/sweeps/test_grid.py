"""Sweeps that are written out: what their words mean, that they are launched and shown, and what is refused."""

import shlex
from pathlib import Path

import pytest

from benchmarks.config import resolve, run_id
from reports.table.__main__ import main as table
from reports.table.build import build
from sweeps import launch, status
from sweeps.grid import load
from sweeps.lists import values
from sweeps.names import OWN, names, slug
from sweeps.sweep import Budget

LAMBDA = "row=FixMatch method.lambda_u=0.5,1,2 seed=0..4"


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path / "out"))


def test_lists() -> None:
    assert values("0.5,1,2") == ["0.5", "1", "2"]
    assert values("0..2,7,1") == ["0", "1", "2", "7"]
    assert values("[10],[10,10]") == ["[10]", "[10,10]"]
    assert values("{n1:30,m1:60}") == ["{n1:30,m1:60}"]
    assert values("0.1..0.3") == ["0.1..0.3"], "only whole numbers are counted"


def test_every_combination_is_a_run() -> None:
    cells = list(load(LAMBDA).cells("demo"))
    assert [(c.row, c.column, c.seed) for c in cells] == [
        (f"FixMatch, lambda_u={w}", "digits/40", seed) for w in ("0.5", "1", "2") for seed in range(5)
    ]
    known = {cell.run.id for cell in load("meta_t/table1").cells("demo")}
    assert {c.seed for c in cells if c.run.id in known} == {0, 1, 2}, "lambda_u=1 is Table 1's own"
    for cell in cells:
        assert run_id(resolve(cell.overrides)) == cell.run.id


def test_options_of_the_task_make_columns_and_what_is_said_overrules_the_row() -> None:
    sweep = load("'row=Meta-T,FixMatch, τ = 0.5' task.labels=10,40 task.balance=equal protocol=mixmatch steps=7")
    assert list(sweep.rows) == ["Meta-T", "FixMatch, τ = 0.5"]
    for scale in ("demo", "paper"):
        cells = list(sweep.cells(scale))
        assert {c.column for c in cells} == {"digits/10, balance=equal", "digits/40, balance=equal"}
        assert {c.config["protocol"]["name"] for c in cells} == {"mixmatch"}
        assert {c.config["steps"] for c in cells} == {7}
        assert {c.seed for c in cells} == set(range({"demo": 2, "paper": 5}[scale]))


def test_a_table_is_varied() -> None:
    sweep, base = load("meta_t/table1 row=Meta-T,FixMatch column=digits/40 steps=10,20"), load("meta_t/table1")
    assert list(sweep.rows) == ["Meta-T, steps=10", "Meta-T, steps=20", "FixMatch, steps=10", "FixMatch, steps=20"]
    plain = {c.row: c.config for c in base.cells("demo") if c.column == "digits/40" and c.seed == 0}
    for cell in sweep.cells("demo"):
        row, _, steps = cell.row.partition(", steps=")
        assert cell.config == plain[row] | {"steps": int(steps), "seed": cell.seed}
    with_paper = load("meta_t/table1 row=Π-Model protocol.ratio=1,2")
    assert "CIFAR-10/40" not in {c.column for c in with_paper.cells("paper")}, "a dash of the paper's stays one"


@pytest.mark.parametrize("name", [name for name in names() if not name.startswith(f"{OWN}/")])
def test_a_table_with_all_its_rows_named_is_the_table(name: str) -> None:
    base = load(name)
    named = load(shlex.join([name, f"row={','.join(base.rows)}"]))
    for scale in ("demo",) if name not in ("meta_t/table5_anew", "meta_semi/table4") else ("demo", "paper"):
        assert {(c.row, c.column, c.seed, c.choice, c.run.id) for c in named.cells(scale)} == {
            (c.row, c.column, c.seed, c.choice, c.run.id) for c in base.cells(scale)
        }
        assert named.remarks_at(scale) == base.remarks_at(scale)
    assert named.baseline == base.baseline or not base.baseline, "the first row, where the table names none"
    for kind in ("metrics", "budgets", "reference", "absent", "timed"):
        assert getattr(named, kind) == getattr(base, kind), kind


def test_a_share_of_a_row_keeps_to_that_row() -> None:
    name = 'meta_t/table5 "column=digits/40 @0.5x,CIFAR-10/250 @5h"'
    found = load(f"{name} row=FixMatch,Meta-T method.lambda_u=0.5,1").budgets
    assert found["digits/40 @0.5x"] == Budget(share=0.5, of="FixMatch, lambda_u=0.5"), "of its first variant"
    alone = load(f"{name} row=Meta-T").budgets
    assert alone["digits/40 @0.5x"] == Budget(share=0.5, of="FixMatch")
    assert alone["CIFAR-10/250 @5h"] == Budget(hours=5), "hours need no other row"
    (said,) = (note for note in build(f"{name} row=Meta-T", "demo").notes if "name it in row=" in note)
    assert said.startswith("Times are shares of FixMatch's training")


def test_methods_without_a_paper() -> None:
    assert list(load("method=fixmatch,dash").rows) == ["fixmatch", "dash"]
    assert list(load("method=dash protocol.optimizer.lr=0.1,0.2").rows) == ["dash, lr=0.1", "dash, lr=0.2"]
    assert [c.config["method"]["name"] for c in load("method=dash seed=3").cells("demo")] == ["dash"]


def test_launched_counted_and_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["method=fixmatch,dash", "seed=1,3", "scale=smoke"]
    assert launch.main([*words, "launcher=debug"]) == 0
    assert launch.main([*words, "launcher=debug"]) == 0
    assert "4 of 4 runs done, 0 to go" in capsys.readouterr().out
    assert status.main(words) == 0
    assert "in total 4 0 0 0 0" in " ".join(capsys.readouterr().out.split())
    assert table(words) == 0
    shown = capsys.readouterr().out
    assert "| fixmatch |" in shown and "| dash     |" in shown and "missing" not in shown
    assert "paper's" not in shown
    assert (tmp_path / "out/smoke" / f"{slug('method=fixmatch,dash seed=1,3')}.tex").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["row=Fixmatch"], 'unknown row "Fixmatch". Did you mean "FixMatch"?'),
        (["meta_t/table1", "row=Fixmatch"], 'no row "Fixmatch" at scale=demo. Did you mean "FixMatch"?'),
        (["meta_t/table1", "column=digits/41", "seed=1"], 'unknown column "digits/41". Did you mean "digits/40"?'),
        (["column=digits/40"], "of which table?"),
        (["method=fixmach,dash"], 'unknown method "fixmach". Did you mean "fixmatch"?'),
        (["method.lambda=1,2"], 'unknown option "method.lambda". Did you mean "method.lambda_u"?'),
        (["row=FixMatch", "seed=a"], "seed=a is not possible"),
        (["row=FixMatch", "partitoin=gpu"], 'Did you mean "partition"?'),
        (["meta_t/table1", "meta_t/table2"], "which table?"),
    ],
)
def test_refusals_are_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main([*arguments, "--dry-run"]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
