"""One run's confusion matrix: its counts are the predictions', its error is the run's."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.config import compose
from benchmarks.run import execute
from benchmarks.store.run import Run
from reports.confusion import counts, draw, main, worst


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run whose predictions are known: of each true class c, c of four images go to the next one."""
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path / "out"))
    made = Run({"a": 1})
    made.make()
    label = np.repeat([0, 1, 2], 4)
    moved = np.tile(np.arange(4), 3) < label
    columns = {"index": range(12), "label": label, "prediction": (label + moved) % 3, "confidence": ["0.9"] * 12}
    made.write("predictions.csv.gz", columns)
    made.finish({"classes": ["cat", "cow", "dog"]})
    return made


def test_counts_and_the_worst_mistakes(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([run.id]) == 0
    path = tmp_path / "out" / f"confusion-{run.id}"
    assert capsys.readouterr().out.splitlines() == [
        f"{path}.png .pdf .csv: error 25.00 % of 12 test images",
        "dog taken for cat: 2 of 4",
        "cow taken for dog: 1 of 4",
    ]
    assert path.with_suffix(".png").stat().st_size > 5000 and path.with_suffix(".pdf").exists()
    table = pd.read_csv(path.with_suffix(".csv"), index_col="true class")
    assert table.to_dict("list") == {"cat": [4, 0, 2], "cow": [0, 3, 0], "dog": [0, 1, 2]}


def test_the_figure_shows_shares_and_names(run: Run) -> None:
    table = counts(run.folder)
    (ax,) = [ax for ax in draw(table, "a title").axes if ax.get_title(loc="left")]
    assert [text.get_text() for text in ax.texts] == ["100", "", "", "", "75", "25", "50", "", "50"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["cat", "cow", "dog"]
    many = pd.DataFrame(np.eye(30, dtype=int), map(str, range(30)), map(str, range(30)))
    assert worst(many) == [] and not draw(many, "").axes[0].texts


def test_it_is_the_runs_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    run = execute(compose(["scale=smoke", "task.subset=null"]))
    matrix = counts(run.folder).to_numpy()
    assert matrix.sum(1).tolist() == [50] * 10
    error = json.loads((run / "result.json").read_text())["error"]["last"]
    assert 100 * (1 - np.trace(matrix) / 500) == pytest.approx(error)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (None, "which run? e.g. make confusion RUN=8d28457d9686"),
        ("0" * 12, "there is no run 000000000000 in "),
        ("begun", "/runs/begun holds no finished run: finish it first"),
        ("blind", "/runs/blind has no test predictions: its data has no test set, or an older version made it"),
        ("broken", "BadGzipFile"),
    ],
)
def test_faults_are_one_line(name: str | None, why: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for other in ("begun", "blind", "broken"):
        (run.folder.parent / other).mkdir()
    for other in ("blind", "broken"):
        (run.folder.parent / other / "result.json").write_text(json.dumps({"classes": ["a"]}))
    (run.folder.parent / "broken" / "predictions.csv.gz").write_bytes(b"no gzip")
    assert main([] if name is None else [name]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and why in err and err.count("\n") == 1
