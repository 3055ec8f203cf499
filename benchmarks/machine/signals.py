"""Being asked to end. A signal sets a flag; the trainer reads it after every step, saves, and raises Stopped.

SIGINT: Ctrl-C. SIGHUP: the terminal or the ssh connection is gone (under nohup it is ignored, and stays so). SIGTERM,
SIGUSR1: a wish of somebody or of the scheduler, scancel. SIGUSR2: SLURM will take the machine away (time limit,
preemption).
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGUSR2, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
_received: list[int] = []


def asked() -> bool:
    """Has this process been asked to end since it began to listen?"""
    return bool(_received)


def received() -> list[int]:
    """Which signals came, oldest first."""
    return list(_received)


def listen(*signals: int, then: Callable[[int], None] = lambda signum: None) -> None:
    """From now on `signals` set the flag, and `then` is called; a second Ctrl-C interrupts at once."""

    def handle(signum: int, frame: FrameType | None) -> None:
        _received.append(signum)
        if signum == signal.SIGINT:
            signal.signal(signum, signal.default_int_handler)
        then(signum)

    _received.clear()
    for signum in signals:
        if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


def acknowledge(signum: int) -> None:
    """Say at once that the wish was heard: the step under way may take seconds. For `then` of `listen`."""
    again = "; once more ends it at once" if signum == signal.SIGINT else ""
    with suppress(OSError):  # the terminal may be gone
        os.write(2, f"\n{signal.Signals(signum).name}: saving after this step{again}\n".encode())


@contextmanager
def held() -> Iterator[None]:
    """Signals wait. A process started in here holds them too until it listens, so none comes too early and kills it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
