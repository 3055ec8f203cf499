"""docs/own-data.md, followed to the letter: every command and program in it, in this order."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.mark.slow
def test_the_page(tmp_path: Path) -> None:
    for name in ("benchmarks", "methods", "reports", "sweeps", "Makefile"):
        (tmp_path / name).symlink_to(ROOT / name)
    folders = {"SSL_RUNS": "runs", "SSL_DATA": "data", "SSL_REPORTS": "reports-out"}
    environment = os.environ | folders | {"OMP_NUM_THREADS": "1", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')  # of the same environment
    (tmp_path / "python").chmod(0o755)
    environment |= {"PY": sys.executable, "PYTHONPATH": str(ROOT)}
    said: list[str] = []

    def follow(*command: str) -> None:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout[-1000:], done.stderr[-2000:])
        assert "error" not in done.stderr and "warning" not in done.stderr
        said.append(done.stdout)
        if found := re.search(r"^done: runs/(\w+)$", done.stdout, re.MULTILINE):
            environment["RUN"] = found[1]

    page = (ROOT / "docs/own-data.md").read_text()
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in blocks] == ["text", "python", "", "", "", "python", "", ""]
    for kind, text in blocks:
        if kind == "python":
            follow(sys.executable, "-c", text)
        elif not kind:
            follow("bash", "-e", "-c", text)

    made, views, first, predicted, printed, confusion, last = said
    assert not made and len(list((tmp_path / "data/numbers/unlabelled").iterdir())) == 1797 - 600
    assert "12 images of numbers" in views and (tmp_path / "reports-out/views-numbers.png").exists()
    (error,) = re.findall(r"step +400   error +([\d.]+) %", first)
    assert float(error) < 25
    assert predicted == f"labels.csv: 500 images, error {error} %\n"  # as the run said itself
    lines = list(csv.DictReader((tmp_path / "labels.csv").read_text().splitlines()))
    assert len(lines) == 500 and {line["prediction"] for line in lines} <= set("0123456789")
    assert re.fullmatch(r"\['\d', '\d'\] \[[\d., ]+\]\n", printed)
    assert f"error {error} % of 500 test images" in confusion
    result = json.loads((tmp_path / "runs" / environment["RUN"] / "result.json").read_text())
    assert "fixmatch on numbers/few.txt" in last and result["report"] == "best_on_validation"
    assert result["validation"]["best_on_validation"] <= result["validation"]["last"]
    for link in re.findall(r"reports/out/[\w.-]+", page):
        assert (tmp_path / "reports-out" / Path(link).name).exists()
