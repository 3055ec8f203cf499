"""DARP: its refinement against a convex solver, what counts as noise, the class distribution, and when it begins."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from toy import FACTS, C, H, M, ToyNet, batch_of, logits, same, softmax, student_of

from methods.darp import DARP, dual, entropy, unmixed

NUMBERS = {
    "tau": 0.4, "lambda_u": 2.0, "batch_norm": "split", "distribution": "labels", "counts": None, "momentum": 0.9,
    "alpha": 2.0, "warm_up": 0.4, "every": 3, "T": 200, "newton": 5,
}  # fmt: skip


def made(**numbers: object) -> tuple[DARP, torch.nn.Module]:
    m = DARP(**NUMBERS | numbers)
    return m, m.setup(FACTS, ToyNet())


def predictions(n: int, seed: int = 0, sharp: float = 1.5) -> np.ndarray:
    return softmax(sharp * np.random.default_rng(seed).normal(size=(n, C)))


def solved(p: np.ndarray, m: np.ndarray) -> np.ndarray:
    """min sum_m w_m KL(x_m || p_m) under both constraints, by a general solver from the outer product."""
    w = -1 / (p * np.log(p)).sum(1)
    n = len(p)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        x = x.reshape(p.shape)
        return (w[:, None] * x * np.log(x / p)).sum(), (w[:, None] * (np.log(x / p) + 1)).ravel()

    rows, columns = np.kron(np.eye(n), np.ones(C)), np.kron(np.ones(n), np.eye(C))[: C - 1]  # the last one follows
    constraints = np.concatenate([rows, columns])
    sums = np.concatenate([np.ones(n), m[: C - 1]])
    found = minimize(
        objective, np.tile(m / n, n), jac=True, method="SLSQP", bounds=[(1e-9, 1)] * p.size,
        constraints={"type": "eq", "fun": lambda x: constraints @ x - sums, "jac": lambda x: constraints},
        options={"maxiter": 1000, "ftol": 1e-15},
    )  # fmt: skip
    return found.x.reshape(p.shape)


@pytest.mark.parametrize("m", [[5.0, 2.0, 1.0], [1.0, 3.0, 4.0], [8 / 3, 8 / 3, 8 / 3]])
def test_the_dual_solves_the_convex_problem(m):
    p = predictions(8)
    log_p, h = torch.tensor(p).log(), entropy(torch.tensor(p))
    x = (log_p - dual(log_p, h, torch.tensor(m).log(), 300, 5) * h).softmax(-1).numpy()
    assert np.allclose(x.sum(0), m, atol=1e-9)
    assert np.allclose(x, solved(p, np.array(m)), atol=2e-5)
    assert np.abs(x - p).max() > 5e-3


def test_few_rounds_suffice():
    """The authors' ten, at 10,000 inputs in float32: counts are met to a tenth, from far away."""
    p = torch.tensor(predictions(10_000, sharp=4.0)).float()
    m = torch.tensor([8000.0, 1500.0, 500.0])
    x = (p.log() - dual(p.log(), entropy(p), m.log(), 10, 5) * entropy(p)).softmax(-1)
    assert np.allclose(x.sum(0), m, rtol=0.1) and p.sum(0).max() < 4000


def cleaned(p: np.ndarray, m: np.ndarray, alpha: float) -> np.ndarray:
    """Column by column: the int(alpha M_k) largest entries stay and are scaled to sum to M_k."""
    q = np.zeros_like(p)
    for k in range(C):
        largest = np.argsort(-p[:, k])[: int(alpha * m[k])]
        q[largest, k] = p[largest, k] * m[k] / p[largest, k].sum()
    q += 1e-6
    return q / q.sum(1, keepdims=True)


@pytest.mark.parametrize("alpha", [1.0, 2.0, 9.0])
def test_noisy_entries_go(alpha):
    m, _ = made(alpha=alpha)
    p = predictions(M)
    m.p.copy_(torch.tensor(p))
    m.renew()
    expected = cleaned(p, M * np.array([3, 2, 1]) / 6, alpha)
    assert np.allclose(m.cleaned(m.p), expected, atol=1e-5)
    assert (expected < 1e-5).any() == (alpha < 6)


