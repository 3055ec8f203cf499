"""Plain passes through torch.compile."""

import os
import subprocess
import sys

import pytest

from benchmarks.assemble import assemble
from benchmarks.config import compose


@pytest.mark.slow
def test_a_compiled_student_computes_what_an_eager_one_does():
    """Plain passes through torch.compile; the meta step, which stays eager, sees the same weights."""
    script = """
import sys
from benchmarks.speed.steps import *
config_of = "method=meta_t backbone=tiny"
for compiled in (False, True):
    parts = assemble(config(*config_of.split()), task_of(8, 16), compiled)
    method, student, batch = parts.method, parts.student(), batch_of(parts.task, parts.method.views)
    for _ in range(3):
        loss = method.loss(student, batch).loss
        student.descend(loss)
    print(loss.item(), *(p.double().norm().item() for p in [*student.average.parameters(), *method.parameters()]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ})
    if "InvalidCxxCompiler" in done.stderr or "No working C++ compiler" in done.stderr:
        pytest.skip("no C++ compiler for torch.compile")
    assert done.returncode == 0, done.stderr[-2000:]
    eager, compiled = ([float(v) for v in line.split()] for line in done.stdout.splitlines()[-2:])
    assert compiled == pytest.approx(eager, rel=1e-4)


def test_compiling_is_a_launch_setting(monkeypatch):
    assert not assemble(compose(["scale=smoke"])).compiled
    monkeypatch.setenv("SSL_COMPILE", "1")
    student = assemble(compose(["scale=smoke"])).student()
    assert list(student.eager.parameters()) == student.parameters
    assert student.eager._compiled_call_impl is None
    assert student.net._compiled_call_impl is not None
