"""One configuration -> one run directory. The only way anything runs:

    python -m benchmarks.run method=meta_t task=cifar10 task.labels=40 scale=paper seed=0

Ctrl-C and what SLURM sends (SIGTERM, SIGUSR1, SIGUSR2), and a closed terminal (SIGHUP), save first; the same command
goes on. Launch settings are environment variables, and no part of a run:
"""

import signal
import sys

from benchmarks.machine import settings, signals, terminal

if __name__ == "__main__":  # before torch is imported, which takes seconds
    signals.listen(signal.SIGINT, *signals.SIGNALS, then=signals.acknowledge)

from collections.abc import Callable
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from benchmarks.assemble import assemble, recorder
from benchmarks.config import GROUPS, compose, options, plain
from benchmarks.errors import UserError, one_line
from benchmarks.machine.device import device, tune
from benchmarks.machine.progress import Progress
from benchmarks.provenance import made_of, settle, stale
from benchmarks.store import model
from benchmarks.store.claim import Claim
from benchmarks.store.environment import environment
from benchmarks.store.events import also
from benchmarks.store.failure import noted
from benchmarks.store.result import digest, result
from benchmarks.store.run import Run
from benchmarks.training.evaluation import evaluate, final_pass, predictions
from benchmarks.training.selection import REPORT, Selection
from benchmarks.training.trainer import Trainer


def execute(
    cfg: DictConfig,
    report: Callable[[dict[str, Any]], None] = lambda row: None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, torch.Tensor], None] = lambda step, loss: None,
) -> Run:
    """Carry out one run, or go on with it, or find it done.

    Raises UserError; Claimed where another process is at it; Stopped, with a checkpoint, soon after `stop` says so.
    Why a run failed that had begun stays in its error.txt.
    """
    run = Run(plain(cfg))
    settle(run, str(device()))
    if run.done:
        run.tidy()  # it may have been killed just before
        return run
    run.make()
    with noted(run), Claim(run.folder, stop) as claim:

        def asked() -> bool:
            claim.check()
            return stop()

        if not run.done:  # it may be by now: taking a claim can take a while
            _carry_out(run, cfg, asked, report=report, progress=progress)
    return run


def _carry_out(run: Run, cfg: DictConfig, stop: Callable[[], bool], **watchers: Callable[..., None]) -> None:
    launch = {"compiled": settings.compiled(), "graphs": settings.graphs()}
    run.open(environment(str(device()), torch.get_num_threads(), launch) | made_of(run.config))
    (run / "error.txt").unlink(missing_ok=True)

    tune()
    parts = assemble(cfg)
    task, answers, method = parts.task, parts.answers, parts.method
    assert answers  # the task is the configuration's own
    if cfg.protocol.report == REPORT and not answers.validation:
        raise UserError(f"protocol.report={REPORT} needs a validation set: say task.validation=..., a number of images")
    selection = Selection(run, answers) if cfg.protocol.report == REPORT else None
    if settings.tensorboard():
        watchers["report"] = also(run, watchers["report"])
    trainer = Trainer(
        run,
        task,
        steps=cfg.steps,
        make_student=lambda net, steps, schedule: parts.student(net, steps, schedule),  # no way to the answers
        hidden=lambda j: answers.hidden[j],
        grade=selection or (lambda net: evaluate(net, answers)),
        batch=cfg.protocol.batch,
        ratio=cfg.protocol.ratio,
        eval_every=cfg.protocol.eval_every,
        seed=cfg.seed,
        checkpoint_every=settings.checkpoint_seconds(),
        stop=stop,
        recorder=recorder(),
        **watchers,
    )
    student = method.fit(trainer, parts.net)
    trainer.finish()
    run.write("pseudo.csv.gz", final_pass(method, student.graded, task.unlabelled, answers))
    net = selection.best(student.graded) if selection else student.graded
    if answers.test:
        run.write("predictions.csv.gz", predictions(net, answers.test, answers.tested))
    if settings.models():
        model.save(run, net, answers.classes, task.labelled.y, task.labelled.x.shape)
    stop()  # a claim that was lost meanwhile raises here
    weights = {"weights": digest(student.net, student.graded, method)}
    chosen = selection.row if selection else None
    ended = result(run, trainer.watch.read(), answers.fingerprint, cfg.protocol.report, answers.classes, chosen)
    run.finish(ended | weights)


def usage() -> str:
    variables = (settings.__doc__ or "").partition("\n\n")[2]
    choices = "\n".join(f"  {group}={'|'.join(options(group))}" for group in GROUPS)
    every = OmegaConf.to_yaml(compose())
    return f"{__doc__}\n{variables}\n{choices}\n\nseed=N, steps=N and any other option below:\n\n{every}"


def line(row: dict[str, Any]) -> str:
    where = "error" if row["error"] is not None else "validation" if "validation" in row else ""
    said = f"{where} {row[where]:6.2f} %" if where else "neither test nor validation set"
    return f"step {row['step']:>8,}   {said}   {row['seconds']:8.1f} s"


def main(arguments: list[str]) -> int:
    terminal.readable()
    if {"-h", "--help"} & set(arguments):
        terminal.say(usage())
        return 0
    try:
        cfg = compose(arguments)
        terminal.say(
            f"{cfg.method.name} on {cfg.task.name}/{cfg.task.labels}, {cfg.backbone.name}, {cfg.steps:,} steps "
            f"(scale {cfg.scale}, seed {cfg.seed}), {device()}: run {Run(plain(cfg)).id}"
        )
        progress = Progress(cfg.steps)
        try:
            run = execute(cfg, lambda row: progress.say(line(row)), signals.asked, progress)
        finally:
            progress.close()
    except UserError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        terminal.say(f"interrupted: {str(error) or 'at once'}; the same command goes on from the last checkpoint")
        return 130
    why = stale(run)
    note = f" ({why}: SSL_STALE=anew runs it again, SSL_STALE=accept takes it as it is)" if why else ""
    terminal.say(f"done: {run.folder}{note}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
