"""IMDb's reviews from their authors' page, whose archive is compared with its checksum, into the files of `written`."""

import gzip
import hashlib
import http.client
import json
import os
import tarfile
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.data import written
from benchmarks.data.arrays import printable
from benchmarks.errors import DataError
from benchmarks.machine import settings

ADDRESS = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"  #: as torchtext and others have it
NAMES = tuple(written.pages())  #: of texts, for `make data`
BLOCK = 1 << 20


def known(name: str) -> bool:
    """Whether `name` is a data set of texts: one of the papers', or one that is there."""
    return name in NAMES or written.find(name, "train") is not None


def fetch(name: str) -> str:
    """Make sure that texts can be read, by downloading them if that is possible; describe them in one line.

    Raises DataError, which names the page and the files where there is no stable address.
    """
    if name == "imdb" and written.find(name, "train") is None:
        try:
            _download(settings.data() / name)
        except (OSError, EOFError, http.client.HTTPException, tarfile.TarError) as fault:
            raise DataError(
                f"imdb could not be downloaded from {ADDRESS} ({printable(fault)}): check the network and try again, "
                f"or put {written.FORMAT} into {settings.data() / name}"
            ) from fault
    train, test = (written.read(name, part) for part in ("train", "test"))
    written.check(name, train, test)
    extra = len(train.texts[0]) - 1
    wordings = f", {extra} other wording{'s' * (extra > 1)} of each training text" if extra else ""
    count = f"{len(train.texts):,} training + {len(test.texts):,} test"
    return f"{name}: {count} texts, {1 + int(train.labels.max())} classes{wordings}"


def _download(folder: Path) -> None:
    """train.jsonl.gz and test.jsonl.gz of that folder. Raises DataError where the archive is not the one it was."""
    folder.mkdir(parents=True, exist_ok=True)
    total = hashlib.md5(usedforsecurity=False)
    with tempfile.TemporaryFile() as archive:
        with urllib.request.urlopen(ADDRESS) as page:
            while block := page.read(BLOCK):
                total.update(block)
                archive.write(block)
        if total.hexdigest() != MD5:
            raise DataError(f"imdb: what {ADDRESS} gave has the MD5 {total.hexdigest()}, not {MD5}: try again")
        archive.seek(0)
        rows = _reviews(archive)
    for part, own in rows.items():
        draft = folder / f".{part}.{os.getpid()}"
        draft.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in own).encode(), mtime=0))
        draft.replace(folder / f"{part}.jsonl.gz")


def _reviews(archive: Any) -> dict[str, list[dict[str, Any]]]:
    """The archive's aclImdb/{train,test}/{neg,pos}/*.txt, in the order of their names."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {"test": [], "train": []}  # train last: it says "complete"
    with tarfile.open(fileobj=archive) as files:
        for file in files:
            parts = file.name.split("/")
            if (
                len(parts) == 4
                and parts[1] in found
                and parts[2] in ("neg", "pos")
                and (content := files.extractfile(file))
            ):
                row = {"text": content.read().decode("utf-8"), "label": int(parts[2] == "pos")}
                found[parts[1]].append((file.name, row))
    return {part: [row for _, row in sorted(own, key=lambda pair: pair[0])] for part, own in found.items()}
