"""The papers' figures and one more. Imports `reports.collect` and `sweeps.sweep`.

draw          a figure from the run store, and its files; the file to open first
meta_t        a module per figure of the Meta-T paper, named as the sweep that makes its runs
meta_semi     the same for Meta-Semi
findings      a module per question that the papers leave open
bands         means over seeds and their bands
style         fonts, colours, panels

A figure's module has a TITLE, a CAPTION, the FRAMES that it wants (functions of `reports.collect.frames`), and
`draw(*frames) -> Figure`, a pure function. A row of a sweep is a line or panel, a column is a setting.
"""

FIGURES = (
    "meta_t/surrogate",
    "meta_t/pseudo_labels",
    "meta_t/thresholds",
    "meta_t/confusion",
    "meta_t/k",
    "meta_t/cost",
    "meta_semi/assumption",
    "meta_semi/beta",
    *(f"findings/{name}" for name in ("reading", "learning", "pseudo_labels", "time", "k", "meta_semi")),
)
