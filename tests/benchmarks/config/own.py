"""YAML files and modules of a test's own."""

import shutil
from pathlib import Path

import pytest

from benchmarks.config import CONF


def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the YAML files that the suite reads from now on; modules in the folder around it can be imported."""
    copy = tmp_path / "own" / "conf"
    shutil.copytree(CONF, copy)
    monkeypatch.setattr("benchmarks.config.files.CONF", copy)
    monkeypatch.syspath_prepend(copy.parent)
    return copy
