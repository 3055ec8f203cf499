"""Meta-Semi, Table 3. ICT's own beta for SVHN is 0.1 (Verma et al. 2019); Meta-Semi's is chosen (erratum S3)."""

from sweeps.meta_semi import CHOICES, DIGITS, ROWS, SVHN
from sweeps.sweep import Sweep, pick
from sweeps.tuned import tuned

COLUMNS = {f"SVHN/{n}": f"{SVHN} task.labels={n}" for n in (500, 1000)}

ROWS_HERE = pick(
    ROWS, *("VAT", "Π-Model", "Temp-ensemble", "Mean Teacher", "ICT", "SNTG", "Meta-Semi", "Meta-Semi + ICT")
)

SWEEP = Sweep(
    caption="Test errors (%) on SVHN with varying amount of labelled data.",
    demo_caption="Test errors (%) on digits with varying amount of labelled data.",
    rows=ROWS_HERE,
    baseline="ICT",
    columns=COLUMNS,
    choices=CHOICES,
    demo={f"digits/{n}": f"{DIGITS} task.labels={n}" for n in (10, 40)},
    single=tuned(ROWS_HERE, COLUMNS),
    absent=frozenset({("VAT", "SVHN/500")}),
)
