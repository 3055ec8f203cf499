"""One page with everything:  python -m reports.page scale=demo

Writes reports/out/index.html, which needs nothing from elsewhere, and reports/out/runs/<id>.html, a page per run. It
holds the scale asked for, the paper's own, and any other that has runs in the store. Tables read without JavaScript.
"""

import re
import sys
from contextlib import suppress
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.errors import UserError, command
from benchmarks.machine.settings import runs
from reports import audit, figure, run_page, views
from reports.published import PAPERS, errata
from reports.render import SIGNS
from sweeps.sweep import SCALES

HERE = Path(__file__).parent


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
    """A page per run, where there is none or what it is made of has changed."""
    code = [*HERE.glob("*.py"), *HERE.glob("templates/*"), *(HERE.parent / "sweeps").rglob("*.py")]
    changed = max(path.stat().st_mtime for path in code)
    for identity, places in uses.items():
        old, result = folder / f"{identity}.html", places[0][1].run / "result.json"
        if not old.exists() or old.stat().st_mtime < max(changed, result.stat().st_mtime):
            run_page.write(templates, places, folder)


def build(scale: str) -> Path:
    """The whole report. Raises UserError."""
    templates, uses, shown = environment(), views.Uses(), scales(scale)
    tables, figures = views.tables(shown, uses), views.figures(shown, uses)
    judged = sorted(audit.judge(), key=lambda pair: pair[1].holds)
    page = templates.get_template("index.html").render(
        papers=PAPERS, scales=shown, tables=tables, figures=figures, runs=len(uses),
        judged=judged, summary=audit.summary(judged), signs=SIGNS, errata=errata().to_dict("records"),
    )  # fmt: skip
    folder = figure.OUT / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    write_run_pages(templates, uses, folder)
    path = figure.OUT / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


@command
def main(arguments: list[str]) -> int:
    if not all("=" in argument for argument in arguments):
        raise UserError("the page has one option, e.g. python -m reports.page scale=demo")
    _, scale = figure.parse(["all", *arguments])
    print(build(scale))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
