"""Heads beside the classifier: what `Method.setup` returns where a paper adds a projection or a second task."""

from typing import Any

from torch import Tensor, nn


class WithHeads(nn.Module):
    """A `Net` with named heads on its features; the trainer trains them as it trains the rest.

    heads: name -> module [B, feature_dim] -> [B, ...]. `net.heads["name"](net.features(x))` asks one of them.
    """

    def __init__(self, net: Any, **heads: nn.Module) -> None:
        super().__init__()
        self.features, self.classifier = net.features, net.classifier
        self.feature_dim = net.feature_dim
        self.heads = nn.ModuleDict(heads)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x))
        return logits


def projection(dim: int, out: int) -> nn.Sequential:
    """[B, dim] -> [B, out]: dense, leaky rectifier, dense; what CoMatch and SimMatch put on the features."""
    return nn.Sequential(nn.Linear(dim, dim), nn.LeakyReLU(0.1), nn.Linear(dim, out))
