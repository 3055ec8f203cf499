"""Fully supervised with RandAugment."""

import pytest
import torch
from toy import H, batch_of, logits, softmax, student_of

from methods.supervised_randaugment import SupervisedRandAugment


def test_equation():
    student, batch = student_of(), batch_of(0)
    expected = H(batch.y, softmax(logits(student.net, batch.x)))
    assert SupervisedRandAugment().loss(student, batch).loss.item() == pytest.approx(expected, abs=1e-6)


def test_labelled_inputs_come_in_strong_views(assemble):
    strong, weak = (assemble(f"method={name}", "scale=smoke") for name in ("supervised_randaugment", "supervised"))
    a, b = strong.loader.next(), weak.loader.next()
    assert torch.equal(a.i, b.i) and not torch.equal(a.x, b.x)
    assert a.u == () and strong.method.labelled_view == "strong"
