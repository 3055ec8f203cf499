"""The evaluation, against hand computations."""

import dataclasses
from typing import Any

import pytest
import torch

from benchmarks.errors import UserError
from benchmarks.training.evaluation import ROWS, evaluate, final_pass, predict, scores


def test_scores_by_hand() -> None:
    """Seven classes, of which one is never tested."""
    y = torch.tensor([0, 0, 0, 0, 1, 1, 2, 3, 4, 5])
    p = torch.full((10, 7), 0.01)
    for row, guess in enumerate([0, 0, 0, 1, 1, 2, 2, 3, 4, 0]):
        p[row, guess] = 0.5
    p[3, [2, 3, 4, 5]] = 0.1  # true class 0 is not among its best five
    p[5, 1] = 0.1  # the second best
    p[9, [1, 2, 3, 4]] = 0.1  # true class 5 is not among its best five
    found = scores(p, y)
    assert found["error"] == pytest.approx(30)
    assert found["top5"] == pytest.approx(20)
    recall = [3 / 4, 1 / 2, 1, 1, 1, 0]
    assert found["recall"][:6] == pytest.approx(recall) and found["recall"][6] is None
    assert found["gmean"] == 0  # all of class 5 are mistaken
    assert found["balanced"] == pytest.approx(100 * (1 - sum(recall) / 6))


def test_the_geometric_mean_of_the_recalls() -> None:
    y = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    p = torch.eye(4)[[0, 0, 0, 1, 1, 2, 2]]  # recalls 3/4, 1/2 and 1; class 3 is never tested
    assert scores(p, y)["gmean"] == pytest.approx(100 * (3 / 4 * 1 / 2) ** (1 / 3))


def test_scores_of_few_classes() -> None:
    found = scores(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1]))
    assert (found["error"], found["top5"], found["balanced"], found["recall"]) == (50, 0, 50, [1, 0])


def test_evaluation_is_of_the_plain_view(assemble: Any) -> None:
    parts = assemble("scale=smoke", "task.validation=20")
    answers, s = parts.answers, parts.student
    augment = answers.test.x.augment
    x = (answers.test.x.pixels.float() / 255 - augment.mean[0]) / augment.std[0]
    error = 100 * (s.average(x).argmax(-1) != answers.test.y).float().mean().item()
    row = evaluate(s.average, answers)
    assert row["error"] == pytest.approx(error, abs=1e-4)
    assert row["validation"] == scores(predict(s.average, answers.validation.x), answers.validation.y)["error"]
    assert "validation" not in evaluate(s.average, dataclasses.replace(answers, validation=None))


def test_predictions_come_in_the_order_of_the_inputs(assemble: Any) -> None:
    parts = assemble("scale=smoke")
    index = torch.arange(2 * ROWS + 1) % len(parts.task.unlabelled)
    x = parts.task.unlabelled.take(index)
    p = predict(parts.student.average, x)
    assert len(x) > 2 * ROWS and p.shape == (len(x), 10)
    torch.testing.assert_close(p.sum(1), torch.ones(len(x)))
    assert len(p.unique(dim=0)) > 100
    some = torch.arange(ROWS - 50, ROWS + 50)
    torch.testing.assert_close(p[some], predict(parts.student.average, x.take(some)))


def test_the_final_pass(assemble: Any) -> None:
    parts = assemble("scale=smoke")
    p = predict(parts.student.average, parts.task.unlabelled)
    confidence, label = p.max(-1)
    parts.method.tau = tau = confidence.median().item()
    columns = final_pass(parts.method, parts.student.average, parts.task.unlabelled, parts.answers)
    assert columns["hidden"] == parts.answers.hidden.tolist()
    assert columns["label"] == label.tolist()
    assert columns["confidence"] == [f"{c:.6f}" for c in confidence.tolist()]
    assert columns["threshold"] == [f"{tau:.6f}"] * len(p)
    assert columns["selected"] == (confidence > tau).int().tolist()
    assert 0 < sum(columns["selected"]) < len(p)


def test_large_inputs_go_through_in_parts_and_in_halves_where_the_memory_is_small(assemble: Any) -> None:
    parts = assemble("scale=smoke")
    wanted, asked = predict(parts.student.average, parts.task.unlabelled), []

    class Small(torch.nn.Module):
        """A network on a device that holds so many inputs."""

        def __init__(self, holds: int) -> None:
            super().__init__()
            self.holds = holds

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            asked.append(len(x))
            if len(x) > self.holds:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return parts.student.average(x)

    torch.testing.assert_close(predict(Small(7), parts.task.unlabelled), wanted)
    assert max(asked) == len(wanted)
    with pytest.raises(
        UserError, match=r"^the memory does not hold one input's evaluation: choose a smaller backbone$"
    ):
        predict(Small(0), parts.task.unlabelled)


def test_another_fault_of_a_network_is_no_want_of_memory(assemble: Any) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        predict(broken, assemble("scale=smoke").task.unlabelled)  # type: ignore[arg-type]
