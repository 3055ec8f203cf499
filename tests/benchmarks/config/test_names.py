"""A run's name is its configuration."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from conftest import ROOT

from benchmarks.config import NAMES, compose, plain, run_id
from benchmarks.influence.engines import ENGINES
from benchmarks.run import execute

SMOKE = ("scale=smoke", "method=ict")  # a method that draws random numbers of its own


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    else:
        yield path


def changed(config: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The configuration with another value of one leaf."""
    new = copy.deepcopy(config)
    node = new
    for key in path[:-1]:
        node = node[key]
    old = node[path[-1]]
    if isinstance(old, bool):
        node[path[-1]] = not old
    elif isinstance(old, int | float):
        node[path[-1]] = old * 1.000001 + 1e-9
    elif isinstance(old, list):
        node[path[-1]] = [*old, *old]
    else:
        node[path[-1]] = f"{old}x"
    return new


def backwards(node: Any) -> Any:
    return {key: backwards(node[key]) for key in reversed(node)} if isinstance(node, dict) else node


@pytest.mark.parametrize(
    "overrides",
    [
        ("method=meta_semi_ict", "task=stl10", "backbone=wrn37_2", "protocol=mixmatch", "scale=paper"),
        ("method=green_meta_t", "protocol=meta_t", "task.imbalance={n1: 15, m1: 30, gamma_l: 10, gamma_u: 10}"),
    ],
)
def test_the_name_depends_on_everything_but_the_order(overrides: tuple[str, ...]) -> None:
    config = plain(compose(overrides))
    paths = list(leaves(config))
    assert len(paths) > 40
    names = {run_id(config), *(run_id(changed(config, path)) for path in paths)}
    assert len(names) == 1 + len(paths)
    assert run_id(config | {"more": None}) not in names
    assert run_id({key: value for key, value in config.items() if key != "seed"}) not in names
    assert run_id(backwards(config)) == run_id(config) == run_id(compose(overrides))
    assert len(run_id(config)) == 12


def test_a_name_is_for_ever() -> None:
    assert run_id({"b": [1, 0.5], "a": {"c": None}}) == "c1e1a696678c"


def test_the_order_of_overrides_does_not_matter() -> None:
    overrides = ["method=ict", "scale=smoke", "task.labels=10", "seed=3", "protocol.optimizer.lr=0.1"]
    assert len({run_id(compose(overrides[k:] + overrides[:k])) for k in range(5)}) == 1
    assert run_id(compose(overrides)) != run_id(compose(overrides[:-1]))


def test_composing_once_changes_nothing_for_the_next() -> None:
    before = run_id(compose(SMOKE))
    compose((*SMOKE, "method.beta=0.5", "task.augment.mean=[0.1]", "seed=9"))
    assert run_id(compose(SMOKE)) == before


def test_the_name_can_be_read_off_the_directory() -> None:
    run = execute(compose((*SMOKE, "protocol.optimizer.lr=1e-5")))
    written = yaml.safe_load((run / "config.yaml").read_text())
    assert written == run.config
    assert run_id(written) == run.id == run.folder.name


def test_the_names_of_choices_are_those_of_the_code() -> None:
    assert set(NAMES["engine"]) == set(ENGINES)
    run = execute(compose(SMOKE))
    assert set(NAMES["protocol.report"]) - {"best_on_validation"} == set(
        json.loads((run / "result.json").read_text())["error"]
    )


def test_names_and_directories_need_no_torch() -> None:
    code = "import sys, benchmarks.config, benchmarks.store.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
