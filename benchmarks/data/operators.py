"""RandAugment's fourteen operators on a whole batch, equal to Pillow's bit for bit.

An image is uint8 [n, C + 1, H, W]: C colour planes (1 or 3) and an alpha plane, 255 in the picture and 0 (with
black) where a warp uncovered the outside. So it is in google-research/fixmatch (libml/augment.py semantics):
what is transparent at the end becomes grey, but ImageOps passes through RGB and so makes it opaque black.

A level is 1..9, of 10; its sign is the direction of a warp. `level`, int64 [n], points into LEVELS.
"""

import math
from collections.abc import Callable
from functools import lru_cache, partial

import torch
from torch import Tensor
from torch.nn.functional import pad

Build = Callable[[Tensor, Tensor], Tensor]  # colour planes, level -> what this operator hands to its family
Family = Callable[[Tensor, Tensor, Tensor], Tensor]  # image, level, what was built -> image
Operators = dict[Family, dict[str, Build]]
Curve = Callable[[int, int], int]  # level, value -> value
Matrix = Callable[[int, int, int], tuple[float, ...]]  # level, H, W -> a, b, c, d, e, f

LEVELS = (*range(-9, 0), *range(1, 10))


def operators(translate: float) -> Operators:
    """Identity has code 0; here are the others, with codes 1, 2, ... `translate`: pixels at level 10."""
    return {
        look_up: {
            "AutoContrast": autocontrast,
            "Equalize": equalize,
            "Solarize": partial(tabulated, solarize),
            "Posterize": partial(tabulated, posterize),
        },
        enhance: {
            "Color": grey,
            "Contrast": mean_grey,
            "Brightness": black,
            "Sharpness": smooth,
        },
        warp: {
            "Rotate": partial(sources, rotate),
            "ShearX": partial(sources, lambda level, h, w: (1, 0.3 * level / 10, 0, 0, 1, 0)),
            "ShearY": partial(sources, lambda level, h, w: (1, 0, 0, 0.3 * level / 10, 1, 0)),
            "TranslateX": partial(sources, lambda level, h, w: (1, 0, translate * level / 10, 0, 1, 0)),
            "TranslateY": partial(sources, lambda level, h, w: (1, 0, 0, 0, 1, translate * level / 10)),
        },
    }


# ---- Two ways to run them, with the same result. code: int64 [n]


def grouped(image: Tensor, code: Tensor, level: Tensor, table: Operators) -> Tensor:
    """An operator sees only the samples that drew it: least work, but the host must know how many."""
    order = code.argsort()
    image, level = image.index_select(0, order), level.index_select(0, order)
    sizes = code.bincount(minlength=1 + sum(map(len, table.values()))).tolist()
    groups = list(zip(torch.split(image[:, :-1], sizes), torch.split(level, sizes), strict=True))[1:]
    first = sizes[0]
    for family, builds in table.items():
        built = torch.cat([build(*groups.pop(0)) for build in builds.values()])
        mine = slice(first, first + len(built))
        image[mine] = family(image[mine], level[mine], built)
        first += len(built)
    return image.index_select(0, order.argsort())


def masked(image: Tensor, code: Tensor, level: Tensor, table: Operators) -> Tensor:
    """A family sees every sample and `where` picks: static shapes, and nothing waits for the device."""
    k = 0
    for family, builds in table.items():
        before, built = k, torch.zeros((), device=image.device)
        for k, build in enumerate(builds.values(), before + 1):
            fresh = build(image[:, :-1], level)
            built = torch.where(_like(fresh, code == k), fresh, built.to(fresh.dtype))
        mine = _like(image, (code > before) & (code <= k))
        image = torch.where(mine, family(image, level, built), image)
    return image


def _like(x: Tensor, v: Tensor) -> Tensor:
    """v: [n] -> [n, 1, ..., 1] with the dimensions of x."""
    return v.view(-1, *[1] * (x.dim() - 1))


# ---- ImageOps: a table for each sample and plane, uint8 [n, C, 256]. The result is opaque.


def look_up(image: Tensor, level: Tensor, table: Tensor) -> Tensor:
    out = torch.full_like(image, 255)
    out[:, :-1] = table.gather(2, image[:, :-1].flatten(2).long()).view_as(out[:, :-1])
    return out


def autocontrast(x: Tensor, level: Tensor) -> Tensor:
    """Stretch every plane to 0..255, in double precision and truncated. A plane of one colour stays."""
    planes, values = x.flatten(2), torch.arange(256, dtype=torch.float64, device=x.device)
    low, high = planes.amin(2, keepdim=True).double(), planes.amax(2, keepdim=True).double()
    scale = torch.where(high > low, torch.full_like(low, 255) / (high - low), torch.ones_like(low))
    return (values * scale).sub_(low * scale * (high > low)).clamp_(0, 255).to(torch.uint8)


