"""FlexMatch."""

import copy
from types import SimpleNamespace

import pytest
import torch
from models import (
    FACTS,
    N_CLASSES,
    batch_of,
    method_of,
    student_of,
)
from torch import nn

from methods.base import Facts


@pytest.mark.parametrize("unused", [0, 5, 15])
def test_flexmatch_with_equal_counts_is_fixmatch_at_its_curve(unused):
    each, tau = 10, 0.33
    flexmatch, batch = method_of("flexmatch", f"tau={tau}"), batch_of("weak", "strong")
    n = N_CLASSES * each + unused
    flexmatch.setup(FACTS._replace(n_unlabelled=n), nn.Identity())
    memory = [c for c in range(N_CLASSES) for _ in range(each)] + [N_CLASSES] * unused
    flexmatch.memory.copy_(torch.tensor(memory)[torch.randperm(n)])
    beta = each / max(each, unused)
    constant_tau = tau * beta / (2 - beta)
    fixmatch = method_of("fixmatch", f"tau={constant_tau}")
    flexible, fixed = (method.loss(student_of("tiny"), batch) for method in (flexmatch, fixmatch))
    assert torch.equal(flexible.loss, fixed.loss)
    assert torch.equal(flexible.pseudo.selected, fixed.pseudo.selected)
    torch.testing.assert_close(flexible.pseudo.threshold, fixed.pseudo.threshold)
    assert fixed.pseudo.selected.any() and (unused == 15 or not fixed.pseudo.selected.all())


def test_flexmatch_remembers_confident_pseudo_labels():
    method = method_of("flexmatch")
    method.setup(Facts(3, torch.arange(3), torch.ones(3), 6), nn.Identity())

    def seen(j: list[int], *rows: list[float]) -> None:
        method.observe(SimpleNamespace(), torch.tensor(rows), torch.tensor(j))

    assert method.memory.tolist() == [3] * 6
    seen([0, 1, 4], [0.96, 0.02, 0.02], [0.0, 0.99, 0.01], [0.5, 0.4, 0.1])
    assert method.memory.tolist() == [0, 1, 3, 3, 3, 3]
    assert method.beta.tolist() == [0, 0, 0]  # of what was remembered before
    seen([2, 4, 0], [0.97, 0.03, 0.0], [0.98, 0.01, 0.01], [0.2, 0.8, 0.0])
    assert method.memory.tolist() == [0, 1, 0, 3, 0, 3]  # the latest confident one stays
    again = copy.deepcopy(method)
    p, j = torch.eye(3)[[2, 1, 0, 1]], torch.tensor([5, 5, 1, 1])
    again.observe(SimpleNamespace(), p * 0.9 + 0.03, j)
    assert again.memory.tolist() == [0, 1, 0, 3, 0, 3]  # at 0.93 nobody is confident
    again.observe(SimpleNamespace(), p * torch.tensor([1, 1, 1, 0.9])[:, None], j)
    assert again.memory.tolist() == [0, 0, 0, 3, 0, 1]  # of one input's two the later, if it is confident
    assert method.beta.tolist() == [0.25, 0.25, 0]
    seen([3], [0.1, 0.1, 0.8])
    assert method.beta.tolist() == pytest.approx([1, 1 / 3, 0])
    p = torch.tensor([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2], [0.2, 0.3, 0.5]])
    tau = method.threshold(p, torch.arange(3))
    assert tau.tolist() == pytest.approx([0.95, 0.95 * (1 / 3) / (2 - 1 / 3), 0])
