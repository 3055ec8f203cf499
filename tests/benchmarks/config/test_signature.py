"""Types and choices are the constructor's and the YAML file's: a new method never edits `benchmarks.config`."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from own import conf

from benchmarks.config import CONF, resolve
from benchmarks.config.signature import choices, parameters
from benchmarks.errors import UserError

METHOD = """
from typing import Literal

from methods.fixmatch import FixMatch

Colour = Literal["red", "blue"]


class Painted(FixMatch):
    def __init__(self, *, colour: Colour, times: "Literal[1, 2] | None", size: Literal["all"] | int, k: int, **more):
        super().__init__(**more)
"""
YAML = """
defaults: [fixmatch, _self_]
name: painted
_target_: painted.Painted
colour: red
times: 1
size: 3
k: 2
share: 1.0
"""


def said(*overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        resolve(overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ("method=green_meta_t method.k=2.5", "method.k=2.5 is not possible: it must be a whole number of at least 1"),
        (
            "method=meta_t method.hidden=[10,2.5]",
            "method.hidden=2.5 is not possible: it must be a whole number of at least 1",
        ),
        ("backbone=wrn28_2 backbone.variant=foo", "backbone.variant=foo is not possible: it must be tf or torchssl"),
        ("backbone=wrn28_2 backbone.variant=1", "backbone.variant=1 is not possible: it must be tf or torchssl"),
        ("method=dash method.batch_norm=no", "method.batch_norm=no is not possible: it must be split or joint"),
        (
            "method.tau=1" + 400 * "0",
            "method.tau=1" + 400 * "0" + " is not possible: it must be a finite number from 0 to 1",
        ),
    ],
)
def test_what_a_constructor_does_not_take(overrides: str, words: str) -> None:
    assert said(*overrides.split()) == words


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("colour=green", "it must be red or blue"),
        ("times=3", "it must be 1 or 2 or null"),
        ("times=true", "it must be 1 or 2 or null"),
        ("size=0.5", "it must be a whole number"),
        ("k=0.5", "it must be a whole number"),
        ("batch_norm=none", "it must be split or joint"),  # a base class's, through **kwargs
        ("tau=some", "it must be a finite number from 0 to 1"),
    ],
)
def test_a_method_of_ones_own(override: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = conf(tmp_path, monkeypatch)
    (made.parent / "painted.py").write_text(METHOD)
    (made / "method" / "painted.yaml").write_text(YAML)
    choices.cache_clear()
    assert said("method=painted", f"method.{override}").endswith(f"is not possible: {words}")
    config = resolve(["method=painted", "method.colour=blue", "method.times=null", "method.k=7", "method.share=2"])
    assert config["method"] | {"colour": "blue", "times": None, "k": 7, "share": 2.0} == config["method"]
    assert "painted" not in sys.modules


def test_signatures_are_read_without_torch() -> None:
    code = (
        "import sys; from benchmarks.config import resolve; from benchmarks.config.signature import choices;"
        "resolve(['backbone=wrn28_2', 'method=uda']);"
        "assert choices('benchmarks.nets.wrn.WideResNet') and choices('methods.meta_t.GreenMetaT');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_what_is_not_ours_or_not_there_says_nothing() -> None:
    for target in ("torch.optim.SGD", "methods.nowhere.Dash", "methods.dash.Dot", "Dash", ""):
        assert choices(target) == {}


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield from (node,) if "_target_" in node else ()
        for part in node.values():
            yield from nodes(part)


@pytest.mark.parametrize("file", sorted(CONF.glob("*/*.yaml")), ids=lambda file: f"{file.parent.name}={file.stem}")
def test_yaml_files_write_numbers_as_their_constructors_take_them(file: Path) -> None:
    """10.0 where a fraction is meant, 10 where it is a whole number: that is what the command line is held to."""
    text = file.read_text(encoding="utf-8")
    config = resolve([f"{file.parent.name}={file.stem}"]) if "${" in text else yaml.safe_load(text)
    kinds = {"int": int, "float": float, "bool": bool, "str": str}
    for node in nodes(config):
        for key, (_, annotation) in parameters(node["_target_"]).items():
            kind = re.sub(r"(Sequence|list)\[(\w+)\]", r"\2", ast.unparse(annotation)) if annotation else ""
            value = node.get(key, [])
            for part in value if isinstance(value, list) else [value]:
                assert kind not in kinds or type(part) is kinds[kind], f"{node['_target_']}: {key}={part}"
