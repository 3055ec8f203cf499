"""A CUDA graph of a whole training step: one launch instead of some thousands (what is recorded: `replay.py`)."""

import warnings
from collections.abc import Callable
from typing import Protocol

import torch

from benchmarks.errors import UserError
from methods.base import Step

Take = Callable[[], Step]
Recording = tuple[Callable[[], object], Step]
"""What does the step again, and its outcome, written anew each time."""


class Recorder(Protocol):
    def eager(self, take: Take) -> Step:
        """Take a step that is not recorded."""

    def record(self, take: Take) -> Recording:
        """Note what `take` does to the device, without doing it. Raises UserError where that is impossible."""


class CudaGraphs:
    """As torch's notes on CUDA graphs have it, on the current device.

    Eager steps and recordings on one stream of their own, where cuDNN and cuBLAS keep their workspaces; one pool of
    memory for all recordings.
    """

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()
        self.pool = torch.cuda.graph_pool_handle()
        warnings.filterwarnings("ignore", message="This instance was constructed with capturable=True")  # eager steps

    def eager(self, take: Take) -> Step:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            step = take()
        torch.cuda.current_stream().wait_stream(self.stream)
        return step

    def record(self, take: Take) -> Recording:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
                step = take()
        except RuntimeError as error:
            raise UserError(f"cannot record a step as a CUDA graph ({error}): set SSL_GRAPH=0") from error
        return graph.replay, step
