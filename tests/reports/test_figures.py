"""Each figure shows its frame and nothing else; figures need no training code; Assumption 1 is measured on the side."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from outcomes import timeless

from methods.meta_semi_assumption import MetaSemiAssumption
from reports.figure import FIGURES, draw
from reports.figure.__main__ import main
from reports.figure.bands import BAND, bootstrap, by, on_grid
from reports.figure.draw import module_of
from reports.figure.meta_semi import assumption, beta
from reports.figure.meta_t import confusion, cost, k, pseudo_labels, surrogate, thresholds
from reports.figure.style import METHODS, look, time_axis
from sweeps.grid import load
from sweeps.names import is_table, names

METHOD_NAMES = ("FixMatch", "FlexMatch", "Dash", "Meta-T")


def curves(rows=METHOD_NAMES, columns=("digits/40",), **more) -> pd.DataFrame:
    """Five evaluations of two seeds each: seed 1 is 2 percentage points worse and 10 % slower."""
    lines = []
    for r, row in enumerate(rows):
        for column in columns:
            for seed in (0, 1):
                for step in range(10, 60, 10):
                    line = {"row": row, "column": column, "seed": seed, "step": step}
                    line |= {"seconds": step * (r + 1) * (1 + seed / 10), "error": 100 / step + r + 2 * seed}
                    line |= {"correct": step / 100, "wrong": 0.1 + r / 100, "threshold": 0.5 + r / 10, "ratio": step}
                    line |= {"selected": 0.1 + r / 100 + step / 100, "right": 0.3 + step / 100}
                    line |= {"band": r / 10, "negative": step / 100, "meta_gradient": 1 / step}
                    lines.append(line | {"recall": [0.9] * 4 + [0.6] * 3 + [0.3] * 3} | more)
    return pd.DataFrame(lines)


def pseudo(rows=METHOD_NAMES, column="a: digits/40") -> pd.DataFrame:
    """Two inputs of each class: the second one is taken for the class before; tau falls with the class."""
    hidden = np.repeat(np.arange(10), 2)
    label = np.where(np.arange(20) % 2, np.maximum(hidden - 1, 0), hidden)
    one = pd.DataFrame({"hidden": hidden, "label": label, "threshold": 0.905 - hidden / 100, "selected": 1})
    return pd.concat([one.assign(row=row, column=column, seed=0) for row in rows], ignore_index=True)


def results(rows, columns) -> pd.DataFrame:
    values = [
        {"row": row, "column": column, "seed": seed, "value": 5.0 + r + c + seed}
        for r, row in enumerate(rows)
        for c, column in enumerate(columns)
        for seed in (0, 1)
    ]
    return pd.DataFrame(values)


def fig5() -> tuple[pd.DataFrame, pd.DataFrame]:
    labels = pd.concat([pseudo(("Meta-T",)), pseudo(column="b: tail"), pseudo(column="c: digits/40")])
    return labels, curves(columns=("a: digits/40", "b: tail", "c: digits/40"))


FRAMES = {
    "meta_t/surrogate": (),
    "meta_t/pseudo_labels": (curves(columns=("equal time: digits/40", "equal procedure: digits/40")),),
    "meta_t/thresholds": fig5(),
    "meta_t/confusion": (pseudo(("FixMatch", "FlexMatch", "Meta-T")),),
    "meta_t/k": (results([f"k = {n}" for n in range(1, 11)], ["digits/10", "digits/40"]),),
    "meta_t/cost": (curves(),),
    "meta_semi/assumption": (curves(("Meta-Semi",), ("digits/10", "digits/40")),),
    "meta_semi/beta": (results(["Meta-Semi", "ICT, w=10"], ["digits/40, β=0.1", "digits/40, β=1"]),),
    "findings/reading": (curves(("Meta-T", "slope 10 (T27)")),),
    "findings/learning": (results(["FixMatch", "FixMatch, τ = 0.5", "Meta-T"], ["digits/10", "digits/40"]),),
    "findings/pseudo_labels": (curves(columns=("equal time: digits/40", "equal steps: digits/40")),),
    "findings/time": (curves(columns=("digits/10", "digits/40")),),
    "findings/k": (results([f"k = {n}" for n in range(1, 11)], ["digits/40"]),),
    "findings/meta_semi": (curves(("Meta-Semi", "Learning to Reweight")),),
}


def drawn(name: str) -> Figure:
    return module_of(name).draw(*FRAMES[name])


def lines(ax) -> dict[str, np.ndarray]:
    return {line.get_label(): line.get_xydata() for line in ax.get_lines()}


def test_every_declared_figure_is_drawn_and_every_drawn_one_declared():
    declared = {name for name in names() if not is_table(name)}
    assert set(FIGURES) == set(FRAMES) == declared | {"meta_t/surrogate"}


@pytest.mark.parametrize("name", FIGURES)
def test_axes_are_labelled_and_filled(name):
    page = drawn(name)
    for ax in page.axes:
        assert ax.has_data()
        assert ax.get_ylabel() or ax.get_title() or ax.get_xlabel()
    assert page.axes[0].get_xlabel() or name == "meta_t/thresholds"
    assert module_of(name).TITLE and module_of(name).CAPTION
    assert set(module_of(name).FRAMES) <= {"collect", "curves", "pseudo_labels"}


@pytest.mark.parametrize("name", FIGURES)
def test_drawing_leaves_its_frames_alone_and_repeats_itself(name, tmp_path):
    before = [frame.copy() for frame in FRAMES[name]]
    for copy in ("one", "two"):
        draw.save(drawn(name), tmp_path / copy)
    for frame, old in zip(FRAMES[name], before, strict=True):
        pd.testing.assert_frame_equal(frame, old)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")


def test_surrogate():
    assert_allclose(surrogate.surrogate(np.array([0, 0.01, -0.01])), [0.5, 0.731059, 0.268941], atol=1e-6)
    ax = drawn("meta_t/surrogate").axes[0]
    found = lines(ax)["S(x), β = 100"]
    assert_allclose(found[:, 1], surrogate.surrogate(found[:, 0]))
    assert (found[0, 0], found[-1, 0]) == (-1, 1)
    assert len(ax.child_axes) == 1


def test_pseudo_labels():
    axes = drawn("meta_t/pseudo_labels").axes
    assert [ax.get_xlabel() for ax in axes] == [*["training time (min)"] * 2, *["training step"] * 2]
    assert [ax.get_ylabel() for ax in axes] == ["correct (%)", "wrong (%)"] * 2
    assert_allclose(lines(axes[2])["Meta-T"], [[s, s] for s in range(10, 60, 10)])
    assert_allclose(lines(axes[3])["Meta-T"][:, 1], 13)
    assert list(lines(axes[0])) == list(METHOD_NAMES)


def test_threshold_bins():
    edges, share = thresholds.distribution(pd.Series([0.905, 0.905, 0.915, 0.935]))
    assert_allclose(edges, [0.90, 0.91, 0.92, 0.93, 0.94])
    assert_allclose(share, [50, 25, 0, 25])
    assert thresholds.distribution(pd.Series([0.0, 1.0]))[1].sum() == 100


def test_threshold_groups():
    assert thresholds.group(np.arange(10), 10).tolist() == [0] * 4 + [1] * 3 + [2] * 3
    assert np.bincount(thresholds.group(np.arange(100), 100)).tolist() == [40, 30, 30]
    assert_allclose(thresholds.by_group(pseudo(("Meta-T",)), 10), [0.89, 0.855, 0.825])
    unknown = pseudo(("Meta-T",)).assign(hidden=-1, label=9)
    assert_allclose(thresholds.by_group(unknown, 10), [np.nan, np.nan, unknown["threshold"].mean()])
    assert_allclose(thresholds.accuracy(curves(("Meta-T",)), 10), [90, 60, 30])


def test_thresholds():
    a, c, b, below = drawn("meta_t/thresholds").axes
    assert_allclose(a.patches[0].get_data().values, [10] * 10)
    assert_allclose([bar.get_height() for bar in b.patches[-3:]], [0.89, 0.855, 0.825])
    assert_allclose([bar.get_height() for bar in below.patches[-3:]], [90, 60, 30])
    assert b.get_shared_x_axes().joined(b, below) is False and b.bbox.y0 > below.bbox.y0, "no two scales in one panel"
    assert_allclose(lines(c)["Meta-T"][:, 1], 0.8)
    labels, course = fig5()
    some = thresholds.draw(labels, course[course["column"] == "c: digits/40"])
    assert [ax.get_title(loc="left") for ax in some.axes] == ["(c) digits/40"]


def test_confusion():
    found = confusion.matrix(pseudo(("Meta-T",)), 10, "true class")
    expected = np.eye(10) * 50 + np.eye(10, k=-1) * 50
    expected[0, 0] = 100
    assert_allclose(found, expected)
    assert np.isnan(confusion.matrix(pseudo(("Meta-T",)), 11, "true class")[10]).all()
    precise = np.eye(10) * 50 + np.eye(10, k=-1) * 50  # two are labelled 1: a 1 and a 2
    precise[0, 0], precise[1, 0], precise[9, 9] = 200 / 3, 100 / 3, 100
    assert_allclose(confusion.matrix(pseudo(("Meta-T",)), 10, "pseudo-label"), precise)
    axes = drawn("meta_t/confusion").axes
    assert [ax.get_title(loc="left").split(":")[0] for ax in axes[:6]] == 2 * ["FixMatch", "FlexMatch", "Meta-T"]
    assert_allclose(axes[0].collections[0].get_array().reshape(10, 10), expected)
    assert_allclose(axes[3].collections[0].get_array().reshape(10, 10), precise)


def test_k_and_beta():
    ax = drawn("meta_t/k").axes[0]
    assert_allclose(lines(ax)["mean"], [[n, 4.5 + n] for n in range(1, 11)])
    ax = drawn("meta_semi/beta").axes[0]
    ours, ict = (container.lines[0].get_xydata() for container in ax.containers)
    assert_allclose(ours, [[0.1, 5.5], [1, 6.5]])
    assert_allclose(ict, [[0.1, 6.5], [1, 7.5]])
    assert beta.split("β=0.75") == ("", 0.75)
    assert k.FRAMES == beta.FRAMES == ("collect",)


def test_cost_and_assumption():
    ax = cost.draw(curves(("FixMatch", "Meta-T"))).axes[0]
    grid, values = on_grid(curves(("FixMatch",)), "seconds", "error")
    assert_allclose(lines(ax)["FixMatch"], np.stack([grid, values.mean(0)], 1))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Meta-T", "FixMatch"], "by the last error"
    ax = drawn("meta_semi/assumption").axes[0]
    assert_allclose(lines(ax)["digits/40"], [[s, s] for s in range(10, 60, 10)])
    assert assumption.FRAMES == pseudo_labels.FRAMES == ("curves",)


def test_curves_share_a_grid_where_all_seeds_have_values():
    grid, values = on_grid(curves(("FixMatch",)), "seconds", "error")
    assert_allclose(grid, [11, 20, 22, 30, 33, 40, 44, 50])
    assert_allclose(values[:, 0], [9.5, 12])
    assert_allclose(values[0, 1], 5)
    grid, values = on_grid(curves(("FixMatch",)).assign(error=np.nan), "step", "error")
    assert values.size == 0


def test_bands():
    low, high = bootstrap(np.array([[1.0, 5.0], [3.0, 5.0]]))
    assert_allclose([low, high], [[1, 5], [3, 5]])
    four = np.array([[1.0], [2.0], [3.0], [6.0]])
    assert 1 < bootstrap(four)[0][0] < 3 < bootstrap(four)[1][0] < 6, "from four seeds on an interval of the mean"
    many = np.random.default_rng(1).normal(size=(100, 1))
    low, high = bootstrap(many)
    half = 1.96 * many.std() / 10
    assert_allclose([low[0], high[0]], [many.mean() - half, many.mean() + half], atol=0.02)
    frame = pd.DataFrame({"x": [1, 1, 2], "value": [3.0, 5.0, 7.0]})
    assert_allclose(by(frame, "x"), [[1, 2], [4, 7], [3, 7], [5, 7]])
    for name in FIGURES:
        caption = module_of(name).CAPTION
        said = BAND in caption or "left out of two seeds" in caption
        assert "95 %" not in caption or said, "of two seeds there is no interval"


# Machado, Oliveira and Fernandes (2009), severity 1: what a reader sees, in linear RGB
SEEN = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, seen: str) -> np.ndarray:
    """CIE L*a*b* of a colour (D65) as a colour-blind reader sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(SEEN[seen]) @ linear, 0, 1) / (XYZ @ np.ones(3))
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one: str, two: str, rows: list[str]) -> bool:
    """Are two lines told apart by dash or marker, or else by colour, whoever looks?"""
    a, b = look(one, rows), look(two, rows)
    if (a["linestyle"], a["marker"]) != (b["linestyle"], b["marker"]):
        return True
    return all(np.linalg.norm(lab(a["color"], seen) - lab(b["color"], seen)) > 15 for seen in SEEN)


