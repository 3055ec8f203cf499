"""Dash, as its authors have it and as TorchSSL has."""

import math
from types import SimpleNamespace

import pytest
import torch
from models import FACTS, UNLABELLED, batch_of, method_of, soft_cross_entropy, student_of
from torch import nn


@pytest.mark.usefixtures("double")
def test_whole_steps_of_dash_by_hand():
    """The formulas of dash.py: steps 0 to 9 of 100 are the warm-up, then a period is two steps."""
    numbers = ("warm_up=0.1", "period=0.02", "gamma=1.5", "rho_min=0.7", "T=0.5", "lambda_u=0.9")
    method, student, reference = method_of("dash", *numbers), student_of("tiny"), student_of("tiny").net
    method.setup(FACTS, student.net)
    seen = torch.full((UNLABELLED,), math.nan)
    selected, hard = [], []
    for step in (0, 7, 10, 11, 12, 16, 40):
        batch = batch_of("weak", "strong", seed=step)
        batch = batch._replace(j=torch.randperm(UNLABELLED)) if step else batch._replace(j=batch.j % 5)
        with torch.no_grad():
            weak = reference(batch.u[0])
        p = weak.softmax(-1)
        threshold = 500.0 if step < 10 else seen[~seen.isnan()].mean() * 1.5 ** -(1 + (step - 10) // 2)
        hard.append(bool(threshold <= 0.7))
        q = torch.eye(4)[weak.argmax(-1)] if hard[-1] else (2 * weak).softmax(-1)
        mask = (-p.amax(-1).log() < max(threshold, 0.7)).double()
        logits = reference(torch.cat([batch.x, batch.u[1]]))
        each = soft_cross_entropy(logits[5:], q)
        supervised = soft_cross_entropy(logits[:5], torch.eye(4)[batch.y]).mean()
        expected = supervised + (0.9 * (mask * each).sum() / mask.sum() if mask.any() else 0)
        if step < 10:
            for j, loss in zip(batch.j, each.detach(), strict=True):
                seen[j] = loss
        selected.append(int(mask.sum()))
        student.step = step
        step = method.loss(student, batch)
        torch.testing.assert_close(step.loss, expected, rtol=1e-12, atol=0)
        assert torch.equal(step.pseudo.selected, mask.bool()) and torch.equal(step.pseudo.label, weak.argmax(-1))
    assert selected[:2] == [UNLABELLED] * 2 and 0 < selected[-1] < UNLABELLED
    assert hard == [False] * hard.index(True) + [True] * (7 - hard.index(True)) and hard.index(True) > 2


def test_the_authors_epochs_as_shares():
    """Epochs e of 1,024, threshold rho_hat gamma^-int((e - 1) / 9) from the tenth on: dash.py."""
    method = method_of("dash", "warm_up=0.009765625")  # whatever a shorter run has
    for e in (*range(10, 40), 333, 1023):
        for part in (0, 0.5, 1023 / 1024):
            assert method.decay((e + part) / 1024) == pytest.approx(1.27 ** -((e - 1) // 9)), (e, part)


def test_torchssl_s_schedule():
    method = method_of("dash_torchssl", "warm_up=0.2", "period=0.1", "gamma=2", "C=1.5", "rho_min=0.1")
    method.setup(FACTS, nn.Identity())
    j = torch.arange(2)

    def at(step: int, *confidences: float) -> float:
        p = torch.tensor([[c, 1 - c] for c in confidences])
        method.observe(SimpleNamespace(now=lambda schedule: schedule(step / 100)), p, j)
        tau = method.threshold(p, j)
        assert tau.tolist() == pytest.approx([math.exp(-method.rho.item())] * len(p))
        return method.rho.item()

    assert at(0, 0.6, 0.9) == 0  # warm-up: tau = 1, nothing is selected
    assert not method.pseudo(torch.tensor([[1.0, 0.0]]), j[:1]).selected.any()
    assert at(9, 0.6, 0.9) == 0  # its first half is not measured
    at(10, 0.6, 0.9), at(19, 0.8, 0.7)
    rho_hat = -sum(map(math.log, (0.6, 0.9, 0.8, 0.7))) / 4
    for step, t in ((20, 1), (29, 1), (31, 2), (39, 2), (41, 3), (51, 4)):
        rho = max(1.5 * 2.0 ** -(t - 1) * rho_hat, 0.1)
        assert at(step, 0.9, 0.9) == pytest.approx(rho), step
    assert at(99, 0.9, 0.9) == pytest.approx(0.1)
    p = torch.tensor([[0.91, 0.09], [0.90, 0.10]])  # H(y_hat, p) < rho on either side of exp(-0.1) = 0.905
    assert method.pseudo(p, j).selected.tolist() == [True, False]
