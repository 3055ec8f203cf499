"""The student: optimizer, running average, against hand computations."""

import copy
from functools import partial

import pytest
import torch
from students import copies, images, net, same, still, student

from benchmarks.training.student import Student


def test_a_step_is_taken_at_its_own_learning_rate() -> None:
    s = student(schedule=lambda progress: 1 - progress)
    for t in range(3):
        assert s.progress == pytest.approx(t / 10) and s.lr == pytest.approx(0.1 * (1 - t / 10))
        before = copies(s.parameters)
        s.descend(sum(p.sum() for p in s.parameters))  # every gradient is 1
        for p, q in zip(s.parameters, before, strict=True):
            torch.testing.assert_close(q - p, torch.full_like(p, 0.1 * (1 - t / 10)), rtol=1e-4, atol=1e-7)
    assert s.step == 3


def test_biases_and_norms_are_not_decayed() -> None:
    s = student(optimizer=partial(torch.optim.SGD, lr=0.5, weight_decay=0.1))
    before = dict(zip(dict(s.net.named_parameters()), copies(s.parameters), strict=True))
    s.descend(still(s))
    for name, p in s.net.named_parameters():
        if name in ("0.weight", "3.weight"):
            torch.testing.assert_close(p, before[name] * (1 - 0.5 * 0.1))
        else:
            assert name in ("0.bias", "1.weight", "1.bias", "3.bias")
            assert torch.equal(p, before[name])


def test_or_all_parameters_are() -> None:
    s = student(optimizer=partial(torch.optim.SGD, lr=0.5, weight_decay=0.1), decayed="all")
    before = copies(s.parameters)
    s.descend(still(s))
    for p, q in zip(s.parameters, before, strict=True):
        torch.testing.assert_close(p, q * (1 - 0.5 * 0.1))


def test_descending_trains_the_net_alone() -> None:
    s, other = student(optimizer=partial(torch.optim.SGD, lr=0.1, weight_decay=0.1)), net()
    x = images().requires_grad_()
    idle = s.net[3].bias  # the loss does not reach it
    before, elsewhere = copies(s.parameters), copies(other.parameters())
    hidden = s.net[2](s.net[1](s.net[0](x))) @ s.net[3].weight.T
    s.descend((hidden * other(x)).square().mean())
    assert same(other.parameters(), elsewhere)
    assert all(p.grad is None for p in other.parameters()) and x.grad is None
    moved = {id(p) for p, q in zip(s.parameters, before, strict=True) if not torch.equal(p, q)}
    assert moved >= {id(p) for p in s.parameters if p.ndim > 1}  # a bias below batch norm hardly does
    assert id(idle) not in moved


def test_a_saved_student_goes_on_as_if_never_stopped() -> None:
    optimizer = partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True)
    whole, first, second = (student(optimizer=optimizer) for _ in range(3))

    def train(s: Student, steps: int) -> None:
        for _ in range(steps):
            s.descend(s.net(images(s.step + 2)).square().mean())

    train(whole, 5)
    train(first, 3)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    train(second, 2)
    assert second.step == 5
    for mine, theirs in ((second.net, whole.net), (second.average, whole.average)):
        assert same(mine.state_dict().values(), theirs.state_dict().values())


@pytest.mark.parametrize("decay", [0.0, 0.7, 0.999])
def test_the_average_after_t_steps(decay: float) -> None:
    s = student(decay=decay)
    trail = [copies(s.parameters)]
    assert same(s.average.parameters(), trail[0])
    for t in range(1, 7):
        s.descend(s.net(images(t + 2)).square().mean())
        trail.append(copies(s.parameters))
        # by min(decay, 1 - 1 / (t + 1)): the plain mean of all weights so far while decay allows it
        expected = trail[0]
        for k, weights in enumerate(trail[1:], start=1):
            d = min(decay, 1 - 1 / (k + 1))
            expected = [d * a + (1 - d) * w for a, w in zip(expected, weights, strict=True)]
        if decay == 0.999:
            expected = [torch.stack(parts).mean(0) for parts in zip(*trail, strict=True)]
        for a, e in zip(s.average.parameters(), expected, strict=True):
            torch.testing.assert_close(a, e)
        assert same(s.average.buffers(), s.net.buffers())  # copied, not averaged
    assert s.average[1].num_batches_tracked == 6
    assert (decay == 0) == same(s.average.parameters(), s.parameters)


def test_the_average_only_predicts() -> None:
    s = student()
    for _ in range(3):
        s.descend(s.net(images()).square().mean())
    assert not s.average.training and s.net.training
    assert not any(p.requires_grad for p in s.average.parameters())
    buffers = copies(s.average.buffers())
    logits = s.teacher(images())
    assert not logits.requires_grad and same(s.average.buffers(), buffers)
    torch.testing.assert_close(s.teacher(images()[:2]), logits[:2])  # at rest: an input does not see its batch


def test_predictions_are_made_in_training_mode_without_a_gradient() -> None:
    s = student()
    logits = s.predict(images())
    assert not logits.requires_grad
    assert s.net[1].num_batches_tracked == 1
    assert not torch.allclose(s.predict(images()[:2]), logits[:2])
    assert torch.allclose(logits, net()(images()).detach(), atol=1e-6)  # another memory format
