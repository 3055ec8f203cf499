"""Where a data set lies on the disk, and a hash of what is in it. Imports neither torch nor numpy."""

import hashlib
import json
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

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
BLOCK = 1 << 20
CACHE = ".content.json"


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


def content(name: str) -> str | None:
    """12 hexadecimal digits of a hash over a data set's files; None where it is not there.

    A file whose size and time of change are known is not read again: the run folder remembers its hash.
    """
    total = hashlib.sha256()
    found = files(name)
    for path in found:
        total.update(_content(path).encode())
    return total.hexdigest()[:12] if found else None


def _content(path: Path) -> str:
    cache = settings.runs() / CACHE
    status = path.stat()
    key, stamp = str(path.resolve()), [status.st_size, status.st_mtime_ns]
    known = {}
    with suppress(OSError, ValueError):
        known = json.loads(cache.read_text())
    if key in known and known[key][:2] == stamp:
        return str(known[key][2])
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    known[key] = [*stamp, total.hexdigest()]
    with suppress(OSError):  # a store that cannot be written: then the file is read each time
        cache.parent.mkdir(parents=True, exist_ok=True)
        draft = cache.with_name(f"{CACHE}.{hash(key) & 0xFFFF:04x}")
        draft.write_text(json.dumps(known))
        draft.replace(cache)
    return total.hexdigest()