@pytest.mark.parametrize("name", [name for name in names() if not is_table(name) and "confusion" not in name])
def test_lines_are_told_apart_by_colour_blind_readers(name):
    rows = list(load(name).rows)
    assert [pair for pair in combinations(rows, 2) if not apart(*pair, rows)] == []


def test_the_methods_of_one_panel_differ_in_colour_for_everybody():
    """Bars of Fig. 5b and lines of Fig. 4 and 5c, should marker and hatch be too small."""
    for one, two in combinations(METHOD_NAMES, 2):
        a, b = (METHODS[name][0] for name in (one, two))
        assert min(np.linalg.norm(lab(a, seen) - lab(b, seen)) for seen in SEEN) > 15, (one, two)


def test_style():
    assert time_axis(5) == (1, "training time (s)")
    assert time_axis(600) == (60, "training time (min)")
    assert time_axis(5e4) == (3600, "training time (h)")
    others = [f"method {n}" for n in range(14)]
    looks = [str(look(name, [*METHODS, *others])) for name in (*METHODS, *others)]
    assert len(set(looks)) == len(looks)


def test_nothing_yet_and_bad_names(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path / "out"))
    assert main(["meta_t/confusion", "scale=demo"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "python -m sweeps.launch meta_t/confusion scale=demo" in error
    assert main(["meta_t/surrogate"]) == 0
    assert {path.name for path in (tmp_path / "out/demo/meta_t").iterdir()} == {
        "fig-surrogate.png",
        "fig-surrogate.pdf",
    }
    assert main(["meta_t/tresholds"]) == 2
    assert 'Did you mean "meta_t/thresholds"?' in capsys.readouterr().err
    assert main(["meta_t/pseudo-labels", "scale=dmeo"]) == 2
    assert 'Did you mean "demo"?' in capsys.readouterr().err


def test_footnote():
    runs = pd.DataFrame({"value": [1.0, np.nan, 2.0], "share": [1.0, 0.05, 0.05]})
    assert draw.footnote("demo", runs).endswith("nothing here is the paper's data; drawn from 2 of 3 runs")
    assert draw.footnote("short", runs).startswith("scale=short: from 5 % of the protocol's training steps")
    assert draw.footnote("paper", runs.dropna().assign(share=1.0)) == ""
    assert draw.footnote("paper", runs.dropna().assign(share=1.0), faults=1) == "skipped 1 that cannot be read"


def test_figures_need_no_training_code():
    code = "import sys\nfrom reports.figure import FIGURES, __main__, draw\n"
    code += "[draw.module_of(name) for name in FIGURES]\n"
    code += "print(*sorted({'torch', 'methods', 'benchmarks.training'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_assumption_is_measured_as_defined(assemble):
    """With one sample the ratio is that of two gradients, taken here by hand in the same order."""
    parts = assemble("scale=smoke", "method=meta_semi_assumption", "method.samples=1")
    parts.step()
    method, student, batch = parts.method, parts.student, parts.loader.next()
    assert isinstance(method, MetaSemiAssumption)
    state = [v.clone() for v in student.net.state_dict().values()]
    torch.manual_seed(3)
    found = method.probe(student, iter([batch]))
    for name, value in zip(student.net.state_dict(), state, strict=True):
        student.net.state_dict()[name].copy_(value)
    torch.manual_seed(3)
    sides = []
    for loss in (lambda: method.loss(student, batch).loss, lambda: method.supervised(student.net, batch)):
        gradients = torch.autograd.grad(loss(), student.parameters, allow_unused=True)
        sides.append(sum(g.square().sum() for g in gradients if g is not None))
    torch.testing.assert_close(found["ratio"], sides[0] / sides[1])


def test_measuring_changes_no_bit_of_the_training(tmp_path, monkeypatch):
    from benchmarks.config import compose
    from benchmarks.run import execute

    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    common = ("scale=smoke", "steps=4", "seed=3")
    plain = execute(compose([*common, "method=meta_semi"])).rows()
    probed = execute(compose([*common, "method=meta_semi_assumption", "method.samples=2"])).rows()
    extra = {"meta_square", "labelled_square", "ratio"}
    assert [set(row) - set(other) for row, other in zip(probed, plain, strict=True)] == [extra] * len(plain)
    for row, other in zip(probed, plain, strict=True):
        assert {key: row[key] for key in timeless(other)} == timeless(other)
        assert row["ratio"] > 0


@pytest.mark.parametrize("width", [2.5, 3.6, 9.0])
def test_a_footnote_is_no_wider_than_its_figure(width):
    runs = pd.DataFrame({"value": [1.0, np.nan], "share": [1.0, 1.0]})
    figure = Figure(figsize=(width, 2))
    draw.stand_below(figure, draw.footnote("demo", runs, faults=2))
    box = figure._supxlabel.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