def equalize(x: Tensor, level: Tensor) -> Tensor:
    """Flatten the histogram of every plane, clipped at 255. (Pillow divides whole numbers; single precision
    gives the same floor below 2^24 pixels.)"""
    planes = x.flatten(2).long()
    counts = planes.new_zeros(*planes.shape[:2], 256)
    counts.scatter_add_(2, planes, planes.new_ones(()).expand_as(planes))
    step = (planes.shape[2] - counts.gather(2, planes.amax(2, keepdim=True))) // 255
    flat = (counts.cumsum(2) - counts).add_(step // 2).float().div_(step).clamp_(max=255)
    return torch.where(step > 0, flat, torch.arange(256.0, device=x.device)).to(torch.uint8)


def solarize(level: int, value: int) -> int:
    return value if value < 256 - int(256 * level / 10) else 255 - value


def posterize(level: int, value: int) -> int:
    """Keep 4 - int(4 level / 10) bits: 4 at level 1, one at level 9. (None at level 10: that would be black,
    and Pillow refuses it, but it is never drawn.)"""
    dropped = 4 + int(4 * level / 10)
    return value >> dropped << dropped


def tabulated(curve: Curve, x: Tensor, level: Tensor) -> Tensor:
    return _curve(curve, x.device).index_select(0, level)[:, None].expand(-1, x.shape[1], -1)


@lru_cache
def _curve(curve: Curve, device: torch.device) -> Tensor:
    rows = [[curve(abs(level), value) for value in range(256)] for level in LEVELS]
    return torch.tensor(rows, dtype=torch.uint8, device=device)


# ---- ImageEnhance: a blend with a degenerate image, whole numbers in float32 [n, C, H, W]. Alpha stays.


def enhance(image: Tensor, level: Tensor, degenerate: Tensor) -> Tensor:
    """d + f (x - d), f = 1.8 level / 10 + .1, in single precision, clipped and truncated, as Image.blend."""
    factor, out = _like(image, _factors(image.device).index_select(0, level)), image.clone()
    out[:, :-1] = image[:, :-1].float().sub_(degenerate).mul_(factor).add_(degenerate).clamp_(0, 255)
    return out


@lru_cache
def _factors(device: torch.device) -> Tensor:
    factors = [abs(level) * 1.8 / 10 + 0.1 for level in LEVELS]
    return torch.tensor(factors, dtype=torch.float32, device=device)


def grey(x: Tensor, level: Tensor) -> Tensor:
    """Color. A grey image is its own luma, so that this is the identity on it."""
    return _luma(x).expand_as(x)


def mean_grey(x: Tensor, level: Tensor) -> Tensor:
    """Contrast: the mean luma, a half rounded up."""
    mean = _luma(x).mean((1, 2, 3), keepdim=True, dtype=torch.float64)
    return mean.add_(0.5).floor_().float().expand_as(x)


def black(x: Tensor, level: Tensor) -> Tensor:
    """Brightness."""
    return torch.zeros_like(x, dtype=torch.float32)


def smooth(x: Tensor, level: Tensor) -> Tensor:
    """Sharpness: (1 1 1, 1 5 1, 1 1 1) / 13, rounded, with the border copied. (sum / 13 + 1/2 is never nearer
    than 1/26 to a whole number, so single precision does not change the result.)"""
    x = x.float()
    rows = x[:, :, :-2] + x[:, :, 1:-1] + x[:, :, 2:]
    box = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    inner = x[:, :, 1:-1, 1:-1]
    inner.copy_(box.add_(inner, alpha=4).div_(13).add_(0.5).floor_())
    return x


def _luma(x: Tensor) -> Tensor:
    """ITU-R 601, float32 [n, 1, H, W]. Pillow's weights have 16 fractional bits, so every term is a whole
    number below 2^24, which single precision holds."""
    x = x.float()
    if x.shape[1] == 1:
        return x
    luma = (x[:, 0:1] * 19595).add_(x[:, 1:2], alpha=38470).add_(x[:, 2:3], alpha=7471)
    return luma.add_(32768).mul_(2**-16).floor_()


# ---- Image.transform(AFFINE) and Image.rotate with NEAREST: the source of every pixel, int64 [n, H W], where
# H W stands for the outside: transparent black.


def warp(image: Tensor, level: Tensor, source: Tensor) -> Tensor:
    flat = pad(image.flatten(2), (0, 1))
    return flat.gather(2, source[:, None].expand(-1, image.shape[1], -1)).view_as(image)


def rotate(level: int, h: int, w: int) -> tuple[float, ...]:
    """Anticlockwise by 30 level / 10 degrees about the centre."""
    cos, sin = math.cos(math.radians(3 * level)), math.sin(math.radians(3 * level))
    return cos, -sin, (w - cos * w + sin * h) / 2, sin, cos, (h - sin * w - cos * h) / 2


def sources(matrix: Matrix, x: Tensor, level: Tensor) -> Tensor:
    return _sources(matrix, x.shape[2], x.shape[3], x.device).index_select(0, level)


@lru_cache
def _sources(matrix: Matrix, h: int, w: int, device: torch.device) -> Tensor:
    """Output pixel (x, y) shows the input's (a x + b y + c, d x + e y + f), seen from pixel centres and in
    Pillow's 16 fractional bits. int64 [levels, H W]"""
    rows = torch.tensor([matrix(level, h, w) for level in LEVELS], dtype=torch.float64)
    a, b, c, d, e, f = rows[:, :, None, None].unbind(1)
    y, x = torch.arange(h)[:, None], torch.arange(w)

    def fixed(v: Tensor) -> Tensor:
        return (v * 65536 + 0.5).floor().long()

    column = (fixed(a) * x + fixed(b) * y + fixed(c + a * 0.5 + b * 0.5)) >> 16
    row = (fixed(d) * x + fixed(e) * y + fixed(f + d * 0.5 + e * 0.5)) >> 16
    inside = (column >= 0) & (column < w) & (row >= 0) & (row < h)
    return torch.where(inside, row * w + column, h * w).flatten(1).to(device)
