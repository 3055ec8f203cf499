"""FixMatch that takes its time (SSL_SLOW seconds a step; the same bits, on any machine), and one with a bug."""

import os
import time

from torch import nn

from methods.base import Batch, Facts, Step, Student
from methods.fixmatch import FixMatch


class Slow(FixMatch):
    def loss(self, student: Student, batch: Batch) -> Step:
        time.sleep(float(os.environ.get("SSL_SLOW", "0")))
        return super().loss(student, batch)


class Broken(FixMatch):
    def setup(self, facts: Facts, net: nn.Module) -> nn.Module:
        raise TypeError("a bug in a method")
