"""semilearn's FixMatch step, and its own and ours as their users run them: each in a process of its own.

In one process a peer's step has the allocator that we set, and its data are tensors that we made. Here each process has
glibc as it comes but for ours (`machine.device.tune`), and where `data` is asked for each step makes its views first:
semilearn's image by image with Pillow, in the process itself, as its loader does without workers. Steps go in turn.
"""

import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from multiprocessing.connection import Connection
from types import SimpleNamespace

import torch

from benchmarks.assemble import assemble
from benchmarks.machine.device import device, tune
from benchmarks.speed import clock
from benchmarks.speed.steps import CLASSES, LABELLED, OURS, RATIO, StepFn, batch_of, config, ours, task_of

PEER = "semilearn"
#: (numerator, denominator, whether the steps make their views), and what is wanted
APART = (
    ("fixmatch", PEER, False, None),
    ("fixmatch_bfloat16", PEER, False, None),
    ("meta_t", PEER, False, None),
    ("meta_t_bfloat16", PEER, False, 0.55),
    ("fixmatch", PEER, True, None),
    ("meta_t", PEER, True, None),
)


def semilearn(data: bool = False) -> StepFn | None:
    """The optional package's own FixMatch step (its network, loss, optimizer, EMA), on the tensors that ours has."""
    if find_spec(PEER) is None:
        return None
    from semilearn.algorithms.fixmatch.fixmatch import FixMatch
    from semilearn.core.utils import get_optimizer
    from semilearn.nets.wrn.wrn import wrn_28_2

    class Step(FixMatch):
        """Without data sets of its own: they are ours."""

        def set_dataset(self) -> None: ...
        def set_data_loader(self) -> None: ...
        def set_optimizer(self) -> tuple[torch.optim.Optimizer, None]:
            return get_optimizer(self.model, "SGD", 0.03, 0.9, 5e-4), None

    sizes = {"num_classes": CLASSES, "ulb_loss_ratio": 1.0, "num_train_iter": 1, "epoch": 1}
    intervals = {"num_eval_iter": 1, "num_log_iter": 1, "clip_grad": 0.0, "ema_m": 0.999}
    switches = {"use_cat": True, "amp": False, "resume": False, "distributed": False, "hard_label": True}
    places = {"save_name": "", "save_dir": "", "algorithm": "fixmatch", "gpu": None, "rank": 0, "world_size": 1}
    own = {"T": 0.5, "p_cutoff": 0.95, "use_pretrain": False, "pretrain_path": "", "use_tensorboard": False}
    args = SimpleNamespace(**sizes, **intervals, **switches, **places, **own, use_wandb=False, use_aim=False)
    algorithm = Step(args, wrn_28_2)
    algorithm.model.to(device()).train()
    algorithm.ema_model.to(device())
    averages, update = algorithm.hooks_dict["EMAHook"], algorithm.hooks_dict["ParamUpdateHook"]
    averages.before_run(algorithm)
    batch = batch_of(task_of(), ("weak", "strong"))
    fixed = [t.contiguous() for t in (batch.x, *batch.u)]
    views = semilearn_views() if data else None

    def step() -> None:
        x, weak, strong = (t.to(device()) for t in views()) if views else fixed
        algorithm.out_dict, algorithm.log_dict = algorithm.train_step(x, batch.y, weak, strong)
        update.after_train_step(algorithm)
        averages.after_train_step(algorithm)

    return step


def semilearn_views() -> Callable[[], tuple[torch.Tensor, ...]]:
    """Its views of one batch, labelled, weak and strong, by its data set and the transforms of its CIFAR loader."""
    from semilearn.datasets.augmentation import RandAugment
    from semilearn.datasets.cv_datasets.datasetbase import BasicDataset
    from torchvision import transforms

    start = [transforms.Resize(32), transforms.RandomCrop(32, padding=4, padding_mode="reflect")]
    start.append(transforms.RandomHorizontalFlip())
    finish = [transforms.ToTensor(), transforms.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))]
    weak, strong = (transforms.Compose([*start, *middle, *finish]) for middle in ([], [RandAugment(3, 5)]))
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (LABELLED * (1 + RATIO), 32, 32, 3), dtype=torch.uint8, generator=draw).numpy()
    known = BasicDataset("fixmatch", pixels[:LABELLED], [0] * LABELLED, CLASSES, weak)
    unknown = BasicDataset("fixmatch", pixels[LABELLED:], None, CLASSES, weak, True, strong)

    def views() -> tuple[torch.Tensor, ...]:
        labelled = torch.stack([known[k]["x_lb"] for k in range(len(known))])
        both = [unknown[k] for k in range(len(unknown))]
        return labelled, *(torch.stack([item[name] for item in both]) for name in ("x_ulb_w", "x_ulb_s"))

    return views


def with_views(overrides: str) -> StepFn:
    """Our step, which draws its batch's views first."""
    parts = assemble(config(*overrides.split()), task_of(), compiled=False)
    student, method = parts.student(), parts.method
    return lambda: student.take(method, batch_of(parts.task, method.views, method.labelled_view))


def build(name: str, data: bool) -> StepFn | None:
    if name == PEER:
        return semilearn(data)
    return with_views(OURS[name][0]) if data else ours(OURS[name][0])


def serve(name: str, data: bool, pipe: Connection) -> None:
    """Take a step whenever asked, and say how long it took; None where the package is lacking."""
    if name != PEER:
        tune()
    step = build(name, data)
    if step:
        step()  # warms up
    pipe.send(step is not None)
    while step and pipe.recv():
        start = clock.clock()
        step()
        pipe.send(clock.clock() - start)


def seconds(wanted: Sequence[tuple[str, bool]], rounds: int) -> dict[tuple[str, bool], list[float]]:
    """Seconds a step by (name, data), one entry a round, the steps of a round in turn."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[tuple[str, bool], Connection] = {}
    workers = []
    for name, data in wanted:
        here, there = context.Pipe()
        worker = context.Process(target=serve, args=(name, data, there), daemon=True)
        worker.start()
        workers.append(worker)
        if here.recv():
            pipes[name, data] = here
    found: dict[tuple[str, bool], list[float]] = {key: [] for key in pipes}
    for _ in range(rounds):
        for key, pipe in pipes.items():
            pipe.send(True)
            found[key].append(pipe.recv())
    for pipe in pipes.values():
        pipe.send(False)
    for worker in workers:
        worker.join()
    return found


def rows(rounds: int) -> list[dict[str, object]]:
    """The ratios of APART; none where semilearn is not installed."""
    if find_spec(PEER) is None:
        return []
    wanted = list(dict.fromkeys((name, data) for above, over, data, _ in APART for name in (above, over)))
    times = seconds(wanted, rounds)
    found: list[dict[str, object]] = []
    for above, over, data, target in APART:
        pair = times[above, data], times[over, data]
        name = f"apart{', with views' if data else ''}: {above}/{over}"
        medians = [statistics.median(part) for part in pair]
        found.append({"name": name, "ratio": clock.ratio(*pair), "target": target, "seconds": medians})
    return found
