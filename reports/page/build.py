"""The page with everything, and a page per run, written where SSL_REPORTS says."""

import re
from contextlib import suppress
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.machine.settings import reports, runs
from reports.audit.judge import judge, summary
from reports.page import run, views
from reports.page.words import GROUPS
from reports.paper.published import PAPERS, errata
from reports.table.text import SIGNS
from sweeps.sweep import SCALES

HERE = Path(__file__).parent
WRITTEN = ("config.yaml", "metrics.jsonl", "result.json", "error.txt")  #: what a run's page shows


def environment() -> Environment:
    """The templates, with everything escaped that is put into them."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def scales(asked: str) -> list[str]:
    """The scale asked for, then the paper's and those of the runs in the store."""
    found = {asked, "paper"}
    for path in runs().glob("*/config.yaml"):
        with suppress(OSError):  # no file, or not for us to read: the tables name it
            found.update(re.findall(r"^scale: (\w+)$", path.read_text(errors="replace"), re.MULTILINE))
    return sorted(found & set(SCALES), key=lambda scale: (scale != asked, SCALES.index(scale)))


def write_run_pages(templates: Environment, uses: views.Uses, folder: Path) -> None:
    """Write the page of each run that has none, or whose result or code has changed since."""
    project = HERE.parents[1]
    code = [*HERE.rglob("*.*"), *(project / "reports" / "collect").glob("*.py"), *(project / "sweeps").rglob("*.py")]
    changed = max(path.stat().st_mtime for path in code)
    for identity, places in uses.items():
        old, own = folder / f"{identity}.html", places[0][1].run
        written = [path.stat().st_mtime for name in WRITTEN if (path := own / name).exists()]
        if not old.exists() or old.stat().st_mtime < max(changed, *written):
            run.write(templates, places, folder)


def build(scale: str) -> Path:
    """Write the whole report; its path. Raises UserError."""
    templates, uses, shown = environment(), views.Uses(), scales(scale)
    tables, figures = views.tables(shown, uses), views.figures(shown, uses)
    finished = len(uses)
    other = views.other(uses)
    judged = sorted(judge(), key=lambda pair: pair[1].holds)
    page = templates.get_template("index.html").render(
        papers=PAPERS, groups=GROUPS, scales=shown, tables=tables, figures=figures, runs=finished, other=other,
        judged=judged, summary=summary(judged), signs=SIGNS, errata=errata().to_dict("records"),
    )  # fmt: skip
    folder = reports() / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    write_run_pages(templates, uses, folder)
    path = reports() / "index.html"
    path.write_text(page, encoding="utf-8")
    return path
