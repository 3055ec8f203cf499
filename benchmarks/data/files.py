"""Where a data set lies on the disk, and a hash of what is in it. Imports neither torch nor numpy."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.machine import settings

#: what is read of torchvision's downloads, below $SSL_DATA
PATTERNS = {
    "cifar10": (
        "cifar-10-batches-py/data_batch_*",
        "cifar-10-batches-py/test_batch",
        "cifar-10-batches-py/batches.meta",
    ),
    "cifar100": ("cifar-100-python/train", "cifar-100-python/test", "cifar-100-python/meta"),
    "svhn": ("train_32x32.mat", "test_32x32.mat"),
    "stl10": ("stl10_binary/*",),
}
#: what counts as an image among your own
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
BLOCK = 1 << 20
CACHE = ".content.json"
SPLIT = ".txt"  #: how a file of labelled images ends


def files(name: str) -> list[Path]:
    """The files that a data set is read from, in a fixed order; none where it is not there."""
    root = settings.data()
    own = root / f"{name}.npz"
    if own.exists():
        return [own]
    if (folder := root / name).is_dir() and any(folder.glob("train.*")):  # texts
        return sorted(path for part in ("train", "test") for path in folder.glob(f"{part}.*"))
    if name == "digits":
        spec = find_spec("sklearn")
        found = [Path(spec.origin).parent / "datasets/data/digits.csv.gz"] if spec and spec.origin else []
    else:
        found = [path for pattern in PATTERNS.get(name, ()) for path in sorted(root.glob(pattern))]
    return [path for path in found if path.is_file()]


def pictures(folder: Path) -> list[Path]:
    """The image files in a folder and below it, in order of their names; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def split_file(task: Mapping[str, Any]) -> Path | None:
    """The file that names the labelled images, where task.labels is one: in the data set's folder, or in $SSL_DATA.

    Raises DataError for a name with a path.
    """
    name = task["labels"]
    if not (isinstance(name, str) and name.endswith(SPLIT)):
        return None
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise DataError(f"task.labels={name} is a file's name without a folder: it lies beside the data")
    return settings.data() / (task["name"] if "size" in task else "") / name


def content(task: Mapping[str, Any]) -> str | None:
    """12 hexadecimal digits of a hash over the files of a task's data set; None where it is not there.

    task: its options; one with a size is a folder of images.

    A file whose size and time of change are known is not read again: the run folder remembers its hash, and that of a
    folder of images as a whole. There the files' paths count, too: they are the labels.
    """
    split = split_file(task)
    extra = [split] if split and split.is_file() else []
    total = hashlib.sha256()
    if "size" in task:
        root = settings.data() / task["name"]
        images = pictures(root) if root.is_dir() else []
        found = [*images, *extra]
        total.update(_content(root, found).encode())
    else:
        images = files(task["name"])
        for path in [*images, *extra]:
            total.update(_content(path, [path]).encode())
    return total.hexdigest()[:12] if images else None


def _content(path: Path, parts: Sequence[Path]) -> str:
    """The hash of a file, or of a folder's `parts` and their paths in it."""
    cache = settings.runs() / CACHE
    key, stamp = str(path.resolve()), _stamp(path, parts)
    known = {}
    with suppress(OSError, ValueError):
        known = json.loads(cache.read_text())
    if key in known and known[key][:2] == stamp:
        return str(known[key][2])
    total = hashlib.sha256()
    for part in parts:
        if part != path:
            total.update(f"{part.relative_to(path).as_posix()}\n{part.stat().st_size}\n".encode())
        with part.open("rb") as file:
            while block := file.read(BLOCK):
                total.update(block)
    known[key] = [*stamp, total.hexdigest()]
    with suppress(OSError):  # a store that cannot be written: then the file is read each time
        cache.parent.mkdir(parents=True, exist_ok=True)
        draft = cache.with_name(f"{CACHE}.{hash(key) & 0xFFFF:04x}")
        draft.write_text(json.dumps(known))
        draft.replace(cache)
    return total.hexdigest()


def _stamp(path: Path, parts: Sequence[Path]) -> list[Any]:
    """Size and time of change: of one file, or hashed over many."""
    found = [(part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    if [*parts] == [path]:
        return [*found[0]]
    lines = "\n".join(f"{part} {size} {when}" for part, (size, when) in zip(parts, found, strict=True))
    return [sum(size for size, _ in found), hashlib.sha256(lines.encode()).hexdigest()]
