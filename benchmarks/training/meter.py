"""Sums over steps, kept on the device until an evaluation asks for them: no host synchronisation within a step."""

from typing import Any

import torch
from torch import Tensor

from methods.base import Step


class Meter:
    """Means of a method's log; how many pseudo-labels were selected, right and wrong; the class-average threshold."""

    def __init__(self, n_classes: int, device: torch.device) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.by_class = torch.zeros(2, n_classes, device=device)  # sum of thresholds, count, by pseudo-label
        self.bad_step = torch.full((), -1, device=device)  # the first step with a loss that is not finite

    def _add(self, name: str, value: Tensor) -> None:
        value = value.detach().float()
        self.sums[name] = self.sums[name] + value if name in self.sums else value.clone()  # it may be written anew
        self.counts[name] = self.counts.get(name, 0) + 1

    @torch.no_grad()
    def add(self, index: int, step: Step, hidden: Tensor) -> None:
        """One step's outcome; hidden [B]: the unlabelled inputs' classes, -1 where unknown."""
        bad = (self.bad_step < 0) & ~torch.isfinite(step.loss)
        self.bad_step = torch.where(bad, index, self.bad_step)
        for name, value in step.log.items():
            self._add(name, value)
        if step.pseudo is None:
            return
        label, _, threshold, selected = step.pseudo
        known = hidden >= 0
        self._add("correct", ((label == hidden) & selected & known).float().mean())
        self._add("wrong", ((label != hidden) & selected & known).float().mean())
        self._add("right", ((label == hidden) & known).float().mean())
        self._add("selected", selected.float().mean())
        self.by_class.index_add_(1, label, torch.stack([threshold.float(), torch.ones_like(threshold).float()]))

    def flush(self) -> dict[str, float]:
        """The means since the last flush (this waits for the device).

        Log entries; correct, wrong and selected as shares of the unlabelled inputs seen, and right, those whose
        pseudo-label is right, selected or not; threshold: the mean over classes of the mean tau.
        """
        means = {name: (total / self.counts[name]).item() for name, total in self.sums.items()}
        seen = self.by_class[1] > 0
        tau = (self.by_class[0] / self.by_class[1])[seen].mean().item()
        if tau == tau:  # NaN: the method has no thresholds
            means["threshold"] = tau
        self.sums, self.counts = {}, {}
        self.by_class.zero_()
        return means

    def state_dict(self) -> dict[str, Any]:
        return {"sums": self.sums, "counts": self.counts, "by_class": self.by_class}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.sums = {name: value.to(self.by_class.device) for name, value in state["sums"].items()}
        self.counts = dict(state["counts"])
        self.by_class.copy_(state["by_class"])
