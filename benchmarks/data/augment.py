"""Plain, weak and strong views of a batch, on its own device; every sample has random numbers of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from benchmarks.data.operators import LEVELS, grouped, masked, operators
from methods.options import Natural, NonNegative, PositiveShare, Share

GREY = 127


class Augment:
    """FixMatch's views (Sohn et al. 2020, section 2.3; google-research/fixmatch, libml/augment.py semantics).

    plain    normalised only
    weak     mirrored with probability 1/2 (if `flip`), moved by at most `shift` pixels each way, reflected
    strong   weak, then RandAugment: `draws` of 14 operators with replacement, each applied with `probability`
             at a level of 1..9 (of 10) in a random direction; then a grey square of side `cutout`, clipped

    Deviations: the grey of the square and of what a warp uncovered is 127, not 127.5; pixels do not pass
    through [-1, 1] between steps, where the reference can lose a grey level to truncation; a translation by a
    fraction of a pixel goes to the nearest, not towards zero (a `translate` of 10 gives none); an odd `cutout`
    stays odd.

    mean, std: for each channel, of pixels in [0, 1]; translate: pixels at level 10.
    """

    def __init__(
        self,
        *,
        mean: Sequence[Share],
        std: Sequence[PositiveShare],
        flip: bool,
        shift: Natural,
        translate: NonNegative,
        cutout: Natural,
        draws: Natural,
        probability: Share,
    ) -> None:
        self.mean, self.std = tuple(mean), tuple(std)
        self.flip, self.shift, self.cutout = flip, shift, cutout
        self.draws, self.probability = draws, probability
        self.operators = operators(translate)
        self.choices = 1 + sum(map(len, self.operators.values()))
        self.uniforms = {"plain": 0, "weak": 3, "strong": 5 + 3 * draws}  # per sample

    def __call__(self, view: str, x: Tensor, generator: torch.Generator) -> Tensor:
        """uint8 [B, C, H, W] -> float32 [B, C, H, W], channels last."""
        if view not in self.uniforms:
            raise ValueError(f"unknown view {view!r}: expected one of {', '.join(self.uniforms)}")
        with torch.inference_mode():  # some 10 % faster; the result is made outside and is a usual tensor
            size = self.uniforms[view], len(x)
            u = torch.rand(size, generator=generator, dtype=torch.float32, device=x.device)
            if view != "plain":
                x = self.weak(x, u[:3])
            if view == "strong":
                x = self.strong(x, u[3:])
        return self.normalise(x)

    def normalise(self, x: Tensor) -> Tensor:
        out = torch.empty(x.shape, dtype=torch.float32, device=x.device, memory_format=torch.channels_last)
        for plane, to, mean, std in zip(x.unbind(1), out.unbind(1), self.mean, self.std, strict=True):
            torch.sub(plane.float().mul_(1 / (255 * std)), mean / std, out=to)
        return out

    def weak(self, x: Tensor, u: Tensor) -> Tensor:
        """One gather. u: [3, B], for mirror, row and column."""
        b, c, h, w = x.shape
        y, i = self.reflected(h, x.device) * w, self.reflected(w, x.device)
        ways = 2 * self.shift + 1
        row = y.unfold(0, h, 1).index_select(0, below(ways, u[1]))
        column = torch.stack([i, w - 1 - i]).unfold(1, w, 1).flatten(0, 1)  # to the right, then mirrored
        column = column.index_select(0, below(ways, u[2]) + (u[0] < 0.5) * (ways * self.flip))
        source = (row[:, :, None] + column[:, None, :]).view(b, 1, h * w)
        return x.flatten(2).gather(2, source.expand(-1, c, -1)).view_as(x)

    def reflected(self, size: int, device: torch.device) -> Tensor:
        """-shift..size-1+shift, reflected into 0..size-1 without repeating the border."""
        if self.shift >= size:
            raise ValueError(f"a shift of {self.shift} needs images of more than {size} pixels")
        i = torch.arange(-self.shift, size + self.shift, device=device)
        return size - 1 - (size - 1 - i.abs()).abs()

    def strong(self, x: Tensor, u: Tensor) -> Tensor:
        """RandAugment and cutout of a weak view. u: [2 + 3 draws, B]."""
        x = pad(x, (0, 0, 0, 0, 0, 1), value=255)
        which, chance, level = u[2:].view(3, self.draws, len(x))
        codes = below(self.choices, which) * (chance < self.probability)
        apply = grouped if x.device.type == "cpu" else masked
        for code, k in zip(codes, below(len(LEVELS), level), strict=True):
            x = apply(x, code, k, self.operators)
        row, column = self.uncut(x.shape[2], u[0]), self.uncut(x.shape[3], u[1])
        keep = x[:, -1:].bitwise_and_(row[:, None, :, None] | column[:, None, None, :])
        return x[:, :-1].bitwise_and_(keep).bitwise_or_(~keep & GREY)

    def uncut(self, size: int, u: Tensor) -> Tensor:
        """0 for `cutout` pixels around a random one, as far as there are, else 255: uint8 [B, size]."""
        line = torch.full((2 * size + self.cutout,), 255, dtype=torch.uint8, device=u.device)
        line[size : size + self.cutout] = 0
        return line.unfold(0, size, 1).index_select(0, size + self.cutout // 2 - below(size, u))


def below(n: int, u: Tensor) -> Tensor:
    """Uniform on [0, 1) -> on 0..n-1, int64. (u < 1 in single precision never rounds n u up to n.)"""
    return (u * n).long()
