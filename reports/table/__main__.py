"""Tables, ours beside the published numbers:  python -m reports.table meta_t/table1 [meta_t/table2 ...|all] scale=demo

What python -m sweeps.launch was told instead of a table's name is a table, too: row=FixMatch method.lambda_u=0.5,1,2

Writes reports/out/<scale>/<name>.{md,tex,csv}, .seeds.csv (a line per run, with metric and unit), .compare.csv (ours -
published) and, where a table has a time axis, .time.csv (when each cell was read), and prints the first. Reads only the
run store. rows=measured leaves out rows and columns without a number of ours. width=240 is the width in pt that LaTeX
tables keep to: that of a column of two; otherwise 345, the article class's. best_on_test=true shows instead what the
best evaluation on the test set would have given, in files of that name; hours=true reads the tables of fixed time at
the hours that the papers print, however fast the device is.
"""

import sys
from typing import Any

from benchmarks.arguments import read
from benchmarks.errors import UserError, command
from benchmarks.machine.settings import reports, runs
from reports.table.build import build, write
from reports.table.latex import TEXT_WIDTH
from sweeps.grid import is_option, written
from sweeps.names import declared_tables, slug


def options(arguments: list[str]) -> tuple[list[str], dict[str, Any]]:
    """name ... key=value ... -> names, options. Raises UserError."""
    wanted, chosen, own = read(
        arguments,
        lambda key: is_option(key) or key in ("row", "column"),
        scale="demo",
        best_on_test=False,
        hours=False,
        rows=("all", "measured"),
        width=TEXT_WIDTH,
    )
    if own:
        wanted = [written(wanted, own)]
    if not wanted:
        raise UserError("which table? e.g. python -m reports.table meta_t/table1 scale=demo")
    return declared_tables() if wanted == ["all"] else wanted, chosen


@command
def main(arguments: list[str]) -> int:
    wanted, chosen = options(arguments)
    scale, best = chosen["scale"], chosen["best_on_test"]
    for name in wanted:
        table = build(name, scale, best, chosen["rows"], chosen["hours"])
        target = reports() / scale / (f"{slug(name)}_best_on_test" if best else slug(name))
        write(table, target, chosen["width"])
        print(table.markdown())
        print(f"{target}.md .tex .csv .seeds.csv, from the runs in {runs()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
