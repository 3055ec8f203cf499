"""Programs: their options, their help, their faults."""

import sys
from importlib import import_module

import pytest
from conftest import ROOT

from benchmarks.errors import UserError, command
from benchmarks.speed.options import parse


def test_options_have_the_types_of_their_defaults():
    assert parse(["rounds=3", "only=a=b"], rounds=5, only="", more=0.5) == (
        {"rounds": 3, "only": "a=b", "more": 0.5},
        [],
    )
    assert parse(["seed=1", "rounds=2"], rest=True, rounds=5) == ({"rounds": 2}, ["seed=1"])


@pytest.mark.parametrize(
    ("argument", "rest", "why"),
    [
        ("round=3", False, 'unknown option "round=3": there are rounds=5'),
        ("rounds", True, 'unknown option "rounds": there are rounds=5'),
        ("rounds=many", True, "rounds=many is not possible: rounds is a number, e.g. 5"),
    ],
)
def test_other_options_are_one_line(argument, rest, why):
    with pytest.raises(UserError) as fault:
        parse([argument], rest=rest, rounds=5)
    assert str(fault.value) == why


def test_a_program_says_what_it_is_and_what_is_wrong(capsys):
    @command
    def main(arguments: list[str]) -> int:
        raise UserError("a fault\n  on two lines")

    assert main(["--help"]) == 0
    assert capsys.readouterr().out == f"{__doc__}\n"
    assert main([]) == 2
    assert capsys.readouterr().err == "error: a fault on two lines\n"


def programs() -> list[str]:
    """Every module that is a command."""
    found = [path for top in ("benchmarks", "reports", "sweeps") for path in sorted((ROOT / top).rglob("*.py"))]
    mains = [path for path in found if '__name__ == "__main__"' in path.read_text() or path.name == "__main__.py"]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in mains]


@pytest.mark.parametrize("name", programs())
def test_every_program_has_its_help(name, capsys):
    """--help says what the module's docstring says, ends well, and does nothing else."""
    module = import_module(name)
    assert module.main(["--help"]) == 0
    said = sys.modules[module.main.__module__].__doc__
    assert said and capsys.readouterr().out.startswith(said)
