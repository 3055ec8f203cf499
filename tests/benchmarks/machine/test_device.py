"""The device: the state of its generators, and its fast settings."""

import random

import numpy as np
import torch

from benchmarks.machine import device


def test_generators_are_restored():
    cpu = torch.device("cpu")
    state = device.rng_state(cpu)
    drawn = [(random.random(), np.random.rand(), torch.rand(1).item()) for _ in range(2)]  # noqa: NPY002
    device.set_rng_state(state, cpu)
    assert [(random.random(), np.random.rand(), torch.rand(1).item()) for _ in range(2)] == drawn  # noqa: NPY002


def test_a_gpu_s_fast_settings_are_made_anywhere() -> None:
    before = torch.backends.cudnn.benchmark
    try:
        torch.backends.cudnn.benchmark = False
        device.tune()
        assert torch.backends.cudnn.benchmark and torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
    finally:
        torch.backends.cudnn.benchmark = before
