"""Views for images of any size, and how much of an image a strong view leaves."""

from collections.abc import Sequence

import torch

from benchmarks.data.augment import Augment
from methods.options import Natural, PositiveShare, Share

DRAWS, NOISES = 64, 3


class Shares:
    """`Augment`, with its sizes as shares of an image's shorter side: FixMatch's are 4, 10 and 16 of 32 pixels.

    mean, std: one number for each channel, or one for all; shift, translate, cutout: from 0 to 1.
    """

    def __init__(
        self,
        *,
        mean: Sequence[Share],
        std: Sequence[PositiveShare],
        flip: bool,
        shift: Share,
        translate: Share,
        cutout: Share,
        draws: Natural,
        probability: Share,
    ) -> None:
        self.mean, self.std, self.flip = mean, std, flip
        self.shift, self.translate, self.cutout = shift, translate, cutout
        self.draws, self.probability = draws, probability

    def at(self, channels: int, height: int, width: int) -> Augment:
        """The views of images of that size, in whole pixels where pixels are whole."""
        side = min(height, width)
        return Augment(
            mean=self.mean if len(self.mean) > 1 else [*self.mean] * channels,
            std=self.std if len(self.std) > 1 else [*self.std] * channels,
            flip=self.flip,
            shift=min(round(self.shift * side), side - 1),
            translate=self.translate * side,
            cutout=round(self.cutout * side),
            draws=self.draws,
            probability=self.probability,
        )


def sized(augment: Augment | Shares, shape: Sequence[int]) -> Augment:
    """The views of images [C, H, W]."""
    channels, height, width = shape
    return augment.at(channels, height, width) if isinstance(augment, Shares) else augment


@torch.no_grad()
def lost(augment: Augment, shape: Sequence[int]) -> float:
    """The share of a strong view's pixels [C, H, W] that say nothing of the image, on average over what chance decides.

    Those are the same whatever the image: several images of noise are seen under the same random numbers.
    """
    generator = torch.Generator().manual_seed(0)
    u = torch.rand(augment.uniforms["strong"], DRAWS, generator=generator)
    noises = torch.randint(256, (NOISES, 1, *shape), generator=generator, dtype=torch.uint8)
    views = [augment.strong(augment.weak(x.expand(DRAWS, *shape), u[:3]), u[3:]) for x in noises]
    same = (torch.stack(views) == views[0]).all(0).all(1)  # [DRAWS, H, W]
    return same.double().mean().item()
