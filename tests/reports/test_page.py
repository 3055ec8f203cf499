"""The report, opened in a real browser: a tiny store, tables, images, links, no errors; on a desk and on a phone."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.config import resolve
from reports.page import build, charts, views
from reports.page.__main__ import main
from sweeps.grid import load
from sweeps.sweep import Cell

TABLES = ["meta_t/table1", "meta_semi/table5"]
SHOWN = ("meta_t/surrogate", "meta_t/pseudo_labels", "meta_t/thresholds", "meta_semi/assumption", "findings/meta_semi")
STRAY, BEGUN = (Cell("dash", "digits/40", k, (), resolve(["method=dash", f"seed={k}"])) for k in (7, 8))
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --v=0 --virtual-time-budget=20000 --dump-dom"
)
CHECK = """<script>addEventListener("load", () => {
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.offsetParent !== null);
  const told = {title: document.title, tables: shown("table").length, lines: shown("polyline").length,
    images: shown("img").map((i) => i.naturalWidth), wide: document.documentElement.scrollWidth > innerWidth,
    scales: [...new Set(shown("[data-scale]").map((e) => e.dataset.scale))]};
  document.querySelector(".filter button[value='']")?.click();
  told.all = [...new Set(shown("[data-scale]").map((e) => e.dataset.scale))];
  parent.postMessage(JSON.stringify(told), "*");
});</script>"""
WRAPPER = """<!DOCTYPE html><link rel="icon" href="data:,"><body><script>addEventListener("message", (e) => {
  document.body.appendChild(document.createElement("pre")).textContent = e.data; });</script>"""


def finish(cell: Cell, recall: float = 0.9) -> None:
    """A finished run, made by hand."""
    run, steps = cell.run, cell.config["steps"]
    versions = {"python": "3.11", "torch": "2.11"}
    run.open({"commit": "c0ffee", "dirty": True, "device": "cpu", "threads": 1, "versions": versions, "started": "now"})
    for step in (steps // 2, steps):
        row = {"step": step, "seconds": step / 10, "lr": 0.1, "error": 900 / step + cell.seed, "top5": 0.0}
        row |= {"balanced": 5.0, "recall": [recall] * 10, "correct": 0.9, "wrong": 0.05, "threshold": 0.7, "ratio": 1.0}
        run.append(row)
    columns = {
        "index": range(10),
        "hidden": range(10),
        "label": range(10),
        "confidence": [0.9] * 10,
        "threshold": [0.8] * 10,
    }
    run.write("pseudo.csv.gz", columns | {"selected": [1] * 10})
    error = {"last": 5.0 + cell.seed, "median_last_20": 5.5 + cell.seed, "best_on_test": 4.0}
    result = {"report": "median_last_20", "error": error, "balanced": error, "recall": [recall] * 10}
    run.finish(result | {"steps": steps, "seconds": steps / 10, "split": "abc"})


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """reports/out of a store with two of Meta-T's seeds and one of FixMatch's; the latter's second is broken."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_RUNS", str(folder / "runs"))
        patch.setenv("SSL_REPORTS", str(folder / "out"))
        patch.setattr(views, "FIGURES", SHOWN)
        patch.setattr(views, "declared_tables", lambda: TABLES)
        for cell in load(TABLES[0]).cells("demo"):
            if cell.column == "digits/40" and cell.row in ("Meta-T", "FixMatch") and cell.seed < 2:
                finish(cell)
                if (cell.row, cell.seed) == ("FixMatch", 1):
                    (cell.run / "result.json").write_text("{")
        finish(STRAY)
        BEGUN.run.open({"commit": "c0ffee", "command": ["/x/benchmarks/run.py", "seed=8"]})
        BEGUN.run.append({"step": 20, "seconds": 1.0, "error": 50.0})
        (BEGUN.run / "error.txt").write_text("Traceback\nValueError: of a kind\n")
        build.build("demo")
    return folder / "out"


@pytest.fixture(scope="module")
def html(report):
    return (report / "index.html").read_text()


