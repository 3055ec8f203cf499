"""What a training step costs, as ratios of two steps timed in turn on the same machine:  make bench

WRN-28-2, 32 labelled + 192 unlabelled images of 32x32 (Meta-T, Table 6), random pixels. Prints a table and writes
reports/out/bench.json, a list of {"name": "meta_t/fixmatch", "ratio", "target", "seconds": [a, b], "flops": the same
ratio of convolutions' and products' operations, "device", ...}. A ratio is the median over rounds of the two steps'
times within a round; "memory: ..." is of what a step's tensors take at most, "resident: ..." of what its process does.
Options: rounds=5 backbone=wrn28_2 only=meta_t,fixmatch memory=yes.

`conventional` is FixMatch as public codes write it, `semilearn` the optional package's own FixMatch step, where it is
installed; "apart: ..." has each in a process of its own, as users run them (`benchmarks.speed.peers`). `pillow` makes
the strong views one by one, on one core, as `strong_views` here.
"""

import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import Any

from benchmarks.errors import command
from benchmarks.machine.device import device, tune
from benchmarks.speed import clock, peers
from benchmarks.speed.options import parse
from benchmarks.speed.steps import OURS, StepFn, conventional, ours, pillow_views, strong_views

#: (numerator, denominator, target)
RATIOS = (
    ("fixmatch", "conventional", 0.37),
    ("fixmatch", "semilearn", 0.35),
    ("fixmatch_bfloat16", "conventional", None),
    ("flexmatch", "fixmatch", None),
    ("meta_t", "fixmatch", 2.0),
    ("meta_t_lagged", "fixmatch", None),
    ("meta_t_finite_difference", "fixmatch", None),
    ("meta_t", "higher", 0.5),
    ("meta_t", "semilearn", 0.7),
    ("meta_t_bfloat16", "fixmatch_bfloat16", None),
    ("green_meta_t", "fixmatch", 1.5),
    ("meta_semi", "higher", 0.5),
)
MEMORY = ("fixmatch", "meta_t", "conventional")
MEMORY_TARGET = 1.2  #: Meta-T's peak over FixMatch's


def build(name: str, backbone: str) -> tuple[StepFn, int] | None:
    """A step by name, and how many make one; None where an optional package is lacking."""
    if name == "conventional":
        return conventional(backbone), 1
    if name == "semilearn":
        step = peers.semilearn() if backbone == "wrn28_2" else None
        return step and (step, 1)
    overrides, repeat = OURS[name]
    return ours(f"{overrides} backbone={backbone}"), repeat


def below(above: str, name: str) -> str:
    """meta_t/higher is over meta_t_higher, meta_semi/higher over meta_semi_higher."""
    return f"{above}_higher" if name == "higher" else name


def memory_of(name: str, backbone: str) -> dict[str, int]:
    tune()
    built = build(name, backbone)
    if not built:
        return {}
    on_gpu = device().type == "cuda"
    return {"memory": clock.peak(built[0])} | ({} if on_gpu else {"resident": clock.resident(built[0])})


def memories(names: list[str], backbone: str) -> dict[str, dict[str, int]]:
    """Memory of steps, each in a process of its own."""
    found = {}
    for name in names:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            found[name] = pool.submit(memory_of, name, backbone).result()
    return found


def rows(backbone: str, rounds: int, wanted: set[str], with_memory: bool) -> list[dict[str, Any]]:
    names = {name for a, b, _ in RATIOS for name in (a, below(a, b))}
    chosen = [name for name in (*OURS, "conventional", "semilearn") if name in names and (not wanted or name in wanted)]
    steps = {name: built for name in chosen if (built := build(name, backbone))}
    seconds = clock.seconds(steps, rounds)
    flops = {name: clock.flops(step) for name, (step, repeat) in steps.items() if repeat == 1}
    found: list[dict[str, Any]] = []
    for above, over, target in RATIOS:
        pair = above, below(above, over)
        if set(pair) <= set(seconds):
            row = {"name": f"{above}/{over}", "ratio": clock.ratio(*(seconds[name] for name in pair)), "target": target}
            row["seconds"] = [statistics.median(seconds[name]) for name in pair]
            if set(pair) <= set(flops):
                row["flops"] = round(flops[pair[0]] / flops[pair[1]], 3)
            found.append(row)
    if with_memory:
        peak = memories([name for name in MEMORY if name in steps], backbone)
        for kind, name in product(("memory", "resident"), MEMORY[1:]):
            pair_of = [peak.get(step, {}).get(kind) for step in (name, "fixmatch")]
            if pair_of[0] and pair_of[1]:
                row = {"name": f"{kind}: {name}/fixmatch", "ratio": round(pair_of[0] / pair_of[1], 3)}
                target = MEMORY_TARGET if (kind, name) == ("memory", "meta_t") else None
                found.append(row | {"target": target, "bytes": pair_of})
    return found


def views(rounds: int) -> dict[str, Any]:
    """Strong views of 192 images against Pillow's, on one core."""
    with clock.threads(1):
        seconds = clock.seconds({"strong_views": (strong_views(), 5), "pillow": (pillow_views(), 1)}, 2 * rounds)
    pair = [seconds["strong_views"], seconds["pillow"]]
    medians = [statistics.median(part) for part in pair]
    return {"name": "strong_views/pillow", "ratio": clock.ratio(*pair), "target": 0.1, "seconds": medians}


def show(found: list[dict[str, Any]]) -> str:
    lines = [f"{'step / step':36} {'ratio':>6} {'target':>8} {'flops':>6}   seconds"]
    for row in found:
        target = "" if row["target"] is None else f"<= {row['target']:g}"
        pair = " / ".join(f"{second:.4f}" for second in row.get("seconds", ()))
        pair = pair or " / ".join(f"{size / 1e6:.0f} MB" for size in row["bytes"])
        lines.append(f"{row['name']:36} {row['ratio']:6.2f} {target:>8} {row.get('flops', ''):>6}   {pair}")
    return "\n".join(lines)


@command
def main(arguments: list[str]) -> int:
    options, _ = parse(arguments, rounds=5, backbone="wrn28_2", only="", memory="yes")
    tune()
    rounds, backbone = options["rounds"], options["backbone"]
    found = rows(backbone, rounds, set(filter(None, options["only"].split(","))), options["memory"] == "yes")
    if not options["only"]:
        found.append(views(rounds))
        found += peers.rows(rounds) if backbone == "wrn28_2" else []
    more = {"device": clock.where(), "backbone": backbone, "rounds": rounds}
    print(f"{more['device']}, {backbone}, {rounds} rounds\n{show(found)}")
    clock.save("bench.json", [row | more for row in found])
    return 0
