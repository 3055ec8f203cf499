"""Draw figures:  python -m reports.figure meta_t/thresholds [meta_semi/beta ...|all] scale=demo

Writes reports/out/<scale>/<paper>/fig-<name>.{png,pdf} from what the run store holds, and says in a footnote when that
is not every run. The exit status is 1 where there is nothing to draw yet.
"""

import sys

from benchmarks.config import nearest
from benchmarks.errors import UserError, command
from reports.figure import FIGURES
from reports.figure.draw import draw, save, target
from sweeps.sweep import SCALES


def options(arguments: list[str]) -> tuple[list[str], str]:
    """Figure names and the scale. Raises UserError."""
    names, scale = [], "demo"
    for argument in arguments:
        key, separator, value = argument.partition("=")
        if separator and key != "scale":
            raise UserError(f'unknown option "{argument}". Did you mean "scale={value}"?')
        if separator:
            scale = value
        else:
            names.append(argument.replace("-", "_"))
    if scale not in SCALES:
        raise UserError(f'unknown scale "{scale}".{nearest(scale, SCALES)}')
    if not names:
        raise UserError("which figure? e.g. python -m reports.figure meta_t/thresholds scale=demo")
    for name in names:
        if name not in (*FIGURES, "all"):
            raise UserError(f'unknown figure "{name}".{nearest(name, FIGURES)}')
    return (list(FIGURES) if "all" in names else names), scale


@command
def main(arguments: list[str]) -> int:
    names, scale = options(arguments)
    status = 0
    for name in names:
        try:
            figure = draw(name, scale)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            status = 1
            continue
        path = target(name, scale)
        save(figure, path)
        print(f"{path}.png .pdf")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
