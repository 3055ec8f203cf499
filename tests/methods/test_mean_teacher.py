"""Mean Teacher's equation, and who teaches whom."""

import copy

import numpy as np
import pytest
import torch
from toy import B, H, batch_of, logits, same, softmax, statistics, student_of

from methods.mean_teacher import MeanTeacher


def method() -> MeanTeacher:
    return MeanTeacher(w_max=7.0, ramp=0.5)


def test_equation():
    student, batch = student_of(own_statistics=True), batch_of(2)
    first, teacher = logits(student.net, torch.cat([batch.x, batch.u[0]])), logits(student.average, batch.u[1])
    z, z_ = softmax(first[B:]), softmax(teacher)
    expected = H(batch.y, softmax(first[:B])) + 7.0 * np.square(z - z_).sum() / z.size
    assert method().loss(student, batch).loss.item() == pytest.approx(expected, abs=1e-6)


def test_the_consistency_is_with_the_average_and_moves_the_student():
    student, batch = student_of(own_statistics=True), batch_of(2)
    batch = batch._replace(u=(batch.u[0], batch.u[0]))  # not of the student with itself, which would be 0
    value = method().consistency(student, batch)
    assert value > 0.01
    gradients = torch.autograd.grad(value, student.parameters)
    assert all(g.abs().sum() > 0 for name, g in zip("wbgbwb", gradients, strict=True) if name != "b")


def test_only_the_statistics_of_the_average_follow_what_it_labels():
    student, batch = student_of(own_statistics=True), batch_of(2)
    weights, seen = [p.clone() for p in student.average.parameters()], statistics(student.average)
    copied = copy.deepcopy(student.average).train()
    loss = method().loss(student, batch).loss
    loss.backward()
    with torch.no_grad():
        copied(batch.u[1])
    assert same(weights, list(student.average.parameters()))
    assert same(statistics(student.average), statistics(copied)) and not same(statistics(copied), seen)
    student.follow()
    assert same(statistics(student.average), statistics(copied))  # they are not the student's
    assert not any(part.training for part in student.average.modules())
    assert all(p.grad is None for p in student.average.parameters())
