"""Texts in files: $SSL_DATA/<name>/train and test, as .json (USB's), .jsonl or .csv, also .gz.

.json    {"0": {"ori": "a text", "aug_0": "another wording", "aug_1": ..., "label": "1"}, ...}
.jsonl   {"text": "a text", "label": 1} a line, and optionally "augmented": a wording or a list of them
.csv     a header, text,label and optionally augmented, augmented_1, ...

Labels are whole numbers from 0; every class has a training text.
"""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.data import sources
from benchmarks.data.arrays import printable
from benchmarks.errors import DataError
from benchmarks.machine import settings

KINDS = (".json", ".jsonl", ".csv")
PAGES = Path(__file__).parents[1] / "conf" / "pages.yaml"
FORMAT = "train and test as .jsonl with text and label a line, as .csv with these columns, or as USB's .json"


@dataclass(frozen=True, eq=False)
class Written:
    texts: list[tuple[str, ...]]  #: N texts, each itself and then its other wordings, equally many
    labels: NDArray[np.int64]  #: [N]
    digest: str  #: of the file


def find(name: str, part: str) -> Path | None:
    """The file of a part, "train" or "test"; None where there is none."""
    stem = settings.data() / name / part
    paths = [stem.with_name(f"{part}{kind}{zipped}") for kind in KINDS for zipped in ("", ".gz")]
    return next((path for path in paths if path.is_file()), None)


def read(name: str, part: str) -> Written:
    """Raises DataError, which names the line, where the file is missing or not of the format."""
    sources.own(name)  # refuses what cannot be a name
    path = find(name, part)
    if path is None:
        raise missing(name, part)
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
        rows = list(_rows(path.name.removesuffix(".gz"), text))
        texts, labels = zip(*(_row(where, row) for where, row in rows), strict=True) if rows else ((), ())
    except UnicodeDecodeError as fault:
        raise DataError(f"{path}: is not UTF-8 (byte {fault.start}): convert it") from fault
    except (OSError, EOFError, ValueError, csv.Error) as fault:
        raise DataError(f"{path}: {printable(fault)}; there must be {FORMAT}") from fault
    versions = {len(row) for row in texts}
    if len(versions) != 1:
        counts = " or ".join(map(str, sorted(versions))) or "no"
        raise DataError(f"{path}: its texts have {counts} wordings, not each as many: leave the others out")
    return Written(list(texts), np.array(labels, dtype=np.int64), hashlib.sha256(content).hexdigest())


def missing(name: str, part: str) -> DataError:
    hint = pages().get(name, f"to bring your own, put there {FORMAT}")
    return DataError(f"{name} has no {part} texts in {settings.data() / name}: {hint}")


@cache
def pages() -> dict[str, str]:
    """The papers' data sets of texts, and where each is found."""
    found: dict[str, str] = yaml.safe_load(PAGES.read_text())
    return found


def _rows(name: str, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where a row stands, and its fields by the names of .jsonl."""
    if name.endswith(".csv"):
        reader = csv.DictReader(io.StringIO(text, newline=""))
        for row in reader:
            others = [value for key, value in row.items() if key and key.startswith("augmented") and value]
            yield f"line {reader.line_num}", {**row, "augmented": others}
    elif name.endswith(".jsonl"):
        for number, line in enumerate(text.split("\n"), 1):  # str.splitlines would break within texts, too
            if line.strip():
                yield f"line {number}", _object(line, f"line {number}: ")
    else:
        for key, row in _object(text).items():
            own = {"text" if k == "ori" else k: v for k, v in row.items()}
            augmented = [own[k] for k in sorted(own) if k.startswith("aug_")]
            yield f"text {key}", {**own, "augmented": augmented}


def _object(text: str, where: str = "") -> dict[str, Any]:
    """Raises ValueError where the text is no JSON object."""
    try:
        value = json.loads(text)
    except ValueError as fault:
        raise ValueError(f"{where}is no JSON ({fault})") from fault
    if not isinstance(value, dict):
        raise ValueError(f"{where}is no JSON object")
    return value


def _row(where: str, row: Mapping[str, Any]) -> tuple[tuple[str, ...], int]:
    """The wordings of one text, and its label. Raises ValueError."""
    text, label, others = row.get("text"), row.get("label"), row.get("augmented") or []
    if label is None or not str(label).strip().isdigit():
        raise ValueError(f"{where} has " + ("no label" if label in (None, "") else f"the label {label!r}, no number"))
    versions = (text, *([others] if isinstance(others, str) else others))
    if any(not isinstance(version, str) or not version.strip() for version in versions):
        raise ValueError(f"{where} has an empty text")
    return versions, int(label)


def check(name: str, train: Written, test: Written) -> None:
    """Raises DataError where the labels are no classification."""
    classes: Iterable[int] = np.unique(train.labels).tolist()
    last = max(classes)
    if last == 0:
        raise DataError(f"{name}: its training texts are of one class: there must be two or more")
    if lacking := set(range(last + 1)) - set(classes):
        raise DataError(f"{name}: no training text has the label {min(lacking)}, though there is {last}")
    if outside := set(np.unique(test.labels).tolist()) - set(classes):
        raise DataError(f"{name}: a test text has the label {min(outside)}, which no training text has")
