"""A container's share of the processors counts, whichever control groups the kernel has."""

import os
from pathlib import Path

import pytest

from benchmarks.machine import processors


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixteen processors, and no control groups yet."""
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    monkeypatch.setattr(processors, "CGROUPS", tmp_path)
    monkeypatch.setattr(processors, "OWN", tmp_path / "own")
    return tmp_path


def test_without_a_limit_it_is_what_the_process_is_bound_to(groups: Path) -> None:
    assert processors.cores() == 16
    (groups / "own").write_text("0::/\n")
    (groups / "cpu.max").write_text("max 100000\n")
    assert processors.cores() == 16


@pytest.mark.parametrize(("quota", "expected"), [("250000", 2), ("50000", 1), ("9900000", 16)])
def test_the_least_limit_above_counts(groups: Path, quota: str, expected: int) -> None:
    (groups / "a" / "b").mkdir(parents=True)
    (groups / "own").write_text("0::/a/b\n")
    (groups / "a" / "b" / "cpu.max").write_text("max 100000\n")
    (groups / "a" / "cpu.max").write_text(f"{quota} 100000\n")
    assert processors.cores() == expected


def test_version_one(groups: Path) -> None:
    (groups / "cpu" / "docker").mkdir(parents=True)
    (groups / "own").write_text("12:memory:/docker\n4:cpu,cpuacct:/docker\n")
    for name, value in (("quota", "-1"), ("period", "100000")):
        (groups / "cpu" / "docker" / f"cpu.cfs_{name}_us").write_text(value)
    assert processors.cores() == 16
    (groups / "cpu" / "docker" / "cpu.cfs_quota_us").write_text("300000")
    assert processors.cores() == 3


def test_a_job_counts_what_it_was_given(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "6")
    assert processors.cores() == 6
