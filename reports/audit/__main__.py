"""What the papers' own tables say about the papers' sentences:  python -m reports.audit

Reads reports/paper alone, writes Markdown, failing claims first, and prints a one-line summary.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine.settings import reports
from reports.audit.judge import judge, markdown, summary


def main(argv: Sequence[str] | None = None) -> None:
    """Write the page, print the summary."""
    parser = argparse.ArgumentParser(prog="reports.audit", description=__doc__.partition("\n")[0])
    out = reports() / "audit.md"
    parser.add_argument("--out", type=Path, default=out, help="Markdown file to write (default: %(default)s)")
    out = parser.parse_args(argv).out
    judged = judge()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(markdown(judged), encoding="utf-8")
    print(summary(judged))


if __name__ == "__main__":
    main()
