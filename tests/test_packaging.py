"""The tooling keeps its word: pins agree, targets are documented, a failed launch still shows its table."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reports.figure import FIGURES

FAKE = """#!/bin/sh
case "$*" in *sys.version_info*) exit 0;; esac
echo "$@ $SSL_RUNS"
case "$*" in {fails}) exit 3;; esac
"""


def lines(name: str) -> list[str]:
    """A requirements file without comments and blank lines."""
    stripped = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in stripped if line]


def pins(requirements: list[str]) -> dict[str, str]:
    return {line.partition("==")[0]: line.partition("==")[2].partition(" ")[0] for line in requirements}


@pytest.fixture(scope="module")
def lock() -> dict[str, str]:
    return pins(lines("requirements.lock"))


def test_lock_is_plain_and_sorted() -> None:
    locked = lines("requirements.lock")
    for line in locked:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .*)?", line), line
    names = [line.partition("==")[0] for line in locked]
    assert names == sorted(set(names))
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_lock_without_cuda_is_the_other_without_it(lock: dict[str, str]) -> None:
    without = pins(lines("requirements-cpu.lock"))
    left_out = {name for name in lock if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    assert left_out and without == {name: version for name, version in lock.items() if name not in left_out}
    assert "://" not in (ROOT / "requirements-cpu.lock").read_text()


def test_lock_meets_requirements(lock: dict[str, str]) -> None:
    for requirement in map(Requirement, lines("requirements.in")):
        name = canonicalize_name(requirement.name)
        assert lock[name] in requirement.specifier, f"{requirement}, but {lock[name]} is locked: make lock"


def test_what_texts_need_besides_is_pinned(lock: dict[str, str]) -> None:
    more, project = lines("requirements-text.txt"), tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in more)
    assert "://" not in (ROOT / "requirements-text.txt").read_text()
    pinned = pins(more)
    assert list(pinned) == sorted(pinned)
    assert not set(pinned) & set(lock)
    for requirement in map(Requirement, project["project"]["optional-dependencies"]["text"]):
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier


def test_conda_pins_are_the_locks(lock: dict[str, str]) -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    pinned = pins([line for line in pip if not line.startswith("-")])
    assert pinned == {name: lock[name] for name in pinned}
    assert set(pinned) == {canonicalize_name(Requirement(line).name) for line in lines("requirements.in")}
    assert environment["name"] in (ROOT / "Makefile").read_text()  # by which make knows the environment


def test_one_oldest_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert project["project"]["requires-python"] == ">=3.11"
    assert project["tool"]["ruff"]["target-version"] == "py311"
    assert project["tool"]["mypy"]["python_version"] == "3.11"
    assert "python=3.11" in environment["dependencies"]
    assert workflow["jobs"]["ci"]["strategy"]["matrix"]["python"][0] == "3.11"
    assert "(3, 11)" in (ROOT / "Makefile").read_text()


def test_the_citation_file_is_well_formed() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (cited["cff-version"], cited["version"], cited["license"]) == ("1.2.0", version, "MIT")
    assert [len(paper["authors"]) for paper in cited["references"]] == [6, 4]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_ci_runs_what_a_person_runs() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    ran = re.findall(r"^(?:.*' | *)make ([^#;]*?)(?: #.*)?$", script.read_text(), re.MULTILINE)
    assert ran == ["text", "test", "test-slurm", "lint smoke"]
    assert "run: .ci/run" in (ROOT / ".github/workflows/ci.yml").read_text()


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make with nothing inherited from the make that may be running these tests."""
    env = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), *arguments],
        cwd=environment.get("HERE", ROOT),
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter that prints its arguments, and fails where it is told to."""
    return interpreter(tmp_path, fails="nothing")


def interpreter(folder: Path, fails: str) -> Path:
    path = folder / "python"
    path.write_text(FAKE.format(fails=fails))
    path.chmod(0o755)
    return path


def test_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][\w-]*%?):(?!=)", makefile, re.MULTILINE)
    documented = re.findall(r"^#: (\S+) .*\n([a-z][\w-]*%?):", makefile, re.MULTILINE)
    assert sorted(target for _, target in documented) == sorted(set(targets) - {"help"})
    for shown, target in documented:
        assert re.fullmatch(target.replace("%", "(1|NAME)"), shown)
    page = make().stdout  # the default goal
    assert page == make("help").stdout
    assert len(re.findall(r"^  \S.*  \S", page, re.MULTILINE)) == len(documented)


@pytest.mark.parametrize(
    ("target", "ran"),
    [
        ("table1",
         ["-m sweeps.launch meta_t/table1 scale=demo", "-m reports.table meta_t/table1 scale=demo"]),
        ("table2 SCALE=smoke ARGS=x=1",
         ["-m sweeps.launch meta_t/table2 scale=smoke x=1", "-m reports.table meta_t/table2 scale=smoke"]),
        ("table1 SCALE=paper", ["-m reports.table meta_t/table1 scale=paper"]),
        ("semi-table3 SCALE=short", ["-m reports.table meta_semi/table3 scale=short"]),
        ("sweep-table4", ["-m sweeps.launch meta_t/table4 scale=paper launcher=local"]),
        ("sweep-semi-table4 SCALE=short LAUNCHER=slurm",
         ["-m sweeps.launch meta_semi/table4 scale=short launcher=slurm"]),
        ("fig-surrogate", ["-m reports.figure meta_t/surrogate scale=demo"]),  # has no runs
        ("fig-pseudo-labels",
         ["-m sweeps.launch meta_t/pseudo_labels scale=demo", "-m reports.figure meta_t/pseudo_labels scale=demo"]),
        ("semi-fig-beta SCALE=paper", ["-m reports.figure meta_semi/beta scale=paper"]),
        ("sweep-fig-k", ["-m sweeps.launch meta_t/k scale=paper launcher=local"]),
        ("own-lambda-u", ["-m reports.table own/lambda_u scale=demo"]),
        ("sweep-own-lambda-u", ["-m sweeps.launch own/lambda_u scale=paper launcher=local"]),
        ("status-own-lambda-u SCALE=demo", ["-m sweeps.status own/lambda_u scale=demo"]),
        ("report", ["-m reports.page scale=demo"]),
        ("confusion RUN=abc", ["-m reports.confusion abc"]),
        ("audit", ["-m reports.audit"]),
        ("bench", ["-m benchmarks.speed"]),
        ("bench-scaling ARGS=depth=10", ["-m benchmarks.speed.scaling depth=10"]),
        ("bench-gpu", ["-m benchmarks.speed.gpu"]),
        ("bench-figure", ["-m reports.speed"]),
        ("profile METHOD=fixmatch", ["-m benchmarks.speed.phases method=fixmatch"]),
        ("views TASK=npz ARGS=task.name=a", ["-m benchmarks.views task=npz task.name=a"]),
        ("text", ["-m uv pip install --quiet --python {} --no-deps -r requirements-text.txt"]),
        ("bench-methods ARGS=only=uda", ["-m benchmarks.speed.methods only=uda"]),
        ("bench-text ARGS=rounds=1", ["-m benchmarks.speed.texts rounds=1"]),
        ("data DATASETS=cifar10", ["-m benchmarks.data.download cifar10"]),
    ],
)  # fmt: skip
def test_targets_run(target: str, ran: list[str], python: Path) -> None:
    done = make(*target.split(), f"PY={python}")
    assert (done.returncode, done.stderr) == (0, "")
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [line.format(python) for line in ran]


def test_tables_are_the_declared_ones(python: Path) -> None:
    done = make("tables", "SCALE=paper", f"PY={python}")
    declared = [f"meta_t/{path.stem}" for path in sorted((ROOT / "sweeps/meta_t").glob("table*.py"))]
    declared += [f"meta_semi/{path.stem}" for path in sorted((ROOT / "sweeps/meta_semi").glob("table*.py"))]
    declared = [name for name in declared if not name.endswith("_anew")]  # asked for by name alone
    assert re.findall(r"reports.table (.*) scale=paper", done.stdout) == [" ".join(declared)]
    shown = make("figures", "SCALE=paper", f"PY={python}").stdout
    assert set(re.findall(r"meta_\w+/\w+", shown)) == {name for name in FIGURES if not name.startswith("findings/")}


@pytest.mark.parametrize(
    ("fails", "status"), [("*sweeps.launch*", 3), ("*reports.table*", 3), ("*meta_t/table1*", 3), ("no", 0)]
)
def test_failed_launch_still_shows_the_table(fails: str, status: int, tmp_path: Path) -> None:
    done = make("table1", f"PY={interpreter(tmp_path, fails)}")
    assert "-m reports.table meta_t/table1" in done.stdout
    assert bool(done.returncode) == bool(status)


def test_smoke_leaves_nothing(python: Path, tmp_path: Path) -> None:
    done = make("smoke", f"PY={python}", TMPDIR=str(tmp_path))
    folders = {line.split()[-1] for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert len(folders) == 1
    assert Path(*folders).parent == tmp_path
    assert list(tmp_path.iterdir()) == [python]


def test_setup_says_what_is_missing(tmp_path: Path) -> None:
    def setup(python: str) -> str:
        done = make("audit", f"PYTHON={python}", HERE=str(tmp_path))
        assert done.returncode
        (line,) = (line for line in done.stderr.splitlines() if not line.startswith("make"))
        return line

    (tmp_path / "requirements.lock").write_text("uv==0\n")
    assert "'no-such-python' is not Python 3.11 or later" in setup("no-such-python")
    assert "apt install python3-venv" in setup(str(interpreter(tmp_path, "*venv*")))
    assert not (tmp_path / ".venv").exists()


def test_one_variable_chooses_the_lock_without_cuda(tmp_path: Path) -> None:
    binaries = tmp_path / ".venv/bin"
    binaries.mkdir(parents=True)
    interpreter(binaries, fails='"-m uv "*')
    (tmp_path / "requirements-cpu.lock").write_text("torch==1\nuv==2.3\n")
    done = make("audit", "CPU=1", f"PYTHON={binaries / 'python'}", HERE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "--torch-backend cpu -r requirements-cpu.lock" in done.stdout
    assert "trying again with pip, which takes longer and may bring CUDA" in done.stdout
    assert "install -r requirements-cpu.lock" in (binaries.parent / "setup.log").read_text()


def test_setup_follows_the_lock(tmp_path: Path) -> None:
    """A `.venv` is filled once, and again when the lock has changed; here pip and uv are make-believe."""
    binaries = tmp_path / ".venv/bin"
    binaries.mkdir(parents=True)
    interpreter(binaries, fails="nothing")
    (tmp_path / "requirements.lock").write_text("torch==1\nuv==2.3\n")
    arguments = ("audit", f"PYTHON={binaries / 'python'}")
    first, second = (make(*arguments, HERE=str(tmp_path)) for _ in range(2))
    assert "-m uv pip install" in first.stdout
    assert "install --retries 1 uv==2.3" in (binaries.parent / "setup.log").read_text()
    assert second.stdout.split() == ["-m", "reports.audit"]
    interpreter(binaries, fails='"-m uv "*')
    (binaries.parent / ".lock-stamp").unlink()
    third = make(*arguments, HERE=str(tmp_path))
    assert third.returncode == 0
    assert "install -r requirements.lock" in (binaries.parent / "setup.log").read_text()  # pip has a try
    interpreter(binaries, fails="*install*")
    (binaries.parent / ".lock-stamp").unlink()
    fourth = make(*arguments, HERE=str(tmp_path))
    assert fourth.returncode
    assert "setup: no package index in reach? Check the network" in fourth.stderr
