"""A network small enough to learn on one CPU core."""

from collections.abc import Sequence

from torch import Tensor, nn

from methods.options import Count, NonNegative, Positive, Share


class TinyNet(nn.Module):
    """[B, C, H, W] -> features [B, widths[-1]] -> logits [B, n_classes], for any H and W.

    One 3x3 convolution, batch norm and leaky ReLU per entry of `widths` (with its stride in `strides`), then
    global average pooling. Ours: made for the 8x8 digits of scikit-learn, from no paper.
    """

    def __init__(
        self,
        *,
        in_channels: Count,
        n_classes: Count,
        widths: Sequence[Count],
        strides: Sequence[Count],
        leak: NonNegative,
        bn_momentum: Share,
        bn_eps: Positive,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        c_in = in_channels
        for c_out, stride in zip(widths, strides, strict=True):
            layers += [
                nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False),  # batch norm has the bias
                nn.BatchNorm2d(c_out, momentum=bn_momentum, eps=bn_eps),
                nn.LeakyReLU(leak),
            ]
            c_in = c_out
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.feature_dim = c_in
        self.classifier = nn.Linear(c_in, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x))
        return logits
