"""Wide ResNet, in the two forms behind published semi-supervised numbers."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from torch import Tensor, nn

from methods.options import Count, NonNegative, Positive, Share

Variant = Literal["tf", "torchssl"]


class Block(nn.Module):
    """[B, c_in, H, W] -> [B, c_out, H / stride, W / stride]: shortcut + conv2(act(bn2(conv1(act(bn1(x)))))).

    `raw_branch`: conv1 sees x itself, and bn1 is idle (its weight and bias never get a gradient).
    `active_shortcut`: the shortcut starts at act(bn1(x)) instead of x.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        stride: int,
        *,
        raw_branch: bool,
        active_shortcut: bool,
        norm: Callable[[int], nn.Module],
        act: nn.Module,
    ):
        super().__init__()
        self.raw_branch = raw_branch
        self.active_shortcut = active_shortcut
        self.act = act
        self.bn1 = norm(c_in)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, padding=1)
        self.bn2 = norm(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1)
        reshapes = c_in != c_out or stride != 1
        self.shortcut = nn.Conv2d(c_in, c_out, 1, stride) if reshapes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        a = x if self.raw_branch else self.act(self.bn1(x))
        out: Tensor = self.conv2(self.act(self.bn2(self.conv1(a))))
        return self.shortcut(a if self.active_shortcut else x) + out


class WideResNet(nn.Module):
    """WRN-depth-width: [B, C, H, W] -> features [B, width * stages[-1]] -> logits [B, n_classes].

    A 3x3 stem of stages[0] channels, then one stage of n blocks per entry of `stages`, with depth = 6 n + 4
    whatever the number of stages. The first stage starts with `first_stride`, every later one with stride 2.

    `variant` says what the first block of stages 2, 3, ... does:
      "tf"        the pre-activation net of FixMatch's authors (google-research/fixmatch, libml/models.py);
      "torchssl"  conv1 receives the raw, un-normalised x, and bn1 is idle (TorchSSL, models/nets/wrn.py).
                  USB and kekmodel/FixMatch-pytorch share this slip, so their numbers are of this net.
    The first block of stage 1 activates before the shortcut in both, and convolutions have a bias in both.

    Deviation: TensorFlow pads a 3x3 stride-2 convolution by (0, 1); here, as in every port, by (1, 1).
    """

    def __init__(
        self,
        *,
        in_channels: Count,
        n_classes: Count,
        depth: Count,
        width: Count,
        variant: Variant,
        first_stride: Count,
        stages: Sequence[Count],
        leak: NonNegative,
        bn_momentum: Share,
        bn_eps: Positive,
    ):
        super().__init__()
        if (depth - 4) % 6:
            raise ValueError(f"depth must be 6 n + 4, got {depth}")
        if variant not in ("tf", "torchssl"):
            raise ValueError(f"variant must be tf or torchssl, got {variant}")
        norm = partial(nn.BatchNorm2d, momentum=bn_momentum, eps=bn_eps)
        act = nn.LeakyReLU(leak)

        def stage(c_in: int, c_out: int, stride: int, *, first: bool) -> nn.Sequential:
            raw = variant == "torchssl" and not first
            head = Block(c_in, c_out, stride, raw_branch=raw, active_shortcut=first, norm=norm, act=act)
            rest = [
                Block(c_out, c_out, 1, raw_branch=False, active_shortcut=False, norm=norm, act=act)
                for _ in range((depth - 4) // 6 - 1)
            ]
            return nn.Sequential(head, *rest)

        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["stem"] = nn.Conv2d(in_channels, stages[0], 3, padding=1)
        c_in = stages[0]
        for s, base in enumerate(stages, start=1):
            layers[f"stage{s}"] = stage(c_in, base * width, first_stride if s == 1 else 2, first=s == 1)
            c_in = base * width
        layers.update(bn=norm(c_in), act=act, pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())

        self.features = nn.Sequential(layers)
        self.feature_dim = c_in
        self.classifier = nn.Linear(c_in, n_classes)
        self._initialise()

    def _initialise(self) -> None:
        """conv ~ N(0, 2 / (k^2 c_out)), dense ~ Glorot normal, biases 0, as in libml/models.py.

        TorchSSL draws convolution biases uniformly (torch's default); here they are 0 in both variants.
        """
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.xavier_normal_(m.weight)
            if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None:
                nn.init.zeros_(m.bias)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x))
        return logits
