"""TensorBoard's event files: bytes as its format has them, rows as metrics.jsonl has them, also after a resume."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from outcomes import outcome, stopped

from benchmarks.config import compose
from benchmarks.run import execute
from benchmarks.store import events
from benchmarks.store.run import Run


def records(data: bytes) -> Iterator[bytes]:
    """The data of every record, its checksums compared."""
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + length]
        assert data[8:12] == events.masked(data[:8])
        assert data[12 + length : 16 + length] == events.masked(body)
        yield body
        data = data[16 + length :]


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, content) of a protocol buffer's fields, by their wire types."""

    def varint() -> int:
        nonlocal data
        value = shift = 0
        while True:
            byte, data = data[0], data[1:]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while data:
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        body, data = data[:size], data[size:]
        yield key >> 3, struct.unpack({1: "<d", 5: "<f"}[kind], body)[0] if kind != 2 else body


def read(run: Run) -> list[dict[str, float]]:
    """Step and numbers of every event of the one file that there is, but for its head."""
    (path,) = (run.folder / events.FOLDER).iterdir()
    head, *rest = records(path.read_bytes())
    assert dict(fields(head))[3] == b"brain.Event:2"
    found = []
    for body in rest:
        event = dict(fields(body))
        values = (dict(fields(value)) for _, value in fields(event[5]))
        found.append({"step": event[2]} | {value[1].decode(): value[2] for value in values})
    return found


def test_checksum() -> None:
    assert events.crc(b"123456789") == 0xE3069283  # RFC 3720, the check value of CRC-32C
    assert [events.varint(n) for n in (1, 127, 128, 300)] == [b"\x01", b"\x7f", b"\x80\x01", b"\xac\x02"]


def expected(run: Run) -> list[dict[str, float]]:
    rows = []
    for row in run.rows():
        recall = {f"recall/{k}": value for k, value in enumerate(row.pop("recall")) if value is not None}
        rows.append(pytest.approx(row | recall))
    return rows


def test_events_are_the_rows(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_TENSORBOARD", "1")
    told: list[dict[str, Any]] = []
    run = execute(compose(["scale=smoke", "steps=6", "protocol.eval_every=2"]), told.append)
    assert len(told) == 3
    assert read(run) == expected(run)


def test_a_resumed_run_has_one_file_with_every_row(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = compose(["scale=smoke", "steps=8", "protocol.eval_every=2"])
    plain = outcome(execute(cfg))
    monkeypatch.setenv("SSL_RUNS", str(store / "other"))
    monkeypatch.setenv("SSL_TENSORBOARD", "1")
    stopped(cfg, steps=5)
    run = execute(cfg)
    assert read(run) == expected(run) and len(read(run)) == 4
    assert outcome(run) == plain, "no bit of the run depends on it"


def test_off_by_default_and_no_disk_no_matter(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not (execute(compose(["scale=smoke", "seed=1"])).folder / events.FOLDER).exists()

    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setenv("SSL_TENSORBOARD", "1")
    monkeypatch.setattr(events, "Events", full)
    assert execute(compose(["scale=smoke", "seed=2"])).done
