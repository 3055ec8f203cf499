"""Kill runs at random, many times, and see what is left:  python -m tests.faults [runs] [seed]

Every method on digits. Each run is carried out once in peace and once under fire: SIGKILL at a random moment by the
clock, SIGHUP (a closed terminal, after which it saves and ends) likewise, and SIGKILL from within while a file is
written, flushed, renamed or removed. Every other run saves by the clock, at whatever step that falls on; the rest at
their evaluations. Then both must hold the same bits: metrics, pseudo-labels, weights. The last line is
kills=K hangups=H resumes=R runs=N lost=L differing=D; the exit status is 1 unless lost and differing are 0.
"""

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.config import compose, options, plain
from benchmarks.errors import Stopped
from benchmarks.machine import signals
from benchmarks.run import execute
from benchmarks.store import checkpoint, disk
from benchmarks.store import run as store
from benchmarks.store.run import Run
from tests.outcomes import outcome

SIZE = ("scale=smoke", "steps=24", "protocol.eval_every=3")  # a checkpoint at each of 8 evaluations
KILLS = 4  #: of one run at most, hang-ups among them
HUNG = 3  #: the exit status of a run that was asked to end
OFTEN = "0.05"  #: seconds between two checkpoints of a run that saves by the clock
SLOW = ("meta_semi_assumption",)  # meta_semi with a measurement that takes half a minute an evaluation


def fork(work: Callable[[], Any]) -> int:
    """A child with everything imported already; its exit status is 0 when `work` returns, HUNG when it was stopped."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signals.listen(signal.SIGHUP)
        work()
        status = 0
    except Stopped:
        status = HUNG
    finally:
        os._exit(status)


def die_at(call: int, rng: random.Random) -> None:
    """This process kills itself at its call-th write to the store: before it, after it, or half way through."""
    left = call

    def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0 and rng.random() < 0.5:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = function(*arguments, **more)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return wrapped

    def half_written(path: Path, content: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            path.write_bytes(bytes(content)[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    whole = disk.write_atomically

    def write_atomically(path: Path, content: Any) -> None:
        half_written(path.with_name(f".{path.name}.{os.getpid()}"), content)
        whole(path, content)

    store.write_atomically = checkpoint.write_atomically = write_atomically
    os.fsync = deadly(os.fsync)  # type: ignore[assignment]
    Path.replace = deadly(Path.replace)  # type: ignore[assignment, method-assign]
    Path.unlink = deadly(Path.unlink)  # type: ignore[assignment, method-assign]


def torment(cfg: Any, peace: float, rng: random.Random) -> tuple[int, int, int]:
    """(kills, hang-ups, resumes) of one run; it may end without a result, which the caller counts as lost."""
    kills = hangups = resumes = 0
    run = Run(plain(cfg))
    while kills + hangups < 3 * KILLS:
        again = kills + hangups > 0
        resumes += again and any(run.folder.glob("checkpoint*.pt"))

        def work(seed: int = rng.getrandbits(32), last: bool = kills + hangups >= KILLS) -> None:
            own = random.Random(seed)
            if not last and own.random() < 0.5:
                die_at(own.randint(1, 70), own)
            execute(cfg, stop=signals.asked)

        child = fork(work)
        if kills + hangups < KILLS:
            _await(child, rng.uniform(0, 1.2) * peace, rng.choice((signal.SIGKILL, signal.SIGHUP)))
        _, status = os.waitpid(child, 0)
        killed, hung = os.WIFSIGNALED(status), os.waitstatus_to_exitcode(status) == HUNG
        if not killed and not hung:
            break
        kills, hangups = kills + killed, hangups + hung
    return kills, hangups, resumes


def _await(child: int, seconds: float, signum: int) -> None:
    """That signal after so many seconds, unless it has ended by then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.005)
    os.kill(child, signum)


def main(runs: int = 50, seed: int = 0) -> int:
    torch.set_num_threads(1)
    os.environ["SSL_DEVICE"] = "cpu"
    rng = random.Random(seed)
    names = [name for name in options("method") if name not in SLOW]
    kills = hangups = resumes = lost = differing = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SSL_RUNS"] = f"{folder}/before"
        for name in ("supervised", "meta_t"):  # whatever is imported late is imported before the first fork
            execute(compose((*SIZE, f"method={name}", "steps=2")))
        for k in range(runs):
            name = names[k % len(names)]
            cfg = compose((*SIZE, f"method={name}", f"seed={k // len(names)}"))
            os.environ["SSL_RUNS"] = f"{folder}/peace"
            start = time.monotonic()
            os.waitpid(fork(lambda cfg=cfg: execute(cfg)), 0)  # type: ignore[misc]
            peace, reference = time.monotonic() - start, Run(plain(cfg))
            os.environ |= {"SSL_RUNS": f"{folder}/war", "SSL_CHECKPOINT": OFTEN if k % 2 else "0"}
            killed, hung, resumed = torment(cfg, peace, rng)
            tried = Run(plain(cfg))
            kills, hangups, resumes = kills + killed, hangups + hung, resumes + resumed
            same = tried.done and reference.done and outcome(tried) == outcome(reference)
            lost += not tried.done
            differing += tried.done and not same
            left = [path.name for path in tried.folder.iterdir() if path.name.startswith((".", "checkpoint"))]
            verdict = "lost" if not tried.done else "same bits" if same else "DIFFERS"
            print(
                f"{name}, seed {k // len(names)}: {killed} kills, {hung} hang-ups, {resumed} resumes, {verdict} {left}",
                flush=True,
            )
    print(f"kills={kills} hangups={hangups} resumes={resumes} runs={runs} lost={lost} differing={differing}")
    return 1 if lost or differing else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
