"""Heads beside the classifier: what `Method.setup` returns where a paper adds a projection or a second task."""

from typing import Any

import torch.nn.functional as F
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


def embed(net: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [B, C] and embeddings z [B, d] of length 1, of one pass through a net with a head "projection"."""
    features = net.features(x)
    return net.classifier(features).float(), F.normalize(net.heads["projection"](features).float(), dim=-1)
