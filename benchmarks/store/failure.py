"""Why a run failed stays in its folder, whoever carried it out: error.txt, with the traceback of a bug."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks.errors import UserError
from benchmarks.store.claim import Claimed
from benchmarks.store.run import Run


@contextmanager
def noted(run: Run) -> Iterator[None]:
    """A context whose faults are written down and raised on; being stopped is none, nor is another's claim."""
    try:
        yield
    except Claimed:
        raise
    except UserError as error:
        _write(run, f"error: {error}\n")
        raise
    except Exception:
        _write(run, traceback.format_exc())
        raise


def _write(run: Run, text: str) -> None:
    """Unless the run is done, there is no folder, or the disk is full."""
    with suppress(OSError):
        if not run.done:
            (run / "error.txt").write_text(text)
