"""Adsh: the official rule in plain Python, the pseudo-labels, and when thresholds are renewed."""

import numpy as np
import pytest
import torch
from toy import FACTS, C, H, ToyNet, batch_of, logits, same, softmax, student_of

from methods.adsh import Adsh

TAU = 0.5


def made(tau: float = TAU, **numbers: float) -> tuple[Adsh, torch.nn.Module]:
    m = Adsh(**{"tau": tau, "period": 0.1, "lambda_u": 2.0, "batch_norm": "split"} | numbers)
    return m, m.setup(FACTS, ToyNet())


def official(score: list[float], confidence: list[float], label: list[int], tau: float) -> list[float]:
    """What the rule says, class by class and input by input."""
    lists = [sorted((c for c, y in zip(confidence, label, strict=True) if y == k), reverse=True) for k in range(C)]
    rho = 1.0
    for n, c in enumerate(lists[0]):
        if c < tau:
            break
        rho = (n + 1) / len(lists[0])
    score = list(score)
    for k in range(1, C):
        if lists[k]:
            score[k] = min(tau, lists[k][max(0, round(len(lists[k]) * rho - 1))])
    return score


@pytest.mark.parametrize("seed", range(20))
def test_the_official_rule(seed):
    rng = np.random.default_rng(seed)
    n = 60
    m = Adsh(tau=0.8, period=0.1, lambda_u=1.0, batch_norm="split")
    m.setup(FACTS._replace(n_unlabelled=n), ToyNet())
    label = rng.choice(C + 1, n, p=[0.4, 0.3, 0.1, 0.2] if seed % 4 else [0.4, 0, 0.3, 0.3])  # C: not seen yet
    confidence = rng.uniform(0.3, 1 if seed % 5 else 0.79, n).astype(np.float32)
    m.score.copy_(torch.tensor([0.8, 0.7, 0.6]))
    m.label.copy_(torch.tensor(label))
    m.confidence.copy_(torch.tensor(confidence))
    seen = label < C
    expected = official([0.8, 0.7, 0.6], confidence[seen].tolist(), label[seen].tolist(), 0.8)
    assert m.rule().tolist() == pytest.approx(expected)
    assert m.rule()[0] == m.score[0] and m.rule().max() <= 0.8 + 1e-7


def test_no_input_of_the_first_class_that_passes_means_that_all_of_the_others_do():
    m, _ = made(0.9)
    m.label.copy_(torch.tensor([0] * 4 + [1] * 4 + [3] * 4))
    m.confidence.copy_(torch.tensor([0.8, 0.7, 0.6, 0.5, 0.95, 0.9, 0.6, 0.4, 0, 0, 0, 0]))
    assert m.rule().tolist() == pytest.approx([0.9, 0.4, 0.9])  # rho = 1; nothing is predicted as class 2
    m.confidence[0] = 0.95  # a quarter
    assert m.rule().tolist() == pytest.approx([0.9, 0.9, 0.9])
    m.confidence[1] = 0.92  # a half
    assert m.rule().tolist() == pytest.approx([0.9, 0.9, 0.9])  # min(tau, .)
    m.confidence[2] = 0.91  # three quarters
    assert m.rule().tolist() == pytest.approx([0.9, 0.6, 0.9])


def test_the_first_class_is_the_one_with_the_most_labels():
    m = Adsh(tau=0.9, period=0.1, lambda_u=1.0, batch_norm="split")
    m.setup(FACTS._replace(class_counts=torch.tensor([1, 2, 9])), ToyNet())
    m.label.copy_(torch.tensor([2] * 4 + [0] * 4 + [3] * 4))
    m.confidence.copy_(torch.tensor([0.95, 0.7, 0.6, 0.5, 0.8, 0.7, 0.6, 0.4, 0, 0, 0, 0]))
    assert m.rule().tolist() == pytest.approx([0.8, 0.9, 0.9])


def test_equation():
    m, net = made()
    student, batch = student_of(net, done=0), batch_of(2)
    m.score.copy_(torch.tensor([0.5, 0.30, 0.36]))
    m.renewed.fill_(9)
    p = softmax(logits(net, batch.u[0]))
    out = logits(net, torch.cat([batch.x, batch.u[1]]))
    x, strong = softmax(out[: len(batch.x)]), softmax(out[len(batch.x) :])
    rectified = p / m.score.numpy()
    label, mask = rectified.argmax(-1), rectified.max(-1) >= 1
    assert (label != p.argmax(-1)).any() and 0 < mask.sum() < len(mask)  # or nothing would be tested
    expected = H(batch.y, x) + 2 * (mask * -np.log(strong[np.arange(len(p)), label])).mean()
    step = m.loss(student, batch)
    assert step.loss.item() == pytest.approx(expected, abs=1e-6)
    assert step.pseudo.label.tolist() == label.tolist()
    assert step.pseudo.selected.tolist() == mask.tolist()
    assert np.allclose(step.pseudo.confidence, p[np.arange(len(p)), label], atol=1e-6)


def test_a_prediction_at_its_threshold_is_selected():
    m, _ = made()
    p = torch.tensor([[0.5, 0.3, 0.2], [0.499, 0.3, 0.201]])
    assert m.pseudo(p, torch.arange(2)).selected.tolist() == [True, False]


def test_thresholds_are_tau_for_two_periods_and_renewed_once_in_each():
    m, _ = made(0.9)
    student = student_of(ToyNet(), done=0, steps=100)
    scores = []
    for k in range(50):
        student.count = k
        torch.manual_seed(k)
        m.observe(student, (2 * torch.randn(6, C)).softmax(-1), torch.randperm(12)[:6])
        scores.append(m.score.clone())
    assert all(torch.equal(s, torch.full((C,), 0.9)) for s in scores[:20])
    assert [k for k in range(1, 50) if not torch.equal(scores[k], scores[k - 1])] == [20, 30, 40]
    assert all(s[0] == m.score[0] for s in scores)


def test_what_is_remembered_is_each_input_s_latest_prediction():
    m, _ = made()
    student = student_of(ToyNet(), done=0)
    p = torch.tensor([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.1, 0.2, 0.7]])
    m.observe(student, p, torch.tensor([4, 7, 4]))  # 4 twice: where an epoch ends
    assert m.label.tolist() == [3] * 4 + [2] + [3] * 2 + [1] + [3] * 4
    assert m.confidence[[4, 7]].tolist() == pytest.approx([0.7, 0.8])
    before = [b.clone() for b in m.buffers()]
    m.pseudo(p, torch.arange(3))
    assert same(before, list(m.buffers()))
