"""Views against Pillow: every operator alone, chains of them, and whole views; and what chance decides."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from benchmarks.data import operators as ops
from benchmarks.data.augment import GREY, Augment, below

MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
make = partial(Augment, flip=True, shift=4, translate=10, cutout=16, draws=2, probability=0.5)
RGB = make(mean=MEAN, std=STD)
DIGITS = make(mean=(0.3,), std=(0.4,), flip=False, shift=1, translate=2.5, cutout=3)
NAMES = ["Identity", *(name for family in RGB.operators.values() for name in family)]


def affine(image, *matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)


def opaque(operator):
    """ImageOps passes through RGB (or L), and comes back without transparency."""

    def apply(image, level):
        return operator(image.convert(image.mode.removesuffix("A")), abs(level)).convert(image.mode)

    return apply


def enhancer(cls):
    return lambda image, level: cls(image).enhance(abs(level) * 1.8 / 10 + 0.1)


def pillow(translate):
    """The fourteen as Pillow does them to an RGBA or LA image, at a level of -9..9."""
    return {
        "Identity": lambda image, level: image,
        "AutoContrast": opaque(lambda image, level: ImageOps.autocontrast(image)),
        "Equalize": opaque(lambda image, level: ImageOps.equalize(image)),
        "Solarize": opaque(lambda image, level: ImageOps.solarize(image, 256 - int(256 * level / 10))),
        "Posterize": opaque(lambda image, level: ImageOps.posterize(image, 4 - int(4 * level / 10))),
        "Color": enhancer(ImageEnhance.Color),
        "Contrast": enhancer(ImageEnhance.Contrast),
        "Brightness": enhancer(ImageEnhance.Brightness),
        "Sharpness": enhancer(ImageEnhance.Sharpness),
        "Rotate": lambda image, level: image.rotate(30 * level / 10),
        "ShearX": lambda image, level: affine(image, 1, 0.3 * level / 10, 0, 0, 1, 0),
        "ShearY": lambda image, level: affine(image, 1, 0, 0, 0.3 * level / 10, 1, 0),
        "TranslateX": lambda image, level: affine(image, 1, 0, translate * level / 10, 0, 1, 0),
        "TranslateY": lambda image, level: affine(image, 1, 0, 0, 0, 1, translate * level / 10),
    }


def images(n, channels, h, w):
    """uint8 [n, H, W, C]: in turn noise, smooth waves of little contrast, one colour, and two colours."""
    rng = np.random.default_rng(0)
    out = rng.integers(0, 256, (n, h, w, channels))
    y, x = np.mgrid[:h, :w][..., None]
    for i in range(1, n, 4):
        a, b, low = rng.uniform(0, 0.4, (3, channels))
        out[i] = 300 * low + 60 * (1 + np.sin(a * x + b * y))
    out[2::4] = rng.integers(0, 256, out[2::4, :1, :1].shape)
    out[3::4] = np.where(out[3::4] > 50, 30, 200)
    return out.astype(np.uint8)


def with_alpha(x):
    return np.concatenate([x, np.full_like(x[..., :1], 255)], -1)


def planes(x) -> Tensor:
    """[n, H, W, C] -> [n, C, H, W]"""
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()


def pixels(x: Tensor):
    """And back."""
    return x.permute(0, 2, 3, 1).numpy()


def view(augment, x, seed, name="strong"):
    return augment(name, x, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channels", "h", "w"), [(3, 32, 32), (3, 20, 27), (1, 8, 8)])
def test_operator_is_pillows(name, channels, h, w):
    """Exact, at every level and in both directions, on noise and on smooth images; alpha, too."""
    augment, translate = (RGB, 10) if channels == 3 else (DIGITS, 2.5)
    x = with_alpha(np.repeat(images(8, channels, h, w), len(ops.LEVELS), 0))
    level = torch.arange(len(ops.LEVELS)).repeat(8)
    made = ops.grouped(planes(x), torch.full_like(level, NAMES.index(name)), level, augment.operators)
    operator = pillow(translate)[name]
    expected = np.stack([operator(Image.fromarray(a), ops.LEVELS[k]) for a, k in zip(x, level.tolist(), strict=True)])
    np.testing.assert_array_equal(pixels(made), expected)
    idle = ["Identity"] if channels == 3 else ["Identity", "Color", "Equalize"]  # Equalize needs 255 pixels
    assert np.array_equal(expected, x) == (name in idle)


def test_posterize_keeps_one_bit_at_the_highest_level():
    assert {ops.posterize(9, value) for value in range(256)} == {0, 128}
    assert {ops.posterize(10, value) for value in range(256)} == {0}


@pytest.mark.parametrize("channels", [3, 1])
def test_chains_are_pillows_with_transparency(channels):
    """Three draws on end: what a warp uncovers stays transparent, unless one of ImageOps makes it opaque. Both
    ways to run the operators give that."""
    rng, n = np.random.default_rng(1), 400
    x = with_alpha(images(n, channels, 16, 12))
    codes, levels = rng.integers(0, 14, (3, n)), rng.integers(0, len(ops.LEVELS), (3, n))
    made, table = planes(x), pillow(10)
    for code, level in zip(codes, levels, strict=True):
        drawn = torch.from_numpy(code), torch.from_numpy(level), RGB.operators
        other, made = ops.masked(made, *drawn), ops.grouped(made, *drawn)
        assert torch.equal(other, made)
    for i in range(n):
        image = Image.fromarray(x[i])
        for code, level in zip(codes[:, i], levels[:, i], strict=True):
            image = table[NAMES[code]](image, ops.LEVELS[level])
        np.testing.assert_array_equal(made[i].permute(1, 2, 0), image, err_msg=str(codes[:, i]))
    assert set(made[:, -1].unique().tolist()) == {0, 255}


def test_strong_view_is_pillows_from_end_to_end():
    """The weak view, the draws and the square that the uniforms stand for, one image at a time."""
    x, seed = images(120, 3, 32, 32), 3
    u = torch.rand(11, len(x), generator=torch.Generator().manual_seed(seed))
    weak = pixels(RGB.weak(planes(x), u[:3]))
    y, column = below(32, u[3:5]).tolist()
    codes = (below(14, u[5:7]) * (u[7:9] < 0.5)).tolist()
    levels, table, expected = below(18, u[9:11]).tolist(), pillow(10), []
    for i in range(len(x)):
        image = Image.fromarray(weak[i]).convert("RGBA")
        for code, level in zip(codes, levels, strict=True):
            image = table[NAMES[code[i]]](image, ops.LEVELS[level[i]])
        a = np.array(image)
        a[max(0, y[i] - 8) : y[i] + 8, max(0, column[i] - 8) : column[i] + 8, 3] = 0
        expected.append(np.where(a[..., 3:] == 0, GREY, a[..., :3]))
    expected = (np.stack(expected) / 255 - MEAN) / STD
    np.testing.assert_allclose(pixels(view(RGB, planes(x), seed)), expected, rtol=0, atol=2e-6)  # float32


@pytest.mark.parametrize(("flip", "shift", "h", "w"), [(True, 4, 32, 32), (False, 2, 9, 7), (True, 0, 5, 6)])
def test_weak_view_is_numpys_mirror_pad_and_crop(flip, shift, h, w):
    augment = make(mean=MEAN, std=STD, flip=flip, shift=shift)
    x, seen = images(200, 3, h, w), set()
    u = torch.rand(3, len(x), generator=torch.Generator().manual_seed(5))
    for a, made, (mirror, dy, dx) in zip(x, pixels(augment.weak(planes(x), u)), u.T.tolist(), strict=True):
        top, left = int(dy * (2 * shift + 1)), int(dx * (2 * shift + 1))
        a = a[:, ::-1] if flip and mirror < 0.5 else a
        a = np.pad(a, ((shift, shift), (shift, shift), (0, 0)), mode="reflect")
        np.testing.assert_array_equal(made, a[top : top + h, left : left + w])
        seen |= {(mirror < 0.5, "down", top), (mirror < 0.5, "right", left)}
    assert len(seen) == 4 * (2 * shift + 1)


def test_plain_view_is_normalised_and_nothing_else():
    x = images(5, 3, 7, 9)
    made = view(RGB, planes(x), 0, "plain")
    assert made.dtype == torch.float32
    assert made.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(pixels(made), (x / 255 - MEAN) / STD, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", ["weak", "strong"])
def test_the_generator_decides_for_each_sample(name):
    x = planes(images(1, 3, 32, 32)).repeat(64, 1, 1, 1)
    made = view(RGB, x, 0, name)
    assert torch.equal(made, view(RGB, x.contiguous(memory_format=torch.channels_last), 0, name))
    assert not torch.equal(made, view(RGB, x, 1, name))
    assert len(made.flatten(1).unique(dim=0)) > 40  # of 64; there are 162 weak views of an image


@pytest.mark.parametrize(("name", "moves"), [("plain", False), ("weak", True), ("strong", True)])
def test_the_generator_moves_on_regardless_of_the_images(name, moves):
    generators = [torch.Generator().manual_seed(7) for _ in range(3)]
    RGB(name, planes(images(16, 3, 32, 32)), generators[0])
    RGB(name, torch.zeros(16, 3, 20, 24, dtype=torch.uint8), generators[1])
    first, second, fresh = (generator.get_state() for generator in generators)
    assert torch.equal(first, second)
    assert torch.equal(first, fresh) != moves


def test_every_operator_and_level_has_its_chance(monkeypatch):
    """14 operators at a probability of 1/2, and 9 levels in 2 directions, in 2 draws that know nothing of each
    other. The tolerances are some 5 standard deviations."""
    drawn, n = [], 20000

    def spy(image, code, level, table):
        drawn.append(code * 18 + level)
        return image

    monkeypatch.setattr("benchmarks.data.augment.grouped", spy)
    view(RGB, torch.zeros(n, 3, 5, 5, dtype=torch.uint8), 0)
    first, second = drawn
    count = torch.cat(drawn).bincount(minlength=14 * 18).view(14, 18) / (2 * n)
    np.testing.assert_allclose(count[0].sum(), 1 / 2 + 1 / 28, atol=0.013)
    np.testing.assert_allclose(count[1:].sum(1), np.full(13, 1 / 28), atol=0.005)
    np.testing.assert_allclose(count.sum(0), np.full(18, 1 / 18), atol=0.006)
    # equal in code and level: both idle, or both at work
    same = ((1 / 2 + 1 / 28) ** 2 + 13 / 28**2) / 18
    assert abs((first == second).double().mean() - same) < 0.005


def test_cutout_is_clipped_at_the_border():
    """With nothing else happening, the hole is a 16 x 16 square, as far as it lies inside."""
    still = make(mean=(0.0,), std=(1 / 255,), flip=False, shift=0, probability=0.0)
    x = view(still, torch.full((300, 1, 32, 24), 9, dtype=torch.uint8), 0)[:, 0].round().int()
    assert set(x.unique().tolist()) == {9, GREY}
    hole = x == GREY
    rows, columns = hole.any(2), hole.any(1)
    assert torch.equal(hole, rows[:, :, None] & columns[:, None, :])
    for line in (rows, columns):
        assert set(line.sum(1).tolist()) == set(range(8, 17))  # at least a half of it is inside
        clipped = line.sum(1) < 16
        assert (line[clipped, 0] | line[clipped, -1]).all()
        assert ((line[:, 1:] != line[:, :-1]).sum(1) <= 2).all()  # in one piece


def test_grey_digits():
    x = planes(images(96, 1, 8, 8)[::4])
    made = view(DIGITS, x, 0)
    assert made.shape == x.shape
    assert made.isfinite().all()
    assert not made.is_inference()  # a network must be able to keep it for its backward pass
    assert (made != view(DIGITS, x, 0, "plain")).flatten(1).any(1).all()


def operations(run) -> set[str]:
    with torch.autograd.profiler.profile() as profile:
        run()
    return {event.name for event in profile.function_events}


def test_nothing_waits_for_a_device(monkeypatch):
    """No operation there whose result, or its shape, the host must know."""
    x, u = planes(images(12, 3, 32, 32)), torch.rand(11, 12)
    waits = {f"aten::{name}" for name in ("_local_scalar_dense", "bincount", "index", "masked_select", "nonzero")}
    expected = RGB.strong(RGB.weak(x, u[:3]), u[3:])  # which also fills the tables that are kept
    assert operations(lambda: RGB.strong(x, u[3:])) & waits
    monkeypatch.setattr("benchmarks.data.augment.grouped", ops.masked)
    assert not operations(lambda: RGB.normalise(RGB.strong(RGB.weak(x, u[:3]), u[3:]))) & waits
    assert torch.equal(RGB.strong(RGB.weak(x, u[:3]), u[3:]), expected)


def test_refusals():
    x = planes(images(2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"'stronk'.*plain, weak, strong"):
        view(RGB, x, 0, "stronk")
    with pytest.raises(ValueError, match="a shift of 4"):
        view(RGB, x[..., :4], 0, "weak")
    with pytest.raises(ValueError, match="zip"):
        view(DIGITS, x, 0, "plain")  # one mean, three channels