class Tables(HTMLParser):
    """The text of all cells of all tables, row by row."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.inside = False
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.tables[-1][-1][-1] += data


def rows_of(table) -> dict[str, list[str]]:
    return {line[0].strip(): [" ".join(cell.split()) for cell in line[1:]] for line in table}


def test_tables_read_without_javascript(html):
    demo, paper, *_ = map(rows_of, Tables(html).tables)
    assert demo[""] == ["digits/10", "digits/40"]
    assert demo["Meta-T"][1] == "6.00 ±0.71 2 of 3: seeds 0 · 1"
    assert demo["FixMatch"][1] == "5.50 1 of 3: seed 0"
    assert 'row="Meta-T" column="digits/10"' in demo["Meta-T"][0]
    assert paper["Meta-T"][0].endswith("paper 4.39 ±0.28")
    assert 'row="Π-Model" column="CIFAR-10/250" paper 54.26 ±3.97' in paper["Π-Model"][1]
    assert paper["Π-Model"][0] == "–"
    assert "Not implemented: Π-Model" not in html


def test_a_group_of_figures_alone_has_its_place(html):
    """What the papers leave open has figures and no table."""
    assert "<h2>What the papers leave open</h2>" in html
    assert 'href="#findings-meta_semi"' in html and '<h3 id="findings-meta_semi">' in html
    assert "Your own tables" not in html, "there are none"


def test_faults_commands_audit_and_errata_are_there(html):
    text = unescape(html)
    assert "Skipped: " in text and "result.json" in text
    assert "python -m sweeps.launch meta_semi/assumption scale=demo" in text
    assert "drawn" not in rows_of(Tables(html).tables[0])
    ids = set(re.findall(r'<tr id="([TS]\d+)"', html))
    cited = set(re.findall(r'href="#([TS]\d+)"', html))
    assert cited and cited <= ids
    anchors = set(re.findall(r'href="#([\w-]+)"', html))
    assert anchors <= set(re.findall(r'id="([\w-]+)"', html))


def test_nothing_is_fetched_from_elsewhere(html, report):
    for source in (html, *(path.read_text() for path in (report / "runs").iterdir())):
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', source)
        assert not re.findall(r"url\(|@import|<link(?! rel=\"icon\" href=\"data:)", source)
    assert html.count('src="data:image/png;base64,') == 3


def test_links_to_runs_resolve(html, report):
    links = set(re.findall(r'href="(runs/\w+\.html)"', html))
    assert len(links) == 6, "of Meta-T's two, FixMatch's one and its broken one, and two that no table shows"
    assert {f"runs/{path.name}" for path in (report / "runs").iterdir()} == links
    for file in re.findall(r'href="(demo/[^"]+)"', html):
        assert (report / file).exists()
    shown = next(c.run.id for c in load(TABLES[0]).cells("demo") if (c.row, c.column) == ("Meta-T", "digits/40"))
    source = unescape((report / "runs" / f"{shown}.html").read_text())
    for told in (
        "c0ffee, and uncommitted changes",
        "python -m benchmarks.run scale=demo",
        "<polyline",
        "weight_decay:",
    ):
        assert told in source
    assert 'href="../index.html#meta_t-table1">Meta-T, Table 1</a>' in source
    assert "Meta-T, Fig. 5: thresholds</a>" in source


def test_every_run_of_the_store_has_a_page(html, report):
    listed = rows_of(next(table for table in Tables(html).tables if table[0][0] == "Run"))
    assert listed[STRAY.run.id] == ["dash", "digits/40", "tiny", "demo", "7", "400", "12.50"]
    assert listed[BEGUN.run.id][-1] == "not finished"
    page = unescape((report / "runs" / f"{BEGUN.run.id}.html").read_text())
    assert "20 of 400, not finished: ValueError: of a kind" in page
    assert "python -m benchmarks.run seed=8" in page and "no table" in page
    assert "Recall per class" in (report / "runs" / f"{STRAY.run.id}.html").read_text()


def test_what_comes_from_the_store_is_escaped():
    templates = build.environment()
    cell = next(iter(load(TABLES[0]).cells("demo")))
    drawn = templates.get_template("run.html").render(
        cell=cell, command="", uses=[("meta_t/table1", "Table 1", cell)], facts={"commit": "<script>"}, scores=[],
        charts=[], bars=[], config="<b>", width=1, height=1,
    )  # fmt: skip
    assert "<script>" not in drawn and "&lt;script&gt;" in drawn and "&lt;b&gt;" in drawn


def test_charts():
    assert [charts.ceiling(v) for v in (73, 100, 5, 0.7, 0.011, 0, 120)] == [100, 100, 5, 1, 0.02, 1, 200]
    rows = [{"step": s, "error": 100 - s} for s in (50, 100)]
    found = charts.chart(rows, "Error", {"error": "error"}, 1.0)
    assert found and found["lines"] == {"error": "320.0,0.0 640.0,200.0"}
    assert charts.chart(rows, "Threshold", {"threshold": "τ"}, 1.0) is None
    assert charts.chart([], "Error", {"error": "error"}, 1.0) is None
    many = [{"step": s + 1, "error": 1.0} for s in range(5000)]
    assert len(charts.chart(many, "", {"error": "e"}, 1.0)["lines"]["e"].split()) <= charts.POINTS + 1  # type: ignore[index]


def test_a_zoomed_axis_is_that_of_the_later_evaluations():
    rows = [{"step": s, "error": e} for s, e in ((100, 90.0), (200, 7.9), (300, 6.0), (400, 5.2))]
    found = charts.chart(rows, "Error", {"error": "error"}, 1.0, True)
    assert found and [text for _, text in found["ticks"]] == ["8", "6.5", "5"]
    first, *_, last = (float(point.split(",")[1]) for point in found["lines"]["error"].split())
    assert first < 0 and 180 < last < 200, "what is above the axis is cut off"
    assert charts.span([5.0, 5.0]) == (5.0, 6.0)


def test_names_of_lines_do_not_lie_upon_each_other():
    placed = charts.names({"a": 100.0, "b": 101.0, "c": 199.0, "d": 200.0})
    ends = sorted(placed.values())
    assert list(placed) == ["a", "b", "c", "d"] and ends[-1] <= charts.HEIGHT
    assert all(two - one >= charts.GAP for one, two in pairwise(ends))


def test_only_what_changed_is_written_again(report, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    cell = next(iter(load("meta_t/table1").cells("demo")))
    finish(cell)
    uses = {cell.run.id: [("meta_t/table1", cell)]}
    build.write_run_pages(build.environment(), uses, tmp_path)
    first = (tmp_path / f"{cell.run.id}.html").stat().st_mtime_ns
    build.write_run_pages(build.environment(), uses, tmp_path)
    assert (tmp_path / f"{cell.run.id}.html").stat().st_mtime_ns == first


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("env.json", "{"),
        ("env.json", "[1]"),
        ("env.json", '{"versions": "many"}'),
        ("metrics.jsonl", '{"step": 1, "err'),
        ("metrics.jsonl", '5\n{"step": 400}\n'),
        ("metrics.jsonl", '{"step": "a"}\n{"step": 400, "error": [5]}\n'),
        ("metrics.jsonl", '{"step": 400, "error": "low", "recall": 5}\n'),
        ("pseudo.csv.gz", "hidden"),
    ],
)
def test_a_run_that_is_broken_beside_its_result(report, monkeypatch, tmp_path, file, content):
    """Its number stands, its page says what is wrong, and no figure stumbles over it."""
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path / "out"))
    cell = next(c for c in load("meta_t/thresholds").cells("demo") if (c.row, c.column[0]) == ("Meta-T", "c"))
    finish(cell)
    (cell.run / file).write_text(content)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "config.yaml").mkdir()
    uses = {cell.run.id: [("meta_t/table1", cell)]}
    assert build.scales("demo") == ["demo", "paper"]
    build.write_run_pages(build.environment(), uses, tmp_path)
    text = (tmp_path / f"{cell.run.id}.html").read_text()
    assert ("cannot be read" in text) == (file != "pseudo.csv.gz")
    if file != "env.json":
        for name in ("meta_t/thresholds", "meta_t/cost"):
            view = views.figure_view(name, "demo", {})
            drawn = file == "pseudo.csv.gz" and name == "meta_t/cost"  # which needs none
            assert (bool(view["image"]), cell.run.id in view["message"]) == (drawn, not drawn)


def test_the_command_checks_its_options(capsys):
    assert main(["scale=dmeo"]) == 2
    assert 'Did you mean "demo"?' in capsys.readouterr().err
    assert main(["meta_t/k"]) == 2


def chromium() -> str:
    """The browser's path; without one the test is skipped, but fails where CI is set."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("no chromium on the PATH: apt-get install chromium")
    if found is None:
        pytest.skip("no chromium on the PATH")
    return str(found)


