"""The 13-layer convolutional network of the consistency-regularisation literature."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.options import Count, NonNegative, Positive, Share


def filter_norm(v: Tensor) -> Tensor:
    """||v|| of every output unit: [out, ...] -> [out, 1, ...].

    Plain operators: both `weight_norm` of torch call a fused kernel that has no forward-mode derivative.
    """
    return torch.linalg.vector_norm(v, dim=tuple(range(1, v.dim())), keepdim=True)


def reset_gain(layer: nn.Conv2d | nn.Linear) -> None:
    """g <- ||v||: the layer computes what it would without weight normalisation."""
    norm = filter_norm(layer.weight.detach())
    if hasattr(layer, "g"):
        layer.get_parameter("g").data.copy_(norm)  # in place: an optimizer may hold it
    else:
        layer.g = nn.Parameter(norm)


class WeightNormConv2d(nn.Conv2d):
    """Conv2d with the weight g v / ||v|| (Salimans & Kingma 2016); `weight` is v, and g starts at ||v||."""

    g: nn.Parameter

    def reset_parameters(self) -> None:
        super().reset_parameters()
        reset_gain(self)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.g * self.weight / filter_norm(self.weight), self.bias)


class WeightNormLinear(nn.Linear):
    """Linear with the weight g v / ||v||; `weight` is v, and g starts at ||v||."""

    g: nn.Parameter

    def reset_parameters(self) -> None:
        super().reset_parameters()
        reset_gain(self)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.g * self.weight / filter_norm(self.weight), self.bias)


class CNN13(nn.Module):
    """CNN-13: [B, C, H, W] -> features [B, width] -> logits [B, n_classes]; H and W at least 12.

    With w = width = 128: 3 x (w, 3x3), max-pool 2, 3 x (2w, 3x3), max-pool 2, (4w, 3x3, valid), (2w, 1x1),
    (w, 1x1), global average pooling, dense. A 32x32 input is 6x6 after the valid convolution. Every layer is
    weight-normalised; batch norm and leaky ReLU follow every convolution.
    Source: ICT `networks/lenet.py`, after Tarvainen & Valpola 2017; without dropout and Gaussian noise, as
    Meta-Semi uses it.
    """

    def __init__(
        self,
        *,
        in_channels: Count,
        n_classes: Count,
        width: Count,
        leak: NonNegative,
        bn_momentum: Share,
        bn_eps: Positive,
    ):
        super().__init__()

        def conv(c_in: int, c_out: int, kernel: int, padding: int) -> list[nn.Module]:
            return [
                WeightNormConv2d(c_in, c_out, kernel, padding=padding),
                nn.BatchNorm2d(c_out, momentum=bn_momentum, eps=bn_eps),
                nn.LeakyReLU(leak),
            ]

        w = width
        self.features = nn.Sequential(
            *conv(in_channels, w, 3, 1), *conv(w, w, 3, 1), *conv(w, w, 3, 1),
            nn.MaxPool2d(2),
            *conv(w, 2 * w, 3, 1), *conv(2 * w, 2 * w, 3, 1), *conv(2 * w, 2 * w, 3, 1),
            nn.MaxPool2d(2),
            *conv(2 * w, 4 * w, 3, 0), *conv(4 * w, 2 * w, 1, 0), *conv(2 * w, w, 1, 0),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )  # fmt: skip
        self.feature_dim = w
        self.classifier = WeightNormLinear(w, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x))
        return logits
