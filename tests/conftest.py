"""What tests share: one thread, folders of their own, and the parts of a run before it is run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor

from benchmarks.assemble import assemble as put_together
from benchmarks.config import compose
from benchmarks.data.loader import Loader
from benchmarks.data.task import Answers, Task
from benchmarks.training.student import Student
from methods.base import Method, Step

torch.set_num_threads(1)
pytest.register_assert_rewrite("contract", "outcomes")

ROOT = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    # torch itself, the first time that forward mode or torch.compile is used
    config.addinivalue_line("filterwarnings", "ignore:.torch.jit.script(_method)?. is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True, scope="session")
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's data and runs, or depends on whether there is a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("SSL_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setenv("SSL_REPORTS", str(tmp_path_factory.mktemp("reports")))
        patch.setenv("SSL_DEVICE", "cpu")
        yield


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder of the test's own, on a path with spaces; every evaluation is followed by a checkpoint."""
    folder = tmp_path / "a store of runs"
    monkeypatch.setenv("SSL_RUNS", str(folder))
    monkeypatch.setenv("SSL_CHECKPOINT", "0")
    return folder


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything in float64, also what the code makes single on purpose."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@dataclass
class Parts:
    """What `benchmarks.run` hands to the trainer, and what the trainer makes of it."""

    cfg: DictConfig
    task: Task
    answers: Answers
    method: Method
    student: Student
    loader: Loader

    def step(self) -> Step:
        """One step of training, as the trainer takes it."""
        return self.student.take(self.method, self.loader.next())


def build(*overrides: str) -> Parts:
    parts = put_together(compose(overrides))
    return Parts(parts.cfg, parts.task, parts.answers, parts.method, parts.student(), parts.loader())


@pytest.fixture(scope="session")
def assemble() -> Callable[..., Parts]:
    """overrides -> the parts of that run; at the smoke scale, say "scale=smoke"."""
    return build
