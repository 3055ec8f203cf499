"""What a training step costs, as ratios of two steps timed in turn on the same machine:  make bench

WRN-28-2, 32 labelled + 192 unlabelled images of 32x32 (Meta-T, Table 6), random pixels. Prints a table and writes
reports/out/bench.json, a list of {"name": "meta_t/fixmatch", "ratio", "seconds": [a, b], "device", ...}; a ratio is the
median over rounds of the two steps' times within a round. Options: rounds=5, backbone=wrn28_2, only=meta_t,fixmatch.

`conventional` is FixMatch as public codes write it: one pass with gradient over [labelled, weak, strong], contiguous
layout. `semilearn` is the optional package's own FixMatch step on the same tensors, where it is installed.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from omegaconf import DictConfig

from benchmarks.augment import Augment
from benchmarks.build import device, make
from benchmarks.config import compose
from benchmarks.student import Student
from benchmarks.task import Split, Task
from methods.base import Batch

OUT = Path(__file__).parent.parent / "reports" / "out" / "bench.json"
LABELLED, RATIO, CLASSES = 32, 6, 10

#: name -> overrides of the run whose step is timed, and how many steps make one (Green's k)
STEPS = {
    "fixmatch": ("method=fixmatch", 1),
    "flexmatch": ("method=flexmatch", 1),
    "meta_t": ("method=meta_t", 1),
    "green_meta_t": ("method=green_meta_t", 2),
    "meta_t_finite_difference": ("method=meta_t engine=finite_difference", 1),
    "meta_t_higher": ("method=meta_t engine=higher", 1),
    "meta_semi": ("method=meta_semi", 1),
    "meta_semi_higher": ("method=meta_semi engine=higher", 1),
    "fixmatch_bfloat16": ("method=fixmatch precision=bfloat16", 1),
}
#: (name in bench.json, numerator, denominator, target)
RATIOS = (
    ("fixmatch/conventional", "fixmatch", "conventional", 0.5),
    ("fixmatch_bfloat16/conventional", "fixmatch_bfloat16", "conventional", None),
    ("flexmatch/fixmatch", "flexmatch", "fixmatch", None),
    ("meta_t/fixmatch", "meta_t", "fixmatch", 2.6),
    ("meta_t_finite_difference/fixmatch", "meta_t_finite_difference", "fixmatch", None),
    ("meta_t/higher", "meta_t", "meta_t_higher", 0.75),
    ("green_meta_t/fixmatch", "green_meta_t", "fixmatch", 1.8),
    ("meta_semi/higher", "meta_semi", "meta_semi_higher", None),
)


def task_of(cfg: DictConfig) -> Task:
    """Random images in CIFAR-10's shape."""
    augment: Augment = make(compose(["task=cifar10"]).task.augment)
    draw = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (LABELLED + LABELLED * RATIO, 3, 32, 32), dtype=torch.uint8, generator=draw)
    y = torch.arange(LABELLED) % CLASSES
    return Task(Split(x[:LABELLED], y), x[LABELLED:], CLASSES, augment).to(device())


def student_of(cfg: DictConfig, net: torch.nn.Module) -> Student:
    return Student(
        net.to(device()),
        optimizer=make(cfg.protocol.optimizer),
        schedule=make(cfg.protocol.schedule),
        decay=cfg.protocol.average,
        steps=cfg.steps,
        precision=cfg.precision,
        engine=cfg.engine,
    )


def batch_of(task: Task, views: tuple[str, ...]) -> Batch:
    """One fixed batch in the views a method asks for: what is timed is the step, not the augmentation."""
    draw = torch.Generator(task.unlabelled.device).manual_seed(0)
    i = torch.arange(len(task.labelled.y), device=task.unlabelled.device)
    j = torch.arange(len(task.unlabelled), device=task.unlabelled.device)
    u = tuple(task.augment(view, task.unlabelled, draw) for view in views)
    return Batch(task.augment("weak", task.labelled.x, draw), task.labelled.y, i, u, j)


