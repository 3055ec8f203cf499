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
        data, code = provenance.other_data(run), provenance.other_code(run)
        if not (data or code):
            continue
        done = ""
        if settings.stale() == "anew":
            done = ": run again"
            if not dry:
                provenance.put_away(run)
        elif settings.stale() == "accept" and not data:
            done = ": accepted"
            if not dry:
                run.remember(accepted=provenance.code(run.config))
        reasons[(data or code) + (done or f". {REMEDY}")] += 1
    return [f"stale: {n} runs, {reason}" for reason, n in reasons.items()]
