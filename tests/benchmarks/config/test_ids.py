"""A run's id is a hash of values: not of how a number is written, nor of where a class lies."""

from pathlib import Path

import pytest
import yaml
from own import conf

from benchmarks.config import compose, composer, resolve, run_id
from benchmarks.run import execute
from benchmarks.store.run import Run


@pytest.mark.parametrize("key", ["method.lambda_u", "protocol.optimizer.lr"])
def test_one_number_is_one_run(key: str) -> None:
    configs = [resolve(["scale=smoke", f"{key}={number}"]) for number in ("1", "1.0", "1e0")]
    assert configs[0] == configs[1] == configs[2]
    assert len({run_id(config) for config in configs}) == 1
    group, *_, leaf = key.split(".")
    assert f"{leaf}: 1.0\n" in yaml.safe_dump(configs[0][group])  # what config.yaml says


def test_numbers_count_by_their_value_and_truths_are_none() -> None:
    same = [{"a": [1, {"b": 0}]}, {"a": [1.0, {"b": 0.0}]}, {"a": [1.0, {"b": -0.0}]}]
    assert len({run_id(config) for config in same}) == 1
    assert len({run_id({"a": a}) for a in (1, True, "1", "1.0", 1.5, None, [1])}) == 7


@pytest.mark.usefixtures("store")
def test_a_class_that_moved_finds_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = conf(tmp_path, monkeypatch)
    before = execute(compose(["scale=smoke", "method=dash"]))
    (made.parent / "elsewhere.py").write_text("from methods.dash import Dash\n")
    file = made / "method" / "dash.yaml"
    file.write_text(file.read_text().replace("methods.dash.Dash", "elsewhere.Dash"))
    composer._choose.cache_clear()
    config = resolve(["scale=smoke", "method=dash"])
    assert config["method"]["_target_"] == "elsewhere.Dash"
    assert Run(config).id == before.id
    assert Run(config).done
    file.write_text(file.read_text().replace("elsewhere.Dash", "elsewhere.Dot"))
    composer._choose.cache_clear()
    assert Run(resolve(["scale=smoke", "method=dash"])).id != before.id