def ours(backbone: str, overrides: str) -> Callable[[], object]:
    cfg = compose([f"backbone={backbone}", "protocol=meta_t", "scale=paper", *overrides.split()])
    torch.manual_seed(0)
    task, method = task_of(cfg), make(cfg.method)
    net = method.setup(task.facts, make(cfg.backbone, in_channels=3, n_classes=CLASSES))
    student, batch = student_of(cfg, net), batch_of(task, method.views)
    method.to(device())

    def step() -> None:
        with student.autocast():
            loss = method.loss(student, batch).loss
        student.descend(loss)

    return step


def conventional(backbone: str) -> Callable[[], object]:
    cfg = compose([f"backbone={backbone}", "protocol=meta_t", "scale=paper"])
    torch.manual_seed(0)
    task = task_of(cfg)
    student = student_of(cfg, make(cfg.backbone, in_channels=3, n_classes=CLASSES))
    net = student.net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    batch = batch_of(task, ("weak", "strong"))
    x = torch.cat([batch.x, *batch.u]).contiguous()

    def step() -> None:
        logits = net(x)
        labelled, weak, strong = logits.split([LABELLED, LABELLED * RATIO, LABELLED * RATIO])
        confidence, label = weak.detach().softmax(-1).max(-1)
        unsupervised = F.cross_entropy(strong, label, reduction="none") * (confidence >= 0.95)
        loss = F.cross_entropy(labelled, batch.y) + unsupervised.mean()
        student.optimizer.zero_grad()
        loss.backward()
        student.optimizer.step()
        with torch.no_grad():
            for mine, theirs in zip(student.average.parameters(), net.parameters(), strict=True):
                mine.mul_(student.decay).add_(theirs, alpha=1 - student.decay)

    return step


def clock() -> float:
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def measure(steps: dict[str, tuple[Callable[[], object], int]], rounds: int) -> dict[str, list[float]]:
    """Seconds a step, one entry a round, the steps of a round in turn; one round before that warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for index in range(-1, rounds):
        for name, (step, repeat) in steps.items():
            start = clock()
            for _ in range(repeat):
                step()
            if index >= 0:
                seconds[name].append((clock() - start) / repeat)
        if sys.stderr.isatty():
            print(f"round {index + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
    return seconds


def report(seconds: dict[str, list[float]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, above, below, target in RATIOS:
        if above in seconds and below in seconds:
            ratio = statistics.median(a / b for a, b in zip(seconds[above], seconds[below], strict=True))
            pair = [statistics.median(seconds[above]), statistics.median(seconds[below])]
            rows.append({"name": name, "ratio": round(ratio, 3), "seconds": pair, "target": target})
    return rows


def main(arguments: list[str]) -> int:
    options = {"rounds": "5", "backbone": "wrn28_2", "only": ""} | dict(a.split("=", 1) for a in arguments)
    wanted = set(filter(None, options["only"].split(",")))
    steps = {"conventional": (conventional(options["backbone"]), 1)}
    steps |= {name: (ours(options["backbone"], how), repeat) for name, (how, repeat) in STEPS.items()}
    steps = {name: step for name, step in steps.items() if not wanted or name in wanted}
    seconds = measure(steps, int(options["rounds"]))
    where = torch.cuda.get_device_name() if device().type == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    more = {"device": where, "backbone": options["backbone"], "rounds": len(next(iter(seconds.values())))}
    rows = [row | more for row in report(seconds)]
    print(f"{'step / step':36} {'ratio':>6} {'target':>7}   seconds   ({where}, {options['backbone']})")
    for row in rows:
        target = "" if row["target"] is None else f"<= {row['target']}"
        pair = " / ".join(f"{second:.4f}" for second in row["seconds"])
        print(f"{row['name']:36} {row['ratio']:6.2f} {target:>7}   {pair}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")
    print(OUT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
