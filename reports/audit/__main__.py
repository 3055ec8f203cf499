"""Check the published numbers and what the run store holds:  python -m reports.audit [out=FILE]

Of the papers: what their own tables say about their sentences, as Markdown, failing claims first, in
reports/out/audit.md. Of the store: that each run is whole, and that its result follows from its evaluations. Prints a
line of each, and each run that is broken; the exit status is then 1.
"""

import sys
from pathlib import Path

from benchmarks.arguments import read
from benchmarks.errors import UserError, command
from benchmarks.machine.settings import reports
from reports.audit import store
from reports.audit.judge import judge, markdown, summary


@command
def main(arguments: list[str]) -> int:
    words, options, _ = read(arguments, out=str(reports() / "audit.md"))
    if words:
        raise UserError(f'the audit takes no "{words[0]}", only out=FILE')
    out = Path(options["out"])
    judged = judge()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(markdown(judged), encoding="utf-8")
    print(f"{summary(judged)} ({out})")
    said, faults = store.audit()
    print(said)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
