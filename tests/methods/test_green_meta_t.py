"""Green Meta-T."""

from itertools import pairwise

import pytest
import torch
from models import equal
from trails import trail


def test_green_meta_t_at_k_1_is_meta_t_bit_for_bit(assemble):
    steps, thetas, parts = trail("meta_t", assemble)
    green, green_thetas, green_parts = trail("green_meta_t", assemble, "k=1")
    assert all(torch.equal(a.loss, b.loss) for a, b in zip(steps, green, strict=True))
    assert all(equal(a, b) for a, b in zip(thetas, green_thetas, strict=True))
    assert equal(parts.student.parameters, green_parts.student.parameters)
    assert equal(list(parts.student.average.parameters()), list(green_parts.student.average.parameters()))
    assert torch.equal(parts.method.p_bar, green_parts.method.p_bar)


@pytest.mark.parametrize("k", [2, 3])
def test_green_meta_t_learns_thresholds_on_every_kth_step_only(k, assemble):
    steps, thetas, parts = trail("green_meta_t", assemble, f"k={k}", "slope=5")
    learned = [not equal(a, b) for a, b in pairwise(thetas)]
    assert learned == [t % k == 0 for t in range(6)]
    assert [("meta_gradient" in step.log) for step in steps] == learned
    assert all(not torch.isnan(step.pseudo.threshold).any() for step in steps)  # thresholds apply on every step
    assert not torch.equal(parts.method.p_bar, torch.full((10, 10), 0.1))
