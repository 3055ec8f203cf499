"""Half precision is that of the plain passes alone."""

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
