"""The one evaluation: the graded network on a test set, and its final pass over the unlabelled inputs."""

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.data.images import Inputs
from benchmarks.data.task import Answers, Labelled
from benchmarks.errors import UserError
from methods.base import Method

ROWS = 1000  #: inputs a forward pass, of 32x32 or fewer pixels
AT_ONCE = 1000 * 3 * 32 * 32  #: numbers of a larger input's batch
UNGRADED: dict[str, Any] = dict.fromkeys(("error", "top5", "balanced", "gmean", "recall"))  #: without a test set


@torch.no_grad()
def predict(net: nn.Module, inputs: Inputs) -> Tensor:
    """Softmax predictions [N, C], float32, of all inputs under the plain view.

    Large inputs go through in smaller batches, and where the memory is too small all the same, in halves. Raises
    UserError where it does not even hold one.
    """
    generator = torch.Generator(inputs.device)  # the plain view draws nothing

    def part(index: Tensor) -> Tensor:
        try:
            return net(*inputs.views(("plain",), index, generator)).float().softmax(-1)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
        if len(index) == 1:
            raise UserError("the memory does not hold one input's evaluation: choose a smaller backbone")
        return torch.cat([part(half) for half in index.chunk(2)])

    every = torch.arange(len(inputs), device=inputs.device)
    rows = min(ROWS, max(1, AT_ONCE // max(1, inputs.size)))
    return torch.cat([part(index) for index in every.split(rows)])


def out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)


def scores(p: Tensor, y: Tensor) -> dict[str, Any]:
    """error, top5 (error) and balanced (mean error over classes) in percent; recall per class in [0, 1], a list.

    gmean: the geometric mean of the recalls, in percent; 0 where all of a class are mistaken.
    """
    n_classes = p.shape[1]
    hit = p.argmax(-1) == y
    per_class = torch.bincount(y, minlength=n_classes)
    recall = torch.bincount(y[hit], minlength=n_classes) / per_class  # NaN for a class without test inputs
    top5 = (p.topk(min(5, n_classes)).indices == y[:, None]).any(-1)
    return {
        "error": 100 * (1 - hit.double().mean().item()),
        "top5": 100 * (1 - top5.double().mean().item()),
        "balanced": 100 * (1 - recall.nanmean().item()),
        "gmean": 100 * recall[~recall.isnan()].log().mean().exp().item(),
        "recall": [round(r, 6) if r == r else None for r in recall.tolist()],  # None: no test inputs of that class
    }


def evaluate(net: nn.Module, answers: Answers) -> dict[str, Any]:
    """Scores on the test set, None where there is none; and the error on the validation set where there is one."""

    def on(part: Labelled) -> dict[str, Any]:
        return scores(predict(net, part.x), part.y)

    row = on(answers.test) if answers.test else UNGRADED
    return row | {"validation": on(answers.validation)["error"]} if answers.validation else row


@torch.no_grad()
def final_pass(method: Method, net: nn.Module, unlabelled: Inputs, answers: Answers) -> dict[str, list[Any]]:
    """The columns of pseudo.csv.gz: what the method makes of every unlabelled input in the end."""
    p = predict(net, unlabelled)
    pseudo = method.pseudo(p, torch.arange(len(p), device=p.device))
    return {
        "index": answers.index.tolist(),
        "hidden": answers.hidden.tolist(),
        "label": pseudo.label.tolist(),
        "confidence": [f"{v:.6f}" for v in pseudo.confidence.tolist()],
        "threshold": [f"{v:.6f}" for v in pseudo.threshold.tolist()],
        "selected": pseudo.selected.int().tolist(),
    }


def predictions(net: nn.Module, test: Labelled, index: Tensor) -> dict[str, list[Any]]:
    """The columns of predictions.csv.gz: what a network makes of every test input; index [T] says which they are."""
    confidence, prediction = predict(net, test.x).max(-1)
    return {
        "index": index.tolist(),
        "label": test.y.tolist(),
        "prediction": prediction.tolist(),
        "confidence": [f"{v:.6f}" for v in confidence.tolist()],
    }
