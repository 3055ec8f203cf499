"""Launch settings: one reader, for all of them alike."""

from pathlib import Path

import pytest

from benchmarks.errors import UserError
from benchmarks.machine import settings


@pytest.mark.parametrize(("name", "read"), [("SSL_DATA", settings.data), ("SSL_RUNS", settings.runs)])
def test_folders(name, read, monkeypatch):
    default = name.partition("_")[2].lower()
    for given, wanted in (("", default), ("  ", default), ("/a/b", "/a/b"), ("~/c", str(Path.home() / "c"))):
        monkeypatch.setenv(name, given)
        assert read() == Path(wanted)
    monkeypatch.delenv(name)
    assert read() == Path(default)


@pytest.mark.parametrize(
    ("name", "read", "default"),
    [
        ("SSL_COMPILE", settings.compiled, False),
        ("SSL_GRAPH", settings.graphs, False),
        ("SSL_MODEL", settings.models, True),
    ],
)
def test_switches(name, read, default, monkeypatch):
    for given, wanted in (
        ("1", True),
        ("yes", True),
        ("TRUE", True),
        ("on", True),
        ("0", False),
        ("no", False),
        ("", default),
    ):
        monkeypatch.setenv(name, given)
        assert read() is wanted
    monkeypatch.setenv(name, "perhaps")
    with pytest.raises(UserError, match=f"^{name}=perhaps is not possible: it must be 1 or 0$"):
        read()


@pytest.mark.parametrize("given", ["often", "-1", "nan", "inf"])
def test_seconds(given, monkeypatch):
    monkeypatch.setenv("SSL_CHECKPOINT", given)
    with pytest.raises(UserError, match=f"^SSL_CHECKPOINT={given} is not possible: it must be a number of seconds"):
        settings.checkpoint_seconds()


def test_stale_is_one_of_three(monkeypatch):
    monkeypatch.setenv("SSL_STALE", "never")
    with pytest.raises(UserError, match=r"^SSL_STALE=never is not possible: it must be name, accept or anew$"):
        settings.stale()


def test_every_setting_is_documented_and_read_nowhere_else():
    root = Path(settings.__file__).parents[2]
    named = set()
    for folder in ("benchmarks", "methods", "reports", "sweeps"):
        for path in (root / folder).rglob("*.py"):
            text = path.read_text()
            if "environ.get" in text or "getenv" in text:
                lines = [
                    line for line in text.splitlines() if ("environ.get" in line or "getenv" in line) and "SSL_" in line
                ]
                assert path.name == "settings.py" or not lines, f"{path}: {lines}"
    import re

    named = set(re.findall(r'"(SSL_[A-Z]+)"', Path(settings.__file__).read_text()))
    assert named and all(name in (settings.__doc__ or "") for name in named)