def watched(source: Path, name: str) -> Path:
    """A copy beside the original that tells its frame's owner what it shows."""
    copy = source.with_name(name)
    copy.write_text(source.read_text().replace("</body>", f"{CHECK}</body>"))
    return copy


@pytest.mark.browser
def test_in_a_browser(report, html, tmp_path):
    """One start of the browser: the page at a desk's and a phone's width, and a run's page, each in a frame."""
    browser = chromium()
    link = re.findall(r'href="(runs/\w+\.html)"', html)[0]
    index, run = watched(report / "index.html", "watched.html"), watched(report / link, "watched.html")
    frames = ((index, 1280), (index, 390), (run, 390))
    wrapper = tmp_path / "frames.html"
    wrapper.write_text(
        WRAPPER + "".join(f'<iframe src="{path.as_uri()}" width="{w}" height="900"></iframe>' for path, w in frames)
    )
    done = subprocess.run(
        [browser, *FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", wrapper.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    for copy in (index, run):
        copy.unlink()
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    told = pd.DataFrame([json.loads(unescape(text)) for text in re.findall(r"<pre>(.*?)</pre>", done.stdout)])
    assert len(told) == 3, done.stderr
    pages, runs = told[told["title"].str.startswith("Meta-T")], told[told["title"].str.startswith("Run ")]
    assert (len(pages), len(runs)) == (2, 1)
    assert not told["wide"].any(), "the page itself never scrolls sideways"
    assert (pages["tables"] >= 4).all() and (runs["tables"] == 1).all()
    assert all(len(widths) == 3 and min(widths) > 500 for widths in pages["images"])
    assert all(scales == ["demo"] for scales in pages["scales"])
    assert all(set(scales) == {"demo", "paper"} for scales in pages["all"])
    assert (runs["lines"] >= 3).all()
