"""Dash."""

import math
from types import SimpleNamespace

import pytest
import torch
from models import FACTS, method_of
from torch import nn


def test_dash_s_schedule():
    method = method_of("dash", "warm_up=0.2", "period=0.1", "gamma=2", "C=1.5", "rho_min=0.1")
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
