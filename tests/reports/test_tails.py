"""The metrics of long tails, by hand."""

import math

import pandas as pd
import pytest

from reports.table.tails import by_size, tails

RECALL = [1.0, 0.9, 0.8, 0.7, 0.5, 0.5, 0.4, 0.2, 0.1, 0.3]


def test_by_size() -> None:
    found = by_size(RECALL, 100)
    assert found["balanced_accuracy"] == pytest.approx(54)
    assert found["geometric_mean_recall"] == pytest.approx(100 * math.prod(RECALL) ** 0.1)
    assert found["recall_many"] == pytest.approx(90) and found["recall_medium"] == pytest.approx(52.5)
    assert found["recall_few"] == pytest.approx(20)
    assert by_size(RECALL, 0.01)["recall_many"] == pytest.approx(20)  # reversed: the first class is the rarest


def test_a_class_without_test_inputs_or_hits() -> None:
    found = by_size([1.0, None, 0.5], 10)
    assert found["balanced_accuracy"] == 75 and found["geometric_mean_recall"] == pytest.approx(50 * 2**0.5)
    assert "recall_medium" not in found and found["recall_few"] == 50
    assert by_size([1.0, 0.0, 0.5], 10)["geometric_mean_recall"] == 0


def test_a_line_per_metric_of_what_is_under_a_tail() -> None:
    runs = pd.DataFrame(
        [
            {"id": "a", "value": 50.0, "gamma": 100.0, "recall": [1.0, 0.5, 0.0], "report": "median_last_20"},
            {"id": "b", "value": 50.0, "gamma": math.nan, "recall": [1.0, 0.5, 0.0], "report": "last"},
            {"id": "c", "value": math.nan, "gamma": 100.0, "recall": [], "report": "last"},
        ]
    )
    found = tails(runs)
    assert set(found["id"]) == {"a"} and set(found["report"]) == {"last"}
    values = found.set_index("metric")["value"]
    assert values["balanced_accuracy"] == 50 and values["recall_few"] == 0 and values["recall_1"] == 50
    assert tails(runs[1:]).empty
