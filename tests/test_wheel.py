"""What `pip install .` makes works: the modules and their data, from any folder."""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not find_spec("setuptools"), reason="setuptools is not installed")
def test_a_wheel_runs(tmp_path):
    source = tmp_path / "source"
    for name in ("benchmarks", "methods", "reports", "sweeps"):
        copytree(ROOT / name, source / name, ignore=ignore_patterns("__pycache__", "out"))
    for name in ("pyproject.toml", "requirements.in", "README.md", "LICENSE"):
        copy(ROOT / name, source)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        ".",
    ]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    env = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "SSL_RUNS": str(tmp_path / "runs")}
    for words in (["benchmarks.run", "scale=smoke"], ["sweeps.launch", "meta_t/table1", "scale=smoke", "--dry-run"],
                  ["reports.audit"]):  # fmt: skip
        done = subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs").glob("*/result.json"))) == 1
