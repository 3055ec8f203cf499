"""FixMatch that takes its time: SSL_SLOW seconds a step. The same bits, in a run that lasts on any machine."""

import os
import time

from methods.base import Batch, Step, Student
from methods.fixmatch import FixMatch


class Slow(FixMatch):
    def loss(self, student: Student, batch: Batch) -> Step:
        time.sleep(float(os.environ.get("SSL_SLOW", "0")))
        return super().loss(student, batch)
