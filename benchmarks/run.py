"""One configuration -> one run directory. The only way anything runs:

    python -m benchmarks.run method=meta_t task=cifar10 task.labels=40 scale=paper seed=0

Launch settings, which are no part of a run: SSL_DATA and SSL_RUNS (folders), SSL_DEVICE (cpu, cuda, cuda:1),
SSL_CHECKPOINT (seconds between two checkpoints).
"""

import os
import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from benchmarks import task as tasks
from benchmarks.config import GROUPS, compose, options, plain
from benchmarks.errors import UserError
from benchmarks.evaluate import final_pass
from benchmarks.store import Run, environment
from benchmarks.student import Student
from benchmarks.trainer import Trainer


def make(node: DictConfig, **more: Any) -> Any:
    """What `_target_` names, with the node's numbers; `name` is only the choice's name."""
    settings = {key: value for key, value in node.items() if key != "name"}
    for key, value in settings.items():  # a nested method or backbone has a name too
        if isinstance(value, DictConfig) and "name" in value:
            settings[key] = OmegaConf.create({k: v for k, v in value.items() if k != "name"})
    try:
        return instantiate(settings, **more, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__ or error
        raise UserError(f"cannot make {node.get('name', node._target_)}: {' '.join(str(cause).split())}") from error


def device() -> torch.device:
    """$SSL_DEVICE, or the GPU where there is one."""
    return torch.device(os.environ.get("SSL_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu"))


def execute(
    cfg: DictConfig,
    report: Callable[[dict[str, Any]], None] = lambda row: None,
    stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Carry out one run, or go on with it, or find it done. Raises UserError."""
    run = Run(plain(cfg))
    if run.done:
        return run
    run.open(environment(str(device()), torch.get_num_threads()))

    torch.manual_seed(cfg.seed)
    settings = {key: value for key, value in plain(cfg.task).items() if key != "augment"}
    task, answers = tasks.build(**settings, seed=cfg.seed, augment=make(cfg.task.augment))
    net = make(cfg.backbone, in_channels=task.unlabelled.shape[1], n_classes=task.n_classes)
    method = make(cfg.method)
    protocol = cfg.protocol

    def make_student(net: torch.nn.Module) -> Student:
        return Student(
            net,
            optimizer=make(protocol.optimizer),
            schedule=make(protocol.schedule),
            decay=protocol.average,
            steps=cfg.steps,
            precision=cfg.precision,
            engine=cfg.engine,
        )

    trainer = Trainer(
        run,
        task.to(device()),
        answers.to(device()),
        make_student=make_student,
        batch=protocol.batch,
        ratio=protocol.ratio,
        eval_every=protocol.eval_every,
        seed=cfg.seed,
        checkpoint_every=float(os.environ.get("SSL_CHECKPOINT", "300")),
        report=report,
        stop=stop,
    )
    student = method.fit(trainer, net)
    run.write_pseudo(final_pass(method, student.average, trainer.task, trainer.answers))
    run.finish(result(run, trainer.seconds, answers.fingerprint, protocol.report))
    for path in run.folder.glob("checkpoint*.pt"):
        path.unlink()
    return run


def result(run: Run, seconds: float, fingerprint: str, report: str) -> dict[str, Any]:
    """result.json: the last evaluation, and each metric as `last`, `median_last_20` and `best_on_test`.

    `report` names which of these the protocol's papers print.
    """
    rows = run.rows()
    summary: dict[str, Any] = {
        name: {
            "last": rows[-1][name],
            "median_last_20": statistics.median(row[name] for row in rows[-20:]),
            "best_on_test": min(row[name] for row in rows),
        }
        for name in ("error", "top5", "balanced", "validation")
        if name in rows[-1]
    }
    return {
        "report": report,
        **summary,
        "recall": rows[-1]["recall"],
        "steps": rows[-1]["step"],
        "seconds": round(seconds, 3),
        "split": fingerprint,
    }


def usage() -> str:
    choices = "\n".join(f"  {group}={'|'.join(options(group))}" for group in GROUPS)
    return f"{__doc__}\n{choices}\n\nseed=N, steps=N and any other option below:\n\n{OmegaConf.to_yaml(compose())}"


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(usage())
        return 0
    try:
        cfg = compose(arguments)
        print(
            f"{cfg.method.name} on {cfg.task.name}/{cfg.task.labels}, {cfg.backbone.name}, {cfg.steps:,} steps "
            f"(scale {cfg.scale}, seed {cfg.seed}), {device()}: run {Run(plain(cfg)).id}"
        )
        run = execute(
            cfg, lambda row: print(f"step {row['step']:>8,}   error {row['error']:6.2f} %   {row['seconds']:8.1f} s")
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"done: {run.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
