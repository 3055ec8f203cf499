"""Half precision is that of the passes: not of parameters, nor of losses, nor of what thresholds are made of."""

from typing import Any

import pytest
import torch
from students import images, student
from torch import Tensor


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_precision_is_that_of_the_plain_passes(precision: str, dtype: torch.dtype) -> None:
    s = student(precision=precision)
    with s.autocast():
        assert s.net(images()).dtype == dtype
    s.descend(s.net(images()).float().square().mean())
    assert {p.dtype for p in (*s.parameters, *s.average.parameters())} == {torch.float32}


@pytest.mark.parametrize(("engine", "dtype"), [("forward", torch.bfloat16), ("finite_difference", torch.float32)])
@pytest.mark.parametrize("name", ["meta_t", "meta_semi"])
def test_the_meta_step_is_in_half_precision_but_for_differences(
    name: str, engine: str, dtype: torch.dtype, assemble: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = assemble(f"method={name}", "scale=smoke", "precision=bfloat16", f"engine={engine}")
    s, seen, losses, found = parts.student, [], [], []
    own = s.engine

    def spy(net: Any, inner: Any, meta: Any, weights: Any, lr: float) -> Any:
        def watched(net: Any) -> Tensor:
            losses.append(meta(lambda x: seen.append(net(x)) or seen[-1]))
            return losses[-1]

        influence, here = own(net, inner, watched, weights, lr)
        found.append(influence)
        return influence, here

    s.engine = spy
    with s.autocast():
        step = parts.method.loss(s, parts.loader.next())
    assert [t.dtype for t in seen] == [dtype] and [t.dtype for t in losses] == [torch.float32]
    assert found[0].dtype == torch.float32 and found[0].abs().sum() > 0
    assert torch.isfinite(step.loss)


@pytest.mark.parametrize("joint", ["split", "joint"])
@pytest.mark.parametrize("name", ["meta_t", "green_meta_t"])
def test_meta_t_s_weak_pass_is_in_single_precision(name: str, joint: str, assemble: Any) -> None:
    parts = assemble(f"method={name}", "scale=smoke", "precision=bfloat16", f"method.batch_norm={joint}")
    batch = parts.loader.next()
    with parts.student.autocast():
        assert parts.method.weak(parts.student, batch).dtype == torch.float32
        assert parts.student.net(batch.x).dtype == torch.bfloat16


@pytest.mark.parametrize(("net", "bound"), [("tiny", 0.1), ("wrn28_2 backbone.depth=10 backbone.width=1", 0.3)])
def test_half_precision_keeps_the_meta_gradient(net: str, bound: float, assemble: Any) -> None:
    """Influence and the gradient of the TGN, of the first step, against those in single precision."""
    ends = []
    for precision in ("float32", "bfloat16"):
        parts = assemble(
            "method=meta_t",
            "scale=demo",
            "protocol.optimizer.lr=0.03",
            f"precision={precision}",
            *f"backbone={net}".split(),
        )
        s, method, batch, seen = parts.student, parts.method, parts.loader.next(), []
        own = s.influence
        s.influence = lambda *asked, own=own, seen=seen: seen.append(own(*asked)) or seen[-1]
        with s.autocast():
            guess = method.guess(s, batch, method.weak(s, batch))
            _, gradients = method.look_ahead(s, batch, guess)
        ends.append((seen[0][0], torch.cat([g.flatten() for g in gradients])))
    for single, half in zip(*ends, strict=True):
        error = torch.linalg.vector_norm(half - single) / torch.linalg.vector_norm(single)
        assert 1e-5 < error < bound


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
