"""Download data sets; their checksums are compared:  make data DATASETS="cifar10 svhn imdb"

The folder is $SSL_DATA (./data). A name that is there already, or that is your own, is only described.
"""

import http.client
import socket
import sys
import tarfile

from benchmarks.data import reviews, sources
from benchmarks.data.arrays import printable, size
from benchmarks.data.npz import FORMAT
from benchmarks.errors import DataError, UserError, command
from benchmarks.machine import settings


def _fetch(name: str) -> str:
    """Make sure that `name` can be loaded, by downloading it if that is possible; describe it in one line.

    Raises:
        DataError: it can neither be loaded nor downloaded.
    """
    if reviews.known(name) and not sources.own(name).exists():
        return reviews.fetch(name)
    if name in sources.DOWNLOADABLE and not sources.own(name).exists():
        try:
            settings.data().mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise DataError(
                f"cannot make {settings.data()} ({printable(fault)}): set SSL_DATA to another folder"
            ) from fault
        try:
            arrays = sources.from_torchvision(name, download=True)
        except (OSError, RuntimeError, EOFError, http.client.HTTPException, tarfile.TarError) as fault:
            raise DataError(
                f"{name} could not be downloaded into {settings.data()} ({printable(fault)}): "
                f"check the network and try again, or make {sources.own(name)} with {FORMAT}"
            ) from fault
    else:
        arrays = sources.load(name)
    classes = int(arrays.y_train.max()) + 1
    extra = "" if arrays.x_unlabeled is None else f" + {len(arrays.x_unlabeled):,} unlabelled"
    tested = "no" if arrays.x_test is None else f"{len(arrays.x_test):,}"
    count = f"{len(arrays.x_train):,} training + {tested} test{extra}"
    return f"{name}: {count} images of {size(arrays.x_train)}, {classes} classes"


@command
def main(names: list[str]) -> int:
    if not names or any(name.startswith("-") for name in names):
        every = ", ".join((*sources.KNOWN, *reviews.NAMES))
        raise UserError(f'which data sets? e.g. make data DATASETS="cifar10" (of {every})')
    for name in names:  # a slip in the last name must not cost the first one's download
        if name not in sources.KNOWN and not reviews.known(name) and not sources.own(name).exists():
            raise sources.unknown(name)
    for name in names:
        print(_fetch(name), flush=True)
    return 0


if __name__ == "__main__":
    socket.setdefaulttimeout(60)  # a dead connection ends in an error
    sys.exit(main(sys.argv[1:]))
