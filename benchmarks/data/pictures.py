"""Image files -> arrays of one size and number of channels, by one rule wherever images are read.

1. A photo is turned as its camera says (EXIF).
2. What is transparent becomes white.
3. Colours become grey, or grey becomes three equal channels, whichever is asked for; 16 bits become 8.
4. The largest centred part of the asked-for proportions is cut out and scaled to the asked-for size, bilinearly and
   over all pixels that fall into one (`PIL.Image.resize`).
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks.data.arrays import printable
from benchmarks.errors import DataError

GREY = ("1", "L", "LA", "La", "I", "F")  #: Pillow's modes of one channel; I;16 and its kin begin with I, too
READERS = 8  #: threads; a decoder waits for the disk and lets the others go on
NAMED = 3  #: faulty files that a message names


def read(path: Path, channels: int, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """An image file as uint8 [H, W, C], of C = `channels` and (H, W) = `size`; None: as large as it is.

    Whatever Pillow raises, it raises, too: OSError for most files that are damaged.
    """
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        image.load()
    if image.mode.startswith("I"):  # 16 bits
        image = Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    if size:
        image = centre(image, *size).resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(image.height, image.width, channels)


def centre(image: Image.Image, h: int, w: int) -> Image.Image:
    """The largest centred part of the proportions h : w, of at least one pixel each way."""
    unit = min(image.height / h, image.width / w)
    height, width = max(1, round(unit * h)), max(1, round(unit * w))
    top, left = (image.height - height) // 2, (image.width - width) // 2
    return image.crop((left, top, left + width, top + height))


def channels(path: Path) -> int:
    """1 for a grey file, else 3; only its head is read. Raises what Pillow raises."""
    with Image.open(path) as file:
        return 1 if file.mode in GREY or file.mode.startswith("I;") else 3


def read_all(paths: Sequence[Path], channels: int, size: tuple[int, int] | None) -> list[NDArray[np.uint8]]:
    """All of them. Raises DataError, which names those that cannot be read."""

    def one(path: Path) -> NDArray[np.uint8] | str:
        try:
            return read(path, channels, size)
        except Exception as error:  # a damaged file can make Pillow raise nearly anything
            return f"{path} ({printable(error).removesuffix(f' {str(path)!r}')})"

    with ThreadPoolExecutor(READERS) as pool:
        return list(sound(pool.map(one, paths)))


def sound(found: Iterable[NDArray[np.uint8] | str]) -> Iterator[NDArray[np.uint8]]:
    """The arrays, if there is nothing else. Raises DataError, which says what else there is."""
    faults = []
    for item in found:
        if isinstance(item, str):
            faults.append(item)
        elif not faults:
            yield item
    if faults:
        more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        raise DataError(f"cannot read {', '.join(faults[:NAMED])}{more}: remove these files, or replace them")
