"""Texts whose strong views are no paper's are marked wherever their numbers are shown."""

import dataclasses

import pandas as pd

from benchmarks.config import compose, plain
from reports import freeze
from reports.collect import frames
from reports.table import notes, summary, text
from sweeps.grid import load

WORDS = "task.augment.strong=words"


def test_a_cell_with_perturbed_words_is_marked_and_one_with_back_translations_is_not():
    sweep, row, column = load("meta_t/table2"), "FixMatch", "IMDb/100"
    asked = dataclasses.replace(sweep, rows={row: sweep.rows[row]}, columns={column: sweep.columns[column]})
    for more, signs in (("", ""), (f" {WORDS}", "◊")):
        cells = dataclasses.replace(asked, columns={k: v + more for k, v in asked.columns.items()})
        runs = frames.collect(cells, "paper").assign(value=0.1, state="done")
        frame = summary.summarise(cells, "meta_t/table2", "paper", runs)
        assert text.signs(frame.loc[0, "mark"]) == signs
        assert any("◊ strong views are texts with words left out" in line for line in notes._marks(frame)) == bool(
            signs
        )
    images = pd.DataFrame({"share": [1.0], "wording": [""], "value": [5.0], "stale": [""]})
    assert summary._marks(images, {}, "CIFAR-10/40", False) == []


def test_a_kept_run_says_how_long_its_texts_were_and_what_its_strong_views():
    def said(*more: str) -> str:
        return freeze.wording(plain(compose(["task=imdb", "backbone=bert_base", *more]))["task"]["augment"])

    assert said() == ", first 512 tokens"
    assert said(WORDS, "task.augment.length=32", "task.augment.keep=last") == ", last 32 tokens, words"
    assert freeze.wording(plain(compose(["task=cifar10"]))["task"]["augment"]) == ""
