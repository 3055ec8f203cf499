"""What tests share: one thread, folders of their own, and the parts of a run before it is run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from omegaconf import DictConfig

from benchmarks import task as tasks
from benchmarks.build import make, network
from benchmarks.config import compose, plain
from benchmarks.loader import Loader
from benchmarks.student import Student
from benchmarks.task import Answers, Task
from methods.base import Method, Step

torch.set_num_threads(1)


def pytest_configure(config: pytest.Config) -> None:
    # torch itself, the first time that forward mode or torch.compile is used
    config.addinivalue_line("filterwarnings", "ignore:.torch.jit.script(_method)?. is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True, scope="session")
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's data and runs, or depends on whether there is a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("SSL_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setenv("SSL_DEVICE", "cpu")
        yield


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


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
    cfg = compose(overrides)
    torch.manual_seed(cfg.seed)
    settings = {key: value for key, value in plain(cfg.task).items() if key != "augment"}
    task, answers = tasks.build(**settings, seed=cfg.seed, augment=make(cfg.task.augment))
    net = network(cfg.backbone, task)
    method = make(cfg.method)
    protocol = cfg.protocol
    student = Student(
        method.setup(task.facts, net),
        optimizer=make(protocol.optimizer),
        schedule=make(protocol.schedule),
        decay=protocol.average,
        steps=cfg.steps,
        precision=cfg.precision,
        engine=cfg.engine,
    )
    loader = Loader(task, method.views, batch=protocol.batch, ratio=protocol.ratio, seed=cfg.seed)
    return Parts(cfg, task, answers, method, student, loader)


@pytest.fixture(scope="session")
def assemble() -> Callable[..., Parts]:
    """overrides -> the parts of that run; at the smoke scale, say "scale=smoke"."""
    return build