def test_equation():
    m, net = made()
    student, batch = student_of(net, done=60), batch_of(2)  # a step that renews
    before = predictions(M, 5)
    m.p.copy_(torch.tensor(before))
    p = softmax(logits(net, batch.u[0]))
    out = logits(net, torch.cat([batch.x, batch.u[1]]))
    x, strong = softmax(out[: len(batch.x)]), softmax(out[len(batch.x) :])
    before[batch.j] = p
    counts = M * np.array([3, 2, 1]) / 6
    refined = solved(cleaned(before, counts, 2.0), counts)[batch.j]
    label, mask = refined.argmax(-1), refined.max(-1) > 0.4
    assert (label != p.argmax(-1)).any() and mask.any()
    expected = H(batch.y, x) + 2 * (mask * -np.log(strong[np.arange(len(p)), label])).mean()
    step = m.loss(student, batch)
    assert step.loss.item() == pytest.approx(expected, abs=1e-6)
    assert step.pseudo.label.tolist() == label.tolist()
    assert np.allclose(step.pseudo.confidence, refined.max(-1), atol=1e-4)


def test_before_it_begins_it_is_fixmatch_and_every_few_steps_nu_is_renewed():
    m, net = made()
    student, j = student_of(net, done=0), torch.arange(6)
    nus = []
    for k in range(50):
        student.count = k
        p = torch.tensor(predictions(6, seed=k)).float()
        m.observe(student, p, j)
        nus.append(m.nu.clone())
        assert torch.equal(m.refine(p, j), p) == (k < 40)
    assert [k for k in range(1, 50) if not torch.equal(nus[k], nus[k - 1])] == list(range(3, 50, 3))
    assert [m.phase(k) for k in range(4)] == [True, False, False, True]


def test_memory_is_of_each_input_s_latest_prediction():
    m, net = made()
    p = torch.tensor(predictions(3)).float()
    m.observe(student_of(net, done=1), p, torch.tensor([4, 7, 4]))  # 4 twice: where an epoch ends
    assert torch.equal(m.p[[4, 7]], p[[2, 1]])
    others = [k for k in range(M) if k not in (4, 7)]
    assert torch.equal(m.p[others], torch.full((M - 2, C), 1 / C))
    before = [b.clone() for b in m.buffers()]
    m.pseudo(p, torch.arange(3))
    assert same(before, list(m.buffers()))


def test_known_counts_overrule_the_labels():
    m, _ = made(counts=[1, 1, 2], distribution="confusion")
    assert m.q.tolist() == [0.25, 0.25, 0.5] and not m.estimated
    with pytest.raises(ValueError, match="2 counts for 3 classes"):
        made(counts=[1, 1])


def test_the_distribution_that_the_confusion_explains():
    K = np.array([[0.9, 0.2, 0.1], [0.05, 0.7, 0.2], [0.05, 0.1, 0.7]])  # columns: what class l is predicted as
    q = np.array([0.2, 0.3, 0.5])
    found = torch.ones(C) / C
    for _ in range(100):
        found = unmixed(found, torch.tensor(K * [7, 5, 1]).float(), torch.tensor(K @ q).float())
    assert np.allclose(found, q, atol=1e-4)
    assert np.allclose(found, np.linalg.solve(K, K @ q), atol=1e-4)
    impossible = torch.tensor([0.96, 0.02, 0.02])  # its solution has a negative entry
    for _ in range(100):
        found = unmixed(found, torch.tensor(K).float(), impossible)
    assert found.min() >= 0 and found.sum().item() == pytest.approx(1)


def test_the_confusion_is_a_running_sum_over_labelled_predictions():
    m, net = made(distribution="confusion")
    student, K = student_of(net, done=51), np.eye(C)  # a step that renews
    for seed in range(3):
        batch = batch_of(2, seed=seed)
        x = softmax(logits(net, torch.cat([batch.x, batch.u[1]]))[: len(batch.x)])
        K = 0.9 * K + x.T @ np.eye(C)[batch.y]
        m.loss(student, batch)
        assert np.allclose(m.confusion, K, atol=1e-5)
    assert m.q.sum().item() == pytest.approx(1) and not torch.equal(m.q, torch.tensor([3, 2, 1]) / 6)
    assert not any(b.requires_grad for b in m.buffers())
