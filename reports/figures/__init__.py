"""The papers' figures and one more: each module has a TITLE and a CAPTION, the FRAMES of reports.collect that

it wants, and draw.

`draw(*frames) -> Figure` is a pure function. A row of a sweep is a line or panel, a column is a setting.
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
)
