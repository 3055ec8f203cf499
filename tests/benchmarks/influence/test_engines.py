"""d L_meta(w_hat) / d s by every engine, against reverse mode over reverse mode."""

import pytest
import torch
from models import UNLABELLED, batch_of, every_net, own_buffers, relative, student_of
from problems import problem, unrolled
from torch import Tensor, nn
from torch.func import functional_call

from benchmarks.errors import UserError
from benchmarks.influence.engines import ENGINES


def near(kind: str) -> float:
    """What a finite difference may be wrong by; in the CNN-13 of four channels some rectifier switches in any step."""
    return 0.1 if kind == "cnn13" else 0.01


@every_net
@pytest.mark.parametrize("base", [True, False], ids=["base", "zero"])
@pytest.mark.parametrize("engine", ["forward", "higher", "finite_difference"])
@pytest.mark.usefixtures("double")
def test_every_engine_is_the_unrolled_derivative(kind, base, engine):
    student = student_of(kind, engine)
    inner, meta, s = problem(batch_of("weak"), base)
    truth = unrolled(student, inner, meta, torch.zeros(UNLABELLED) if s is None else s)
    found, _ = student.influence(inner, meta, s)
    assert found.shape == (UNLABELLED,) and not found.requires_grad
    assert relative(found, truth) < (near(kind) if engine == "finite_difference" else 1e-9)


@every_net
@pytest.mark.parametrize("base", [True, False], ids=["base", "zero"])
def test_single_precision_is_near_enough(kind, base):
    """The median of three problems: one rectifier that switches can spoil a finite difference."""
    forward, finite_difference = (student_of(kind, engine) for engine in ("forward", "finite_difference"))
    errors = []
    for seed in range(3):
        inner, meta, s = problem(batch_of("weak", seed=seed), base)
        truth = unrolled(forward, inner, meta, torch.zeros(UNLABELLED) if s is None else s)
        assert relative(forward.influence(inner, meta, s)[0], truth) < 1e-4
        errors.append(relative(finite_difference.influence(inner, meta, s)[0], truth))
    assert sorted(errors)[1] < near(kind)


@every_net
def test_in_half_precision_the_tangent_is_the_product_of_that_pass_s_gradients(kind):
    """-lr <grad L_meta, grad l_j>, which autograd takes of the same pass in bfloat16."""
    student, errors = student_of(kind), []
    for seed in range(3):
        inner, meta, _ = problem(batch_of("weak", seed=seed), base=False)
        with torch.autocast("cpu", torch.bfloat16):
            found, _ = student.influence(inner, meta)
            losses, outer = inner(student.net).losses, meta(student.net)
        options = {"retain_graph": True, "materialize_grads": True}
        gradients = [torch.autograd.grad(loss, student.parameters, **options) for loss in (*losses, outer)]
        *each, v = [torch.cat([g.flatten() for g in gradient]) for gradient in gradients]
        truth = -student.lr * torch.stack(each) @ v
        assert found.dtype == torch.float32
        errors.append(relative(found, truth))
    assert 1e-5 < sorted(errors)[1] < 0.05, errors


@pytest.mark.usefixtures("double")
def test_dropout_draws_one_mask_for_all_passes():
    student = student_of("tiny", "finite_difference")
    student.net.features.append(nn.Dropout(0.5))
    inner, meta, s = problem(batch_of("weak"), base=True)
    torch.manual_seed(5)
    wanted = unrolled(student, inner, meta, s)
    drawn = torch.get_rng_state()
    torch.manual_seed(5)
    found, _ = student.influence(inner, meta, s)
    assert relative(found, wanted) < 0.01  # all passes with one mask
    assert torch.equal(torch.get_rng_state(), drawn)
    student.engine = ENGINES["forward"]
    torch.manual_seed(5)
    assert relative(student.influence(inner, meta, s)[0], wanted) < 1e-9
    student.net.features.append(nn.AlphaDropout(0.5))
    with pytest.raises(UserError, match=r"dropout.*: it is random; choose engine=finite_difference$"):
        student.influence(inner, meta, s)


@every_net
@pytest.mark.parametrize("engine", ["forward", "higher", "finite_difference"])
@pytest.mark.usefixtures("double")
def test_influence_leaves_the_student_as_one_plain_pass_does(kind, engine):
    student, plain = student_of(kind, engine), student_of(kind)
    inner, meta, s = problem(batch_of("weak"), base=True)
    weights = [p.detach().clone() for p in student.parameters]
    _, here = student.influence(inner, meta, s)
    expected = inner(plain.net)

    for mine, theirs in zip(student.net.buffers(), plain.net.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=0)
    assert all(torch.equal(p, q) and p.grad is None for p, q in zip(student.parameters, weights, strict=True))
    assert student.step == 0 and not student.optimizer.state

    torch.testing.assert_close(here.losses, expected.losses, rtol=1e-12, atol=0)  # with its graph: what is descended
    gradients = torch.autograd.grad(here.total(s), student.parameters, allow_unused=True)
    wanted = torch.autograd.grad(expected.total(s), plain.parameters, allow_unused=True)
    torch.testing.assert_close(gradients, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("double")
def test_proposition_1_m_steps_give_m_times_the_derivative():
    student, batch = student_of("tf"), batch_of("weak")
    inner, meta, _ = problem(batch, base=False)

    def derivative(m: int) -> Tensor:
        w = torch.zeros(UNLABELLED, requires_grad=True)
        params = dict(student.net.named_parameters())
        for _ in range(m):
            at = params
            here = inner(lambda x, at=at: functional_call(student.net, (at, own_buffers(student.net)), (x,)))
            grads = torch.autograd.grad((w * here.losses).sum(), list(at.values()), create_graph=True)
            params = {name: p - student.lr * g for (name, p), g in zip(at.items(), grads, strict=True)}
        loss = meta(lambda x: functional_call(student.net, (params, own_buffers(student.net)), (x,)))
        return torch.autograd.grad(loss, w)[0]

    found, _ = student.influence(inner, meta)
    assert relative(derivative(1), found) < 1e-9
    assert relative(derivative(3), 3 * found) < 1e-9
