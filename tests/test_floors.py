"""The order of floors: who may import whom in `benchmarks/`, and that each wing says so itself."""

import ast
from pathlib import Path

import pytest
from conftest import ROOT

#: part of benchmarks/ -> the parts that it may import besides itself; a later one is above
FLOORS = {
    "errors": set(),
    "arguments": {"errors"},
    "machine": {"errors"},
    "config": {"errors", "arguments"},
    "nets": {"errors", "machine"},
    "influence": {"errors", "machine"},
    "data": {"errors", "arguments", "machine"},
    "store": {"errors", "machine", "config"},
    "training": {"errors", "machine", "store", "data", "influence"},
    "provenance": {"errors", "machine", "store", "data"},
    "assemble": {"errors", "machine", "config", "data", "training"},
    "run": {"errors", "machine", "config", "store", "training", "provenance", "assemble"},
    "views": {"errors", "machine", "config", "data", "assemble"},
    "predict": {"errors", "arguments", "machine", "data", "store", "training", "assemble"},
    "speed": {"errors", "arguments", "machine", "config", "data", "influence", "store", "training", "assemble", "run"},
}
WINGS = sorted(part for part in FLOORS if (ROOT / "benchmarks" / part).is_dir())
REPORTS = {"collect": {"paper"}, "paper": set()}


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "benchmarks").parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The parts of benchmarks/ that a file imports, at its head or within a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("benchmarks.")}
    return found & set(FLOORS)


FILES = sorted(path for path in (ROOT / "benchmarks").rglob("*.py") if path != ROOT / "benchmarks/__init__.py")


def test_floors_have_an_order():
    below: set[str] = set()
    for part, may in FLOORS.items():
        assert may <= below, f"{part} imports what is not below it"
        below.add(part)
    assert {part_of(path) for path in FILES} == set(FLOORS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_what_is_below_it(path):
    part = part_of(path)
    assert imported(path) <= FLOORS[part] | {part}


@pytest.mark.parametrize("part", WINGS)
def test_a_wing_says_what_is_in_it_and_what_it_imports(part):
    words = ast.get_docstring(ast.parse((ROOT / "benchmarks" / part / "__init__.py").read_text()))
    assert words and "mport" in words.partition("\n\n")[0], f"benchmarks/{part}/__init__.py: say what it may import"
    files = {path.stem for path in (ROOT / "benchmarks" / part).glob("*.py")} - {"__init__", "__main__"}
    assert not [name for name in files if name not in words], f"benchmarks/{part}/__init__.py: say what these are"


def test_a_newcomer_sees_a_dozen_entries():
    entries = [p for p in (ROOT / "benchmarks").iterdir() if not p.name.startswith("_")]
    assert len(entries) <= 16


def test_the_trainer_is_short_and_methods_know_no_recordings():
    trainer = (ROOT / "benchmarks/training/trainer.py").read_text()
    assert len(trainer.splitlines()) < 150
    for path in (ROOT / "methods").glob("*.py"):
        words = path.read_text().lower()
        if path.name != "base.py":
            assert not [word for word in ("recording", "replay", "cuda") if word in words], path


def test_most_files_are_short():
    lengths = [len(p.read_text().splitlines()) for top in ("benchmarks", "methods", "reports", "sweeps")
               for p in (ROOT / top).rglob("*.py")]  # fmt: skip
    assert sum(n <= 150 for n in lengths) > 0.95 * len(lengths)
