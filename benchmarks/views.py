"""How a task's views look:  make views TASK=digits   (python -m benchmarks.views task=npz task.name=mine ...)

Takes what a run takes. Writes views-<task>.png to the folder of reports: a column per unlabelled image of a batch, as
it is (plain), in its weak view, and in several strong ones; and says how much of an image a strong view loses.
"""

import sys

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from benchmarks.assemble import build_task
from benchmarks.config import compose
from benchmarks.data.images import Images
from benchmarks.data.loader import Stream
from benchmarks.data.shares import lost
from benchmarks.errors import UserError, command
from benchmarks.machine import settings

ROWS = ("plain", "weak", "strong", "strong", "strong", "strong")
COLUMNS, TILE, GAP, MARGIN = 12, 64, 4, 56  #: TILE: the least width of an image, in pixels; MARGIN: for words


def pixels(views: Tensor, images: Images) -> NDArray[np.uint8]:
    """float32 [B, C, H, W], normalised -> uint8 [B, H, W, 3]."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (images.augment.mean, images.augment.std))
    colours = (255 * (views * std + mean)).round().clamp(0, 255).to(torch.uint8)
    return colours.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).numpy()


def sheet(rows: list[NDArray[np.uint8]]) -> Image.Image:
    """Rows of images [B, H, W, 3], each with its name before it; small images are enlarged by whole factors."""
    _, h, w, _ = rows[0].shape
    factor = -(-TILE // w)
    high, wide = factor * h + GAP, factor * w + GAP
    page = Image.new("RGB", (MARGIN + wide * len(rows[0]), high * len(rows)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    for r, (name, row) in enumerate(zip(ROWS, rows, strict=True)):
        pen.text((4, r * high + high // 2), name, "black", font, "lm")
        for c, image in enumerate(row):
            tile = Image.fromarray(image).resize((factor * w, factor * h), Image.Resampling.NEAREST)
            page.paste(tile, (MARGIN + c * wide, r * high))
    return page


@command
def main(arguments: list[str]) -> int:
    cfg = compose(arguments)
    task, _ = build_task(cfg)
    images = task.unlabelled
    if not isinstance(images, Images):
        raise UserError(f"{cfg.task.name} holds no images, and views are pictures: choose a task of images")
    generator = torch.Generator().manual_seed(cfg.seed)
    some = Stream(len(images), generator).take(min(COLUMNS, len(images)))
    rows = [pixels(view, images) for view in images.views(ROWS, some, generator)]
    path = settings.reports() / f"views-{cfg.task.name}.png"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet(rows).save(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}. Set SSL_REPORTS to a writable folder") from error
    share = lost(images.augment, images.shape)
    print(f"{path}: {len(some)} images of {cfg.task.name}; a strong view loses {share:.0%} of an image on average")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
