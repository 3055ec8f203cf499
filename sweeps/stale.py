"""Runs whose data set or code has changed since: named unless $SSL_STALE says what becomes of them."""

from collections import Counter
from collections.abc import Iterable

from benchmarks import provenance
from benchmarks.machine import settings
from sweeps.sweep import Cell

REMEDY = "SSL_STALE=anew runs them again (the old folders are kept), SSL_STALE=accept takes what other code made"


def settle(cells: Iterable[Cell], dry: bool) -> list[str]:
    """What a launch does first about stale runs that are done, and says, a line per reason.

    With $SSL_STALE=anew they are put away, so that they are missing; with accept their code is taken as it is. Other
    data is never accepted. A dry launch changes nothing.
    """
    reasons: Counter[str] = Counter()
    for run in (cell.run for cell in cells if cell.run.done):
        why = provenance.stale(run)
        if not why:
            continue
        never = provenance.other_data(run)
        said = {"anew": ": run again", "accept": "" if never else ": accepted"}.get(settings.stale(), "")
        if said and not dry:
            provenance.settle(run, device="")  # of no matter to a run that is done
        reasons[why + (said or f". {REMEDY}")] += 1
    return [f"stale: {n} runs, {reason}" for reason, n in reasons.items()]
