"""What the documents tell a newcomer to do, done."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    folders = {"SSL_RUNS": str(tree / "runs"), "SSL_REPORTS": str(tree / "out")}
    environment = os.environ | folders | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the files of docs/add-a-method.md in it."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("benchmarks", "methods", "tests", "reports", "sweeps"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "out"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    text = (ROOT / "docs" / "add-a-method.md").read_text()
    files = re.findall(r"^## \d\. The (?:file|YAML): `(.+?)`\n\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == ["methods/soft_targets.py", "benchmarks/conf/method/soft_targets.yaml"]
    own = re.findall(
        r"^## .*`(.+?)`\n\n.*?^```python\n(.*?)^```", (ROOT / "docs/own-sweeps.md").read_text(), re.M | re.S
    )
    assert [name for name, _ in own] == ["sweeps/own/lambda_u.py"]
    for name, content in files + own:
        (tree / name).write_text(content)
    return tree


def test_the_new_method_runs(tree: Path) -> None:
    done = run(tree, "-m", "benchmarks.run", "method=soft_targets", "scale=smoke", "seed=0")
    assert done.returncode == 0, done.stderr
    assert len(list((tree / "runs").glob("*/result.json"))) == 1


def test_the_new_method_keeps_the_contract(tree: Path) -> None:
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/methods", "-k", "soft_targets")
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"(\d+) passed", done.stdout)


def test_a_table_of_ones_own(tree: Path) -> None:
    """Declared, counted, shown: make's targets call these programs (tests/test_packaging.py)."""
    for words in ("sweeps.launch own/lambda_u scale=smoke launcher=debug", "reports.table own/lambda_u scale=smoke"):
        done = run(tree, "-m", *words.split())
        assert done.returncode == 0, done.stderr
    assert "| lambda_u = 0.5 |" in done.stdout and "Error rates (%) of FixMatch" in done.stdout
    paper = run(tree, "-m", "sweeps.status", "own/lambda_u", "scale=paper")
    assert "in total 0 0 0 0 0 9" in " ".join(paper.stdout.split())


OWN_TABLE = """from sweeps.sweep import Sweep

SWEEP = Sweep(
    caption="Soft targets beside hard ones.",
    rows={"FixMatch": "method=fixmatch", "Soft targets": "method=soft_targets"},
    columns={"digits/40": "task=digits backbone=tiny task.labels=40"},
    seeds=2,
)
"""


@pytest.mark.slow
def test_a_method_of_ones_own_in_a_table_of_ones_own_on_the_page(tree: Path) -> None:
    """A dry run, the runs, how far they are, the page: as somebody would go through them."""
    (tree / "sweeps/own/soft.py").write_text(OWN_TABLE)
    for words, said in (
        ("sweeps.launch own/soft scale=smoke --dry-run", "of 2 runs done"),
        ("sweeps.launch own/soft scale=smoke launcher=debug", "of 2 runs done"),
        ("sweeps.status own/soft scale=smoke", "100% of all steps are done"),
        ("reports.page scale=smoke", "index.html"),
    ):
        done = run(tree, "-m", *words.split())
        assert done.returncode == 0 and said in done.stdout, done.stdout + done.stderr
    page = Path(done.stdout.strip())
    text = page.read_text()
    assert "Your own tables" in text and '<h3 id="own-soft">soft</h3>' in text and "Soft targets beside hard" in text
    assert len(list((page.parent / "runs").glob("*.html"))) == len(list((tree / "runs").glob("*/config.yaml")))


def test_readme_names_what_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make ([\w-]+)", readme, re.MULTILINE):
        pattern = re.sub(r"\d+(_\w+)?$|(?<=finding-)\w+$", "%", target)
        assert re.search(rf"^(?:{target}|{re.escape(pattern)}):", makefile, re.MULTILINE), target
    for path in re.findall(r"`((?:benchmarks|methods|sweeps|reports)/[\w/.]+)`", readme):
        assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\((docs/[\w.-]+|[\w/-]+\.(?:md|png))\)", readme):
        assert (ROOT / link).exists(), link
