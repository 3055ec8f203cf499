"""The trained network of a run, used: it errs as the run said, on files as on arrays, and nothing in it is executed."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from contract import every_method, smoke
from PIL import Image

from benchmarks.config import compose
from benchmarks.data import sources
from benchmarks.errors import UserError
from benchmarks.predict import load
from benchmarks.predict.__main__ import main
from benchmarks.run import execute
from benchmarks.store import model as store
from benchmarks.store.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """FixMatch on digits, for a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path_factory.mktemp("runs")))
        return execute(compose(["scale=smoke", "task.subset=null", "steps=20"]))


def digits() -> torch.Tensor:
    return torch.from_numpy(sources.load("digits").x_test).permute(0, 3, 1, 2)


def errors(run: Run) -> float:
    return float(json.loads((run / "result.json").read_text())["error"]["last"])


def table(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV, which may be compressed."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(content.decode().splitlines()))


@every_method
def test_every_methods_network_errs_as_its_run_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    run = execute(compose([*smoke(name), "task.subset=null"]))
    before = torch.get_rng_state()
    model = load(run.id)
    assert torch.equal(torch.get_rng_state(), before)
    p = model(digits())
    wrong = p.argmax(1).numpy() != sources.load("digits").y_test
    assert 100 * wrong.mean() == pytest.approx(errors(run), abs=1e-9)
    kept = table(run / "predictions.csv.gz")
    assert [int(row["prediction"]) for row in kept] == p.argmax(1).tolist()
    assert [row["confidence"] for row in kept] == [f"{value:.6f}" for value in p.amax(1).tolist()]


def test_kept_predictions_name_their_images(run: Run) -> None:
    data = sources.load("digits")
    kept = table(run / "predictions.csv.gz")
    assert list(kept[0]) == ["index", "label", "prediction", "confidence"]
    assert [int(row["index"]) for row in kept] == list(range(500))
    assert [int(row["label"]) for row in kept] == data.y_test.tolist()
    pseudo = table(run / "pseudo.csv.gz")
    assert sorted(int(row["index"]) for row in pseudo) == list(range(1297))
    assert all(data.y_train[int(row["index"])] == int(row["hidden"]) for row in pseudo)


def test_a_model_says_what_it_takes(run: Run) -> None:
    model = load(run.folder)
    assert model.shape == (1, 8, 8) and model.classes == tuple("0123456789")
    assert not model.train().training and not any(p.requires_grad for p in model.parameters())
    assert model(digits()[:0]).shape == (0, 10)
    p = model(digits()[:3])
    assert p.shape == (3, 10) and torch.allclose(p.sum(1), torch.ones(3))
    with pytest.raises(UserError, match=r"^this model takes uint8 \[B, 1, 8, 8\], not float32 \[3, 1, 8, 8\]$"):
        model(digits()[:3].float())
    with pytest.raises(UserError, match=r"not uint8 \[3, 1, 4, 8\]$"):
        model(digits()[:3, :, ::2])


@pytest.mark.parametrize("by", ["id", "folder", "file"])
@pytest.mark.parametrize("named", [("x", "y"), ("x_test", "y_test")])
def test_an_npz(
    by: str, named: tuple[str, str], run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("SSL_RUNS", str(run.folder.parent))
    data = sources.load("digits")
    np.savez(tmp_path / "some.npz", **dict(zip(named, (data.x_test, data.y_test), strict=True)))
    which = {"id": run.id, "folder": str(run.folder), "file": str(run / store.NAME)}[by]
    assert main([which, str(tmp_path / "some.npz"), f"out={tmp_path / 'out.csv'}"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'out.csv'}: 500 images, error {errors(run):.2f} %\n"
    assert "500/500" in err  # the progress bar
    found = table(tmp_path / "out.csv")
    kept = table(run / "predictions.csv.gz")
    assert [row["image"] for row in found] == [row["index"] for row in kept]
    assert [row["prediction"] for row in found] == [row["prediction"] for row in kept]
    assert [row["confidence"] for row in found] == [row["confidence"] for row in kept]


def test_folders_and_files(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = sources.load("digits")
    for k in range(500):
        folder = tmp_path / "test" / str(data.y_test[k])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.x_test[k, ..., 0]).save(folder / f"{k:03}.png")
    out = tmp_path / "out.csv"
    assert main([str(run.folder), str(tmp_path / "test"), f"out={out}"]) == 0
    assert capsys.readouterr().out == f"{out}: 500 images, error {errors(run):.2f} %\n"  # a PNG loses nothing
    folder = {row["image"]: row for row in table(out)}
    Image.fromarray(data.x_test[0, ..., 0]).resize((80, 80), Image.Resampling.NEAREST).save(tmp_path / "large.png")
    files = sorted(map(str, (tmp_path / "test/7").iterdir()))
    assert main([str(run.folder), *files, str(tmp_path / "large.png"), f"out={out}"]) == 0
    assert capsys.readouterr().out == f"{out}: {len(files) + 1} images\n"  # nobody knows the last one's class
    *found, large = table(out)
    assert found == [folder[file] for file in files]
    assert large["prediction"] == folder[str(tmp_path / "test" / str(data.y_test[0]) / "000.png")]["prediction"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["{run}"], "which run, and which images? e.g. python -m benchmarks.predict 8d28457d9686 photos/"),
        (["000000000000", "{tmp}"], "there is no run 000000000000 in "),
        (["{run}", "{tmp}/nowhere"], "there is no {tmp}/nowhere: name images, a folder of them, or an .npz"),
        (["{run}", "{tmp}/empty"], "{tmp}/empty: no images there"),
        (["{run}", "{tmp}/bad.png"], "cannot read {tmp}/bad.png (cannot identify image file): remove these files"),
        (["{run}", "{tmp}/bad.npz"], "{tmp}/bad.npz: holds neither x nor x_test; it must hold images as x"),
        (["{run}", "{tmp}/size.npz"], "this model takes uint8 [B, 1, 8, 8], not uint8 [2, 3, 4, 4]"),
        (["{run}", "{tmp}/good.png", "out={tmp}/no/where.csv"], "cannot write {tmp}/no/where.csv: No such file or dir"),
        (["{tmp}/bad.png", "{tmp}/bad.png"], "{tmp}/bad.png is no model of a run, or damaged ("),
        (["{tmp}/empty", "{tmp}/good.png"], "{tmp}/empty has no model.pth: the run is not done; run it to its end"),
    ],
)
def test_faults_are_one_line(
    words: list[str], why: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    Image.new("L", (8, 8)).save(tmp_path / "good.png")
    np.savez(tmp_path / "bad.npz", y=np.arange(3))
    np.savez(tmp_path / "size.npz", x=np.zeros((2, 4, 4, 3), np.uint8))
    places = {"run": run.folder, "tmp": tmp_path}
    assert main([word.format(**places) for word in words]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert line.removeprefix("error: ").startswith(why.format(**places))


def test_a_sweep_can_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    monkeypatch.setenv("SSL_MODEL", "0")
    run = execute(compose(["scale=smoke"]))
    assert not (run / store.NAME).exists()
    with pytest.raises(UserError, match=r"has no model\.pth: it was made with SSL_MODEL=0, or by an older version"):
        load(run.id)


@pytest.mark.parametrize(
    "target", ["os.mkdir", "benchmarks.store.disk.os.mkdir", "methods.vat.torch.os.mkdir", "methods.no.mkdir"]
)
def test_nothing_of_a_strangers_is_executed(target: str, run: Run, tmp_path: Path) -> None:
    kept = store.load(run / store.NAME)
    kept["config"]["method"]["nested"] = [{"_target_": target, "path": str(tmp_path / "executed")}]
    torch.save(kept, tmp_path / "model.pth")
    with pytest.raises(UserError, match=rf"{target} is no part of a model, and will not be executed"):
        load(tmp_path)
    assert not (tmp_path / "executed").exists()
    torch.save({"layout": store.LAYOUT + 1}, tmp_path / "model.pth")
    with pytest.raises(UserError, match="was written by a newer version"):
        load(tmp_path)
