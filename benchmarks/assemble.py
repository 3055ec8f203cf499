"""A configuration -> the parts of its run: the only place where they are put together. A fault in it is one line."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from benchmarks.config import plain
from benchmarks.config.signature import parameters
from benchmarks.data import task as tasks
from benchmarks.data.loader import Loader
from benchmarks.data.task import Answers, Task
from benchmarks.errors import UserError, blame, one_line
from benchmarks.machine import settings
from benchmarks.machine.device import device
from benchmarks.training.cuda_graphs import CudaGraphs, Recorder
from benchmarks.training.student import Student
from methods.base import Method, Schedule


@dataclass
class Parts:
    """What a run is made of, on its device, before the first step."""

    cfg: DictConfig
    task: Task
    answers: Answers | None  #: for the trainer alone; None where the task was given
    net: nn.Module  #: with the heads that the method added
    method: Method
    compiled: bool  #: whether plain passes go through torch.compile

    def student(
        self, net: nn.Module | None = None, steps: int | None = None, schedule: Schedule | None = None
    ) -> Student:
        """The run's student, or a stage's: of another network, length or schedule."""
        protocol = self.cfg.protocol
        with blame("cannot make protocol.optimizer"):
            return Student(
                self.net if net is None else net,
                optimizer=make(protocol.optimizer),
                schedule=make(protocol.schedule) if schedule is None else schedule,
                decay=protocol.average,
                steps=steps or self.cfg.steps,
                precision=self.cfg.precision,
                engine=self.cfg.engine,
                compiled=self.compiled,
                own_statistics=self.method.own_statistics,
                decayed=protocol.decayed,
            )

    def loader(self) -> Loader:
        """What the trainer's first stage draws its batches from."""
        protocol, method = self.cfg.protocol, self.method
        sizes = {"batch": protocol.batch, "ratio": protocol.ratio}
        return Loader(self.task, method.views, **sizes, seed=self.cfg.seed, labelled_view=method.labelled_view)


def assemble(cfg: DictConfig, task: Task | None = None, compiled: bool | None = None) -> Parts:
    """The parts of a run, all random numbers drawn from its seed. Raises UserError.

    task: one that is given, for a step that is only timed; compiled: $SSL_COMPILE, unless told otherwise.
    """
    torch.manual_seed(cfg.seed)
    answers = None
    if task is None:
        task, answers = build_task(cfg)
        answers = answers.to(device())
    net = network(cfg.backbone, task, cfg.protocol.batch)
    task = task.to(device())
    method: Method = make(cfg.method)
    if answers is not None:
        task.unlabelled.suit(cfg.task.name, (*method.views, method.labelled_view))
    # what torch says of a number that cannot be: lr=-1, hidden=[-1]; anything else is a bug, with its traceback
    with blame(f"cannot set up {cfg.method.name}", (ValueError, RuntimeError)):
        net = method.setup(task.facts, net).to(device())
    compiled = settings.compiled() if compiled is None else compiled
    return Parts(cfg, task, answers, net, method.to(device()), compiled)


def build_task(cfg: DictConfig) -> tuple[Task, Answers]:
    """The task of a configuration, and apart from it the answers. Raises UserError."""
    options = {key: value for key, value in plain(cfg.task).items() if key != "augment"}
    return tasks.build(**options, seed=cfg.seed, augment=make(cfg.task.augment))


def make(node: DictConfig, **more: Any) -> Any:
    """What `_target_` names, with the node's numbers; `name` is only the choice's name."""
    numbers = {key: value for key, value in node.items() if key != "name"}
    for key, value in numbers.items():  # a nested method or backbone has a name too
        if isinstance(value, DictConfig) and "name" in value:
            numbers[key] = OmegaConf.create({k: v for k, v in value.items() if k != "name"})
    try:
        return instantiate(numbers, **more, _convert_="all")
    except InstantiationException as error:
        raise UserError(
            f"cannot make {node.get('name', node._target_)}: {one_line(error.__cause__ or error)}"
        ) from error


def network(node: DictConfig, task: Task, batch: int) -> nn.Module:
    """The backbone, once it has taken two of the task's inputs. Raises UserError where they do not go together."""
    dims, known = task.unlabelled.dims, parameters(node._target_)
    if known and not set(dims) <= set(known):
        raise UserError(f"backbone={node.name} is for another kind of input, without {', '.join(dims)}: choose another")
    net: nn.Module = make(node, **dims, n_classes=task.n_classes)
    two = torch.arange(2, device=task.unlabelled.device)
    (x,) = task.unlabelled.take(two).to(torch.device("cpu")).views(("plain",), torch.arange(2), torch.Generator())
    size = "x".join(map(str, x.shape[2:] or x.shape[1:]))
    with blame(f"backbone={node.name} cannot take inputs of {size}, choose another"), torch.no_grad():
        net.eval()(x)
    if batch == 1:  # batch norm has no spread of one value
        with blame(f"backbone={node.name} cannot train on protocol.batch=1 input of {size}, take more", (ValueError,)):
            deepcopy(net).train()(x[:1])
    return net.train()


def recorder() -> Recorder | None:
    """What $SSL_GRAPH=1 asks for: steps as CUDA graphs. Raises UserError where there is no GPU."""
    if not settings.graphs():
        return None
    if device().type != "cuda":
        raise UserError(f"SSL_GRAPH=1 needs a GPU, and this run is on {device()}: set SSL_GRAPH=0")
    return CudaGraphs()
