"""One composition, quick where it can be: what it takes and refuses, and which protocol a method brings."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from omegaconf import OmegaConf

from benchmarks.config import compose, composer, plain, resolve, run_id
from benchmarks.errors import UserError
from sweeps.grid import load
from sweeps.sweep import SCALES, pick


def both(overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the quick way and OmegaConf's own say: a configuration, or why there is none."""
    found: list[object] = []
    for slow in (False, True):
        with monkeypatch.context() as patch:
            if slow:
                patch.setattr(composer, "_follows", lambda *_: True)
            try:
                found.append(resolve(overrides))
            except UserError as error:
                found.append(str(error))
    return found


@pytest.mark.parametrize(
    "overrides",
    [
        "scale=paper protocol.steps=7",  # steps follows it
        "scale=paper steps=7 protocol.steps=9",
        "scale=paper protocol.steps=9 steps=${protocol.batch}",
        "seed=${nothing}",
        "protocol={batch: 8}",
        "task.imbalance={n1:5,m1:9,gamma_l:2,gamma_u:2} task.imbalance.n1=7",
        "task.imbalance={n1:5,m1:9,gamma_l:2,gamma_u:2} task.imbalance={n1:6}",
        "task.imbalance={n1:5,m1:9,gamma_l:2,gamma_u:2} task.imbalance=null",
        "task.augment.mean=[1]",
        "protocol.optimizer={lr: 1}",
        "protocol.optimizer.lr={a: 1}",
        "task=npz",
        "task=npz task.name=own",
        "task.name=???",
        "method.tao=1",
        "seed.x=1",
        "task.labels=-1",
        "steps=1.5",
        "method.tau=high",
        "method=fixmacth",
    ],
)
def test_the_quick_way_says_what_omegaconf_says(overrides: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = overrides.replace(": ", ":").split()
    quick, slow = both(words, monkeypatch)
    assert quick == slow
    if not isinstance(quick, str):
        assert plain(compose(words)) == quick


def test_values_that_others_follow_are_known_from_the_interpolations() -> None:
    node = {
        "a": {"b": 1, "c": "${.b}", "d": ["${..e.f}", "x ${oc.env:HOME,${a.b}}"]},
        "e": {"f": "${a}", "g": "${e[f]}", "h": "abc"},
    }
    assert set(composer._followed(node)) == {"a.b", "a.e.f", "a", "e.f"}
    assert "" in set(composer._followed({"a": "${e.${b}}"}))  # which one depends: any value may be followed
    OmegaConf.create(node)


def test_a_configuration_is_the_callers_own() -> None:
    first = resolve(["scale=smoke", "method=meta_t"])
    before = run_id(first)
    first["method"]["hidden"].append(7)
    first["task"]["augment"].clear()
    assert run_id(resolve(["scale=smoke", "method=meta_t"])) == before


# ---- a method brings its paper's protocol


@pytest.mark.parametrize(
    ("method", "protocol"),
    [
        ("meta_t", "meta_t"),
        ("green_meta_t", "meta_t"),
        ("meta_t_lagged", "meta_t"),
        ("meta_t_sgd_flexmatch", "meta_t"),
        ("meta_semi", "meta_semi"),
        ("meta_semi_ict", "meta_semi"),
        ("meta_semi_one_hot", "meta_semi"),
        ("ict", "meta_semi"),
        ("fixmatch", "fixmatch"),
        ("dash", "fixmatch"),
        ("supervised", "fixmatch"),
    ],
)
def test_the_papers_protocol_unless_told_otherwise(method: str, protocol: str) -> None:
    for scale in SCALES:
        config = resolve([f"method={method}", f"scale={scale}"])
        assert config["protocol"]["name"] == (protocol if scale in ("paper", "short") else "demo")
        told = resolve(["protocol=mixmatch", f"method={method}", f"scale={scale}"])
        assert told["protocol"]["name"] == "mixmatch"
        assert told["method"] == config["method"]
        assert "protocol" not in config["method"]


def test_readmes_first_line_is_the_papers_run() -> None:
    line = "method=meta_t task=cifar10 task.labels=40 scale=paper seed=0"
    assert f"python -m benchmarks.run {line}\n" in Path(ROOT, "README.md").read_text(encoding="utf-8")
    table = load("meta_t/table1")
    ours = replace(table, rows=pick(table.rows, "Meta-T"), columns=pick(table.columns, "CIFAR-10/40"))
    assert run_id(resolve(line.split())) == next(cell.run.id for cell in ours.cells("paper") if cell.seed == 0)


def test_of_two_choices_of_a_group_the_last_counts():
    for first, second in (("meta_t", "demo"), ("demo", "meta_t")):
        assert compose([f"protocol={first}", "scale=paper", f"protocol={second}"]).protocol.name == second
