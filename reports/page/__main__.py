"""One page with everything:  python -m reports.page scale=demo

Writes reports/out/index.html, which needs nothing from elsewhere, and reports/out/runs/<id>.html, a page per run. It
holds the scale asked for, the paper's own, and any other that has runs in the store. Tables read without JavaScript.
"""

import sys

from benchmarks.config import nearest
from benchmarks.errors import UserError, command
from reports.page.build import build
from sweeps.sweep import SCALES


@command
def main(arguments: list[str]) -> int:
    scale = "demo"
    for argument in arguments:
        key, _, scale = argument.partition("=")
        if key != "scale":
            raise UserError("the page has one option, e.g. python -m reports.page scale=demo")
    if scale not in SCALES:
        raise UserError(f'unknown scale "{scale}".{nearest(scale, SCALES)}')
    print(build(scale))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
