"""A senseless value is refused before a run begins, in one line that says what it must be."""

import ast
import re
from typing import Annotated, get_args

import pytest
from conftest import ROOT

from benchmarks.config import compose
from benchmarks.config.signature import Range, _find, _range, bounds, parameters
from benchmarks.errors import UserError
from methods import options as kinds


def targets() -> set[str]:
    """Every class and function of ours that a configuration names."""
    texts = [path.read_text() for path in (ROOT / "benchmarks" / "conf").rglob("*.yaml")]
    return {name for text in texts for name in re.findall(r"_target_: ((?:methods|benchmarks)\.\S+)", text)}


@pytest.mark.parametrize("target", sorted(targets()))
def test_every_number_has_its_range(target: str) -> None:
    """So that a new method's author thinks of it: a constructor declares the range of each of its numbers."""
    bare = {
        name
        for name, (_, annotation) in parameters(target).items()
        if annotation and re.search(r"\b(int|float)\b", ast.unparse(annotation)) and name != "progress"
    }
    assert not bare - bounds(target).keys(), f"{target}: annotate {bare} as methods/options.py says"


def test_the_source_is_read_as_python_reads_it() -> None:
    found = {name: kind for name, kind in vars(kinds).items() if get_args(kind) and kind is not Annotated}
    assert len(found) >= 7
    for name, kind in found.items():
        home, node = _find("methods.options", name)
        assert _range(home, node.value) == Range(*get_args(kind)[1])  # type: ignore[union-attr, arg-type]


@pytest.mark.parametrize(
    ("within", "inside", "outside", "said"),
    [
        (Range(0, 1), (0, 0.5, 1), (-1e-9, 1.1), "from 0 to 1"),
        (Range(above=0), (1e-9,), (0, -1), "above 0"),
        (Range(0, below=1), (0, 0.999), (1, -1), "of at least 0 and below 1"),
        (Range(above=0, most=1), (0.1, 1), (0, 1.1), "above 0 and of at most 1"),
    ],
)
def test_ranges(within: Range, inside: tuple[float, ...], outside: tuple[float, ...], said: str) -> None:
    assert str(within) == said
    assert all(map(within.has, inside)) and not any(map(within.has, outside))


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        ("method.tau=95", "from 0 to 1"),
        ("method.lambda_u=-1", "a finite number of at least 0"),
        ("task.augment.mean=[125.3]", "from 0 to 1"),
        ("task.augment.std=[-1]", "above 0"),
        ("task.augment.std=[0]", "above 0"),
        ("task.augment.probability=50", "from 0 to 1"),
        ("task.augment.cutout=-4", "a whole number of at least 0"),
        ("protocol.average=-3", "of at least 0 and below 1"),
        ("protocol.average=1", "of at least 0 and below 1"),
        ("protocol.optimizer.lr=-1", "of at least 0"),
        ("protocol.optimizer.momentum=1", "below 1"),
        ("seed=18446744073709551616", "a whole number from 0 to 9223372036854775807"),
        ("backbone.widths=[0,1,1]", "a whole number of at least 1"),
        ("task.imbalance={n1:100,m1:100,gamma_l:0,gamma_u:1}", "above 0"),
        ("method=meta_t method.momentum=1.5", "below 1"),
        ("method=dash method.period=0", "above 0"),
        ("protocol=meta_t protocol.schedule.milestones=[1.5]", "from 0 to 1"),
    ],
)
def test_a_senseless_value_is_one_line(overrides: str, wanted: str) -> None:
    with pytest.raises(UserError, match="is not possible: it must be") as error:
        compose(overrides.split())
    assert wanted in str(error.value) and "\n" not in str(error.value)
