"""The rules of the architecture."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT
from contract import (
    METHODS,
    class_of,
    tensors,
)

from benchmarks.config import options
from benchmarks.data import sources as datasets


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def imports(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, and of what it takes from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def code(path: Path) -> str:
    """A file without docstrings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
            node.body = body or [ast.Pass()]
    return ast.unparse(tree)


@cache
def known_methods() -> set[str]:
    """All methods' names: as options, as modules and as classes."""
    shared = {"alignment", "base", "consistency", "functional", "heads", "options", "thresholding"}
    modules = {path.stem for path in sources("methods")} - shared - {"__init__"}
    classes = {cls.__name__ for name in METHODS for cls in class_of(name).__mro__ if cls.__module__[8:] in modules}
    return set(METHODS) | modules | classes


@pytest.mark.parametrize("path", sources("benchmarks"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_benchmark_names_no_method(path):
    assert {name for name in imports(path) if name.split(".")[0] == "methods"} <= {
        "methods.base",
        *(f"methods.base.{name}" for name in vars(sys.modules["methods.base"])),
        "methods.options",
        *(f"methods.options.{name}" for name in vars(sys.modules["methods.options"])),
    }
    if path.parent.name != "speed":  # it compares the methods' speeds, so it has to say which
        assert not re.findall(rf"(?<!ast\.)\b({'|'.join(known_methods())})\b", code(path))


@pytest.mark.parametrize("path", sources("methods"), ids=lambda path: path.stem)
def test_a_method_knows_neither_benchmark_nor_data(path):
    assert not {name for name in imports(path) if name.split(".")[0] in ("benchmarks", "reports", "sweeps")}
    data = {re.sub(r"\W|_", "", name) for name in (*datasets.KNOWN, *options("task"))}
    written = re.sub(r"[-_]", "", code(path).lower())
    assert not re.findall(rf"\b({'|'.join(sorted(data))})\b", written)


@pytest.mark.parametrize("path", sources("benchmarks"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_benchmark_draws_nothing(path):
    assert not {name.split(".")[0] for name in imports(path)} & {"matplotlib", "seaborn", "reports", "sweeps"}


def test_reports_train_nothing():
    modules = [str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in sources("reports")]
    script = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "methods", "benchmarks")))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    allowed = (
        "benchmarks.config",
        "benchmarks.errors",
        "benchmarks.arguments",
        "benchmarks.machine",
        "benchmarks.store",
        "benchmarks.provenance",
        "benchmarks.data.files",
    )
    loaded = set(done.stdout.split()) - {"benchmarks", "benchmarks.data"}
    assert not [name for name in loaded if not name.startswith(allowed)]


def test_the_search_for_names_can_fail(tmp_path):
    path = tmp_path / "fault.py"
    path.write_text('"""FixMatch."""\nfrom methods.fixmatch import FixMatch\nimport seaborn\nx = "meta_t"  # ict\n')
    assert imports(path) == {"methods.fixmatch", "methods.fixmatch.FixMatch", "seaborn"}
    assert set(re.findall(rf"\b({'|'.join(known_methods())})\b", code(path))) == {"fixmatch", "FixMatch", "meta_t"}
    holder = SimpleNamespace(inside=[{"deep": (torch.ones(1),)}])
    assert len(list(tensors(holder))) == 1
