"""Views in shares of the image, and how much of it they lose."""

from typing import Any

import pytest
import torch

from benchmarks.assemble import make
from benchmarks.config import compose
from benchmarks.data.augment import Augment
from benchmarks.data.shares import Shares, lost, sized
from benchmarks.errors import UserError

NUMBERS: dict[str, Any] = {"mean": [0.5], "std": [0.25], "draws": 2, "probability": 0.5}
FIXMATCH = Shares(**NUMBERS, flip=True, shift=4 / 32, translate=10 / 32, cutout=16 / 32)


def pixels(**changed: Any) -> Augment:
    """FixMatch's views, in pixels of its 32."""
    return Augment(**NUMBERS | {"flip": True, "shift": 4, "translate": 10.0, "cutout": 16} | changed)


def test_at_32_pixels_they_are_fixmatchs() -> None:
    x = torch.randint(256, (64, 3, 32, 32), dtype=torch.uint8)
    for view in ("plain", "weak", "strong"):
        shares, reference = (
            augment(view, x, torch.Generator().manual_seed(1))
            for augment in (FIXMATCH.at(3, 32, 32), pixels(mean=[0.5] * 3, std=[0.25] * 3))
        )
        assert torch.equal(shares, reference)


def test_they_grow_with_the_shorter_side() -> None:
    made = FIXMATCH.at(1, 96, 64)
    assert (made.shift, made.cutout, made.mean) == (8, 32, (0.5,))
    assert FIXMATCH.at(1, 2, 2).shift == 0
    whole = Shares(**NUMBERS, flip=False, shift=1, translate=1, cutout=1)
    assert whole.at(1, 8, 8).shift == 7  # as far as reflection goes
    whole.at(1, 8, 8)("strong", torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.Generator())


def test_own_data_has_these_and_is_not_flipped() -> None:
    made = make(compose(["task=npz", "task.name=a"]).task.augment)
    assert isinstance(made, Shares) and not made.flip
    assert (made.shift, made.translate, made.cutout) == (FIXMATCH.shift, FIXMATCH.translate, FIXMATCH.cutout)
    assert sized(made, (3, 16, 16)).mean == (0.5,) * 3
    fixed = pixels()
    assert sized(fixed, (1, 32, 32)) is fixed


@pytest.mark.parametrize("name", ["shift", "translate", "cutout"])
@pytest.mark.parametrize("value", [-0.1, 4])
def test_pixels_are_no_shares(name: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"^task\.augment\.{name}={value} is not possible: .* from 0 to 1$"):
        compose(["task=npz", "task.name=a", f"task.augment.{name}={value}"])


def test_what_is_lost_is_what_says_nothing() -> None:
    nothing = {"shift": 0, "translate": 0.0, "cutout": 0}
    assert lost(pixels(**nothing, draws=0), (1, 16, 16)) < 0.001  # only where all noises agree by chance
    assert lost(pixels(cutout=16), (1, 8, 8)) == 1
    square = lost(pixels(**nothing | {"cutout": 8}, draws=0), (3, 16, 16))
    # a square of 8 around a pixel of 16, clipped: (4 + 5 + 6 + 7 + 8 * 9 + 7 + 6 + 5) / 16 pixels a side on average
    assert square == pytest.approx((112 / 256) ** 2, abs=0.02)
    moved = lost(pixels(**nothing | {"translate": 16.0}, probability=1.0, draws=1), (3, 16, 16))
    # two of fourteen operators, by half on average; rotation and shear lose some at the corners
    assert 1 / 14 < moved < 0.25


def test_they_lose_no_more_of_a_small_image() -> None:
    shares = [lost(FIXMATCH.at(1, n, n), (1, n, n)) for n in (8, 16, 32, 64)]
    assert max(shares) < 0.35 and max(shares) - min(shares) < 0.1
    assert lost(pixels(), (1, 16, 16)) > 0.5 > lost(pixels(), (1, 32, 32))
