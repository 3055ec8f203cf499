"""Evaluations as TensorBoard event files, for whoever looks with it; metrics.jsonl stays the truth. Needs no package.

An event file is a sequence of records (TensorFlow's TFRecord): length as uint64, masked CRC-32C of these eight bytes,
the data, their masked CRC-32C. The data are protocol buffers: Event {1: wall time, double; 2: step, int64; 3: version,
text; 5: Summary {1: Value {1: tag, text; 2: number, float}, repeated}}.
"""

import os
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.store.run import Run

FOLDER = "tensorboard"
POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reflected


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ POLYNOMIAL * (byte & 1)
        table.append(byte)
    return table


TABLE = _table()


def crc(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    """TFRecord's checksum: rotated right by 15 bits, plus a constant."""
    value = crc(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def text(field: int, content: bytes) -> bytes:
    """A field of bytes with its length before it."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def event(row: Mapping[str, Any], wall: float) -> bytes:
    """A row of metrics.jsonl; a list (recall) is a number per class."""
    values = b"".join(
        text(1, text(1, tag.encode()) + b"\x15" + struct.pack("<f", number)) for tag, number in _numbers(row)
    )
    return b"\x09" + struct.pack("<d", wall) + b"\x10" + varint(int(row["step"])) + text(5, values)


def _numbers(row: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    for key, value in row.items():
        if key != "step" and isinstance(value, int | float):
            yield key, float(value)
        elif isinstance(value, list):
            yield from ((f"{key}/{k}", float(part)) for k, part in enumerate(value) if part is not None)


class Events:
    """The event file of one run, made anew with the rows that it goes on from."""

    def __init__(self, folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        folder = folder / FOLDER
        folder.mkdir(exist_ok=True)
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        now = time.time()
        self.path = folder / f"events.out.tfevents.{int(now)}.{os.uname().nodename}"
        head = b"\x09" + struct.pack("<d", now) + text(3, b"brain.Event:2")
        self.path.write_bytes(record(head) + b"".join(record(event(row, now)) for row in rows))

    def add(self, row: Mapping[str, Any]) -> None:
        with self.path.open("ab") as file:
            file.write(record(event(row, time.time())))


def also(run: Run, report: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """What reports a row, and writes it to the run's event file besides; a disk that is full ends no training.

    The file begins with the rows that the run goes on from.
    """
    events: list[Events] = []

    def both(row: dict[str, Any]) -> None:
        with suppress(OSError):
            if events:
                events[0].add(row)
            else:
                events.append(Events(run.folder, run.rows()))
        report(row)

    return both
