"""FixMatch: Eq. (2) of the Meta-T paper at a constant threshold."""

import math

import pytest
import torch
from models import LABELLED, UNLABELLED, batch_of, method_of, student_of
from torch import Tensor

from benchmarks.training.student import Student
from methods.base import Batch


def test_the_gate_is_strict_and_its_surrogate_is_the_paper_s():
    fixmatch = method_of("fixmatch")
    p = torch.tensor([[0.95, 0.05], [0.9501, 0.0499], [0.9499, 0.0501]])
    confidence, tau = p.amax(-1), fixmatch.threshold(p, torch.arange(3))
    assert tau.tolist() == pytest.approx([0.95] * 3)
    assert fixmatch.gate(confidence, tau).tolist() == [0, 1, 0]
    assert fixmatch.pseudo(p, torch.arange(3)).selected.tolist() == [False, True, False]

    meta_t = method_of("meta_t")
    gap = torch.tensor([-1, -0.02, -0.01, 0, 0.01, 0.02, 1], requires_grad=True)
    s = meta_t.gate(gap + 0.5, torch.tensor(0.5))
    by_hand = [1 / (1 + math.exp(-100 * g)) for g in (-1, -0.02, -0.01, 0, 0.01, 0.02, 1)]
    assert s.tolist() == pytest.approx(by_hand, rel=1e-4, abs=1e-12)
    assert s[3] == 0.5 and s[0] < 1e-30 and s[-1] == 1
    (slope,) = torch.autograd.grad(s.sum(), gap)
    assert slope[3] == pytest.approx(100 / 4, rel=1e-4)
    tau = torch.tensor(0.5, requires_grad=True)
    (down,) = torch.autograd.grad(meta_t.gate(torch.tensor(0.5), tau), tau)
    assert down == pytest.approx(-25, rel=1e-4)  # a higher threshold lets fewer in


def by_hand_fixmatch(student: Student, batch: Batch, tau: Tensor) -> Tensor:
    """Eq. (2) written out."""
    weak, strong = batch.u
    p = student.predict(weak).softmax(-1)
    confidence, y_hat = p.max(-1)
    logits = student.net(torch.cat([batch.x, strong]))
    entropy = -logits.log_softmax(-1)
    supervised = entropy[range(LABELLED), batch.y].mean()
    return supervised + ((confidence > tau) * entropy[range(LABELLED, len(entropy)), y_hat]).sum() / UNLABELLED


@pytest.mark.usefixtures("double")
def test_eq_2():
    method, batch = method_of("fixmatch", "tau=0.35"), batch_of("weak", "strong")
    step = method.loss(student_of("tiny"), batch)
    assert 0 < step.pseudo.selected.sum() < UNLABELLED
    wanted = by_hand_fixmatch(student_of("tiny"), batch, torch.tensor(0.35))
    torch.testing.assert_close(step.loss, wanted, rtol=1e-12, atol=0)
    heavier = method_of("fixmatch", "tau=0.35", "lambda_u=3").loss(student_of("tiny"), batch)
    torch.testing.assert_close(heavier.loss - step.loss, 2 * step.log["loss_u"], rtol=1e-9, atol=0)
