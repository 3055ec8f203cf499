"""Tables, ours beside the published numbers:  python -m reports.table meta_t/table1 [meta_t/table2 ...|all] scale=demo

Writes reports/out/<scale>/<name>.{md,tex,csv}, .compare.csv (ours - published) and, where a table has a time axis,
.time.csv (when each cell was read), and prints the first. Reads only the run store. best_on_test=true shows instead
what the best evaluation on the test set would have given, in files of that name; hours=true reads the tables of fixed
time at the hours that the papers print, however fast the device is.
"""

import sys

from benchmarks.config import nearest
from benchmarks.errors import UserError, command
from benchmarks.machine.settings import reports, runs
from reports.paper.published import PAPERS
from reports.table.build import build, write
from sweeps.sweep import names


def options(arguments: list[str]) -> tuple[list[str], str, bool, bool]:
    """name ... key=value ... -> names, scale, best_on_test, hours. Raises UserError."""
    chosen = {"scale": "demo", "best_on_test": "false", "hours": "false"}
    wanted = [argument for argument in arguments if "=" not in argument]
    for argument in (argument for argument in arguments if "=" in argument):
        key, _, value = argument.partition("=")
        if key not in chosen:
            raise UserError(f'unknown option "{argument}".{nearest(key, list(chosen))}')
        chosen[key] = value
    if not wanted:
        raise UserError("which table? e.g. python -m reports.table meta_t/table1 scale=demo")
    for key in ("best_on_test", "hours"):
        if chosen[key] not in ("true", "false"):
            raise UserError(f"{key}={chosen[key]} is not possible: it must be true or false")
    if wanted == ["all"]:
        wanted = [name for paper in PAPERS for name in names() if name.startswith(f"{paper}/table")]
    return wanted, chosen["scale"], chosen["best_on_test"] == "true", chosen["hours"] == "true"


@command
def main(arguments: list[str]) -> int:
    wanted, scale, best_on_test, hours = options(arguments)
    for name in wanted:
        table = build(name, scale, best_on_test, hours)
        target = reports() / scale / (f"{name}_best_on_test" if best_on_test else name)
        write(table, target)
        print(table.markdown())
        print(f"{target}.md .tex .csv, from the runs in {runs()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
