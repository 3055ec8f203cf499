"""The student, the evaluation and the meter, against hand computations."""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from benchmarks.build import make
from torch import Tensor, nn

from benchmarks.config import compose, plain
from benchmarks.data.task import Answers, Split
from benchmarks.errors import UserError
from benchmarks.run import execute
from benchmarks.store.run import Run
from benchmarks.training import student as schedules
from benchmarks.training.evaluation import ROWS, evaluate, final_pass, predict, scores
from benchmarks.training.meter import Meter
from benchmarks.training.student import Student, constant
from methods.base import Pseudo, Step
from methods.fixmatch import FixMatch


def net() -> nn.Sequential:
    """Parameters of one and of two or more dimensions, and buffers."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def student(**changed: Any) -> Student:
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return Student(
        net(),
        **{"optimizer": optimizer, "schedule": constant, "decay": 0.9, "steps": 10, "engine": "forward"} | changed,
    )


def images(n: int = 5) -> Tensor:
    return torch.randn(n, 1, 4, 4, generator=torch.Generator().manual_seed(n))


def still(s: Student) -> Tensor:
    """A loss that depends on every parameter and moves none."""
    return sum(p.sum() for p in s.parameters) * 0


def copies(parameters: Any) -> list[Tensor]:
    return [p.detach().clone() for p in parameters]


def same(a: Any, b: Any) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a, b, strict=True))


# --- schedules


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (partial(schedules.cosine, cycles=7 / 32), {0: 1, 0.5: 0.773010453, 1: 0.195090322}),  # cos 39.375, 78.75 deg.
        (schedules.annealing, {0: 1, 0.25: (2 + math.sqrt(2)) / 4, 0.5: 0.5, 1: 0}),
        (partial(schedules.annealing, floor=0.1), {0: 1, 0.5: 0.55, 1: 0.1}),
        (
            partial(schedules.multistep, milestones=[1 / 3, 2 / 3], gamma=0.1),
            {0: 1, 0.33: 1, 0.34: 0.1, 0.66: 0.1, 0.67: 0.01, 1: 0.01},
        ),
        (
            partial(schedules.stepwise, milestones=[0.25, 0.5], factors=[1.0, 0.5, 0.1]),
            {0: 1, 0.2: 1, 0.25: 0.5, 0.49: 0.5, 0.5: 0.1, 1: 0.1},
        ),
        (constant, {0: 1, 0.5: 1, 1: 1}),
    ],
)  # fmt: skip
def test_schedules(schedule: Callable[[float], float], expected: dict[float, float]) -> None:
    for progress, factor in expected.items():
        assert schedule(progress) == pytest.approx(factor, abs=1e-9), progress


def test_factors_that_do_not_fit_their_milestones_are_refused_at_once() -> None:
    with pytest.raises(UserError, match=r"^2 milestones need 3 factors, got 2$"):
        schedules.stepwise(0.0, milestones=[0.25, 0.5], factors=[1.0, 0.5])


@pytest.mark.parametrize(
    ("protocol", "step", "lr"),
    [
        ("fixmatch", 2**19, 0.03 * math.cos(7 * math.pi / 32)),  # half of 2^20 steps
        ("meta_t", 102_399, 0.03),  # epoch 100 of 300 begins after 102,400 steps
        ("meta_t", 102_401, 0.003),
        ("meta_t", 204_801, 0.0003),
        ("meta_semi", 180_000, 0.05),
        ("mixmatch", 1_000_000, 0.002),
    ],
)
def test_protocols_learning_rates(protocol: str, step: int, lr: float) -> None:
    cfg = compose([f"protocol={protocol}", "scale=paper"])
    s = student(optimizer=make(cfg.protocol.optimizer), schedule=make(cfg.protocol.schedule), steps=cfg.steps)
    s.step = step
    assert s.lr == pytest.approx(lr, rel=1e-6)


def test_a_step_is_taken_at_its_own_learning_rate() -> None:
    s = student(schedule=lambda progress: 1 - progress)
    for t in range(3):
        assert s.progress == pytest.approx(t / 10) and s.lr == pytest.approx(0.1 * (1 - t / 10))
        before = copies(s.parameters)
        s.descend(sum(p.sum() for p in s.parameters))  # every gradient is 1
        for p, q in zip(s.parameters, before, strict=True):
            torch.testing.assert_close(q - p, torch.full_like(p, 0.1 * (1 - t / 10)), rtol=1e-4, atol=1e-7)
    assert s.step == 3


# --- the optimizer's part


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


def test_descending_trains_the_net_alone() -> None:
    s, other = student(optimizer=partial(torch.optim.SGD, lr=0.1, weight_decay=0.1)), net()
    x = images().requires_grad_()
    idle = s.net[3].bias  # the loss does not reach it
    before, elsewhere = copies(s.parameters), copies(other.parameters())
    hidden = s.net[2](s.net[1](s.net[0](x))) @ s.net[3].weight.T
    s.descend((hidden * other(x)).square().mean())
    assert same(other.parameters(), elsewhere)
    assert all(p.grad is None for p in other.parameters()) and x.grad is None
    moved = [not torch.equal(p, q) for p, q in zip(s.parameters, before, strict=True)]
    assert moved == [p is not idle for p in s.parameters]


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


# --- the running average


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


# --- precision


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_precision_is_that_of_the_plain_passes(precision: str, dtype: torch.dtype) -> None:
    s = student(precision=precision)
    with s.autocast():
        assert s.net(images()).dtype == dtype
    s.descend(s.net(images()).float().square().mean())
    assert {p.dtype for p in (*s.parameters, *s.average.parameters())} == {torch.float32}


@pytest.mark.parametrize("name", ["meta_t", "meta_semi"])
def test_the_meta_step_is_in_single_precision(name: str, assemble: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = assemble(f"method={name}", "scale=smoke", "precision=bfloat16")
    s, seen, found = parts.student, [], []
    engine = s.engine

    def spy(net: Any, inner: Any, meta: Any, weights: Any, lr: float) -> Any:
        def watched(net: Any) -> Tensor:
            loss = meta(lambda x: seen.append(net(x)) or seen[-1])
            seen.append(loss)
            return loss

        influence, here = engine(net, inner, watched, weights, lr)
        found.append(influence)
        return influence, here

    s.engine = spy
    with s.autocast():
        step = parts.method.loss(s, parts.loader.next())
        assert s.net(parts.loader.next().x).dtype == torch.bfloat16
    assert {t.dtype for t in seen} == {torch.float32} and len(seen) == 2
    assert found[0].dtype == torch.float32 and found[0].abs().sum() > 0
    assert torch.isfinite(step.loss)


def test_thresholds_are_made_in_single_precision(assemble: Any) -> None:
    parts = assemble("method=meta_t", "scale=smoke", "precision=bfloat16")
    p, j = torch.randn(6, 10).softmax(-1), torch.arange(6)
    tau = parts.method.threshold(p, j)
    with parts.student.autocast():
        assert torch.equal(parts.method.threshold(p, j), tau)


def test_p_bar_is_taken_in_single_precision(assemble: Any) -> None:
    ends = []
    for precision in ("float32", "bfloat16"):
        parts = assemble("method=meta_t", "scale=smoke", f"precision={precision}", "method.momentum=0.5")
        p = torch.randn(64, 10, generator=torch.Generator().manual_seed(0)).softmax(-1)
        with parts.student.autocast():
            parts.method.observe(parts.student, p, torch.arange(64))
        ends.append(parts.method.p_bar)
    assert torch.equal(*ends)


# --- a loss that is not finite


@pytest.mark.parametrize(
    ("seconds", "kept"), [("0", "the last good checkpoint is step 4"), ("300", "no checkpoint yet")]
)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite(seconds: str, kept: str, bad: float, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    monkeypatch.setenv("SSL_CHECKPOINT", seconds)
    cfg = compose(["scale=smoke", "steps=8"])
    good = FixMatch.loss

    def loss(self: FixMatch, student: Any, batch: Any) -> Step:
        step = good(self, student, batch)
        return step._replace(loss=step.loss * bad) if student.step == 5 else step

    monkeypatch.setattr(FixMatch, "loss", loss)
    run = Run(plain(cfg))
    with pytest.raises(UserError) as refused:
        execute(cfg)
    message = str(refused.value)
    assert run.id in message and "not finite at step 5 " in message and kept in message and "\n" not in message
    assert not run.done
    assert [row["step"] for row in run.rows()] == [2, 4]

    monkeypatch.setattr(FixMatch, "loss", good)  # the same command goes on from there
    steps: list[int] = []
    assert execute(cfg, lambda row: steps.append(row["step"])).done
    assert steps == ([6, 8] if seconds == "0" else [2, 4, 6, 8])


# --- evaluation


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
    assert found["recall"][:6] == pytest.approx(recall) and math.isnan(found["recall"][6])
    assert found["balanced"] == pytest.approx(100 * (1 - sum(recall) / 6))


def test_scores_of_few_classes() -> None:
    found = scores(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1]))
    assert (found["error"], found["top5"], found["balanced"], found["recall"]) == (50, 0, 50, [1, 0])


def test_evaluation_is_of_the_plain_view(assemble: Any) -> None:
    parts = assemble("scale=smoke", "task.validation=20")
    task, answers, s = parts.task, parts.answers, parts.student
    x = (answers.test.x.float() / 255 - task.augment.mean[0]) / task.augment.std[0]
    error = 100 * (s.average(x).argmax(-1) != answers.test.y).float().mean().item()
    row = evaluate(s.average, task, answers)
    assert row["error"] == pytest.approx(error, abs=1e-4)
    assert row["validation"] == scores(predict(s.average, answers.validation.x, task), answers.validation.y)["error"]
    without = Answers(answers.hidden, Split(*answers.test), None, "")
    assert "validation" not in evaluate(s.average, task, without)


def test_predictions_come_in_the_order_of_the_inputs(assemble: Any) -> None:
    parts = assemble("scale=smoke")
    x = parts.task.unlabelled.repeat(2 * ROWS // len(parts.task.unlabelled) + 1, 1, 1, 1)
    p = predict(parts.student.average, x, parts.task)
    assert len(x) > 2 * ROWS and p.shape == (len(x), 10)
    torch.testing.assert_close(p.sum(1), torch.ones(len(x)))
    assert len(p.unique(dim=0)) > 100
    torch.testing.assert_close(
        p[ROWS - 50 : ROWS + 50], predict(parts.student.average, x[ROWS - 50 : ROWS + 50], parts.task)
    )


def test_the_final_pass(assemble: Any) -> None:
    parts = assemble("scale=smoke")
    p = predict(parts.student.average, parts.task.unlabelled, parts.task)
    confidence, label = p.max(-1)
    parts.method.tau = tau = confidence.median().item()
    columns = final_pass(parts.method, parts.student.average, parts.task, parts.answers)
    assert columns["hidden"] == parts.answers.hidden.tolist()
    assert columns["label"] == label.tolist()
    assert columns["confidence"] == [f"{c:.6f}" for c in confidence.tolist()]
    assert columns["threshold"] == [f"{tau:.6f}"] * len(p)
    assert columns["selected"] == (confidence > tau).int().tolist()
    assert 0 < sum(columns["selected"]) < len(p)


# --- the meter


def pseudo(label: list[int], threshold: list[float], selected: list[int]) -> Pseudo:
    confidence = torch.full((len(label),), 0.5)
    return Pseudo(torch.tensor(label), confidence, torch.tensor(threshold), torch.tensor(selected).bool())


def metered(*steps: tuple[Step, list[int]]) -> Meter:
    meter = Meter(4, torch.device("cpu"))
    for index, (step, hidden) in enumerate(steps):
        meter.add(index, step, torch.tensor(hidden, dtype=torch.int64))
    return meter


ONE = torch.ones(())


def test_the_meter_by_hand() -> None:
    first = Step(ONE, {"loss_u": ONE * 2, "rare": ONE * 7}, pseudo([0, 0, 1, 2], [0.2, 0.4, 0.9, 0.1], [1, 1, 1, 0]))
    second = Step(ONE, {"loss_u": ONE * 4}, pseudo([0, 1, 1, 2], [0.6, 0.7, 0.8, 0.3], [0, 1, 1, 1]))
    meter = metered((first, [0, 1, -1, 2]), (second, [0, 1, 2, -1]))
    found = meter.flush()
    assert found == pytest.approx(
        {
            "loss_u": 3,
            "rare": 7,  # a mean over the steps that logged it
            "correct": (1 + 1) / 8,
            "wrong": (1 + 1) / 8,
            "selected": (3 + 3) / 8,  # also those of which nobody knows the class
            "threshold": ((0.2 + 0.4 + 0.6) / 3 + (0.9 + 0.7 + 0.8) / 3 + (0.1 + 0.3) / 2) / 3,  # nothing of class 3
        }
    )
    assert meter.flush() == {}  # since the last flush


def test_the_meter_without_thresholds_and_without_pseudo_labels() -> None:
    nan = [math.nan] * 2
    assert metered((Step(ONE, {}, pseudo([0, 3], nan, [1, 1])), [0, 0])).flush() == pytest.approx(
        {"correct": 0.5, "wrong": 0.5, "selected": 1}
    )
    assert metered((Step(ONE, {"loss_s": ONE}), [])).flush() == {"loss_s": 1}


def test_the_meter_keeps_no_graph() -> None:
    w = torch.ones((), requires_grad=True)
    meter = metered((Step(w * 2, {"loss_u": w * 2}, pseudo([0], [0.5], [1])), [0]))
    assert not any(t.requires_grad for t in meter.sums.values())


def test_the_meter_names_the_first_bad_step() -> None:
    losses = [1, math.inf, 2, math.nan]
    assert metered(*((Step(ONE * v), []) for v in losses)).bad_step == 1
    assert metered(*((Step(ONE * v), []) for v in losses[:1])).bad_step == -1


def test_a_saved_meter_goes_on_as_if_never_stopped() -> None:
    step = Step(ONE, {"loss_u": ONE * 2}, pseudo([0, 1], [0.2, 0.4], [1, 0]))
    whole = metered(*[(step, [0, 0])] * 3)
    first, second = metered(*[(step, [0, 0])] * 2), metered()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.add(2, step, torch.tensor([0, 0]))
    assert second.flush() == whole.flush()
