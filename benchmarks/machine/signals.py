"""Being asked to end. A signal sets a flag; the trainer reads it at every step boundary, saves, and raises Stopped.

SIGUSR2: SLURM will take the machine away (time limit, preemption); SIGTERM: the same, or scancel; SIGINT: Ctrl-C.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGUSR2, signal.SIGTERM)
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
        signal.signal(signum, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


@contextmanager
def held() -> Iterator[None]:
    """Signals wait. A process started in here holds them too until it listens, so none comes too early and kills it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
