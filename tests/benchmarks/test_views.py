"""The picture of a task's views: plain ones are the images, others are the task's own."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import views
from benchmarks.data import sources


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    return tmp_path


def tiles(path: Path, size: int) -> np.ndarray:
    """[rows, columns, size, size, 3]: the sheet's images, in their own pixels."""
    page, factor = np.asarray(Image.open(path)), -(-views.TILE // size)
    step, margin = factor * size + views.GAP, views.MARGIN
    rows, columns = page.shape[0] // step, (page.shape[1] - margin) // step
    cut = [[page[r * step :, margin + c * step :][: factor * size : factor, : factor * size : factor]
            for c in range(columns)] for r in range(rows)]  # fmt: skip
    return np.array(cut)


def test_digits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert views.main(["task=digits", "seed=1"]) == 0
    path = folder / "views-digits.png"
    assert capsys.readouterr().out == (f"{path}: 12 images of digits; a strong view loses 18% of an image on average\n")
    shown = tiles(path, 8)
    assert shown.shape == (len(views.ROWS), views.COLUMNS, 8, 8, 3)
    known = {image.tobytes() for image in sources.load("digits").x_train}
    assert all(np.ascontiguousarray(image[..., :1]).tobytes() in known for image in shown[0])
    weak, strong = shown[1], shown[2:]
    assert not np.array_equal(weak, shown[0]) and len({row.tobytes() for row in strong}) == len(strong)


def test_fewer_images_than_columns_and_colours(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    x = np.random.default_rng(0).integers(0, 256, (4, 100, 80, 3), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", x_train=x, y_train=np.arange(4) % 2)
    assert views.main(["task=npz", "task.name=own", "task.labels=2"]) == 0
    assert "4 images of own" in capsys.readouterr().out
    page = np.asarray(Image.open(folder / "views-own.png"))
    first = page[:100, views.MARGIN :][:, :80]
    assert any(np.array_equal(first, image) for image in x)


def test_faults_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert views.main(["task=digit"]) == 2
    monkeypatch.setenv("SSL_REPORTS", "/dev/null/no")
    assert views.main(["task=digits"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith('error: unknown task "digit". Did you mean "digits"?')
    assert second.startswith("error: cannot write /dev/null/no/views-digits.png: ")


def test_views_of_texts_are_no_pictures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    texts = SimpleNamespace(unlabelled=object())
    monkeypatch.setattr(views, "build_task", lambda cfg: (texts, None))
    assert views.main(["task=digits"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: digits holds no images, and views are pictures: choose a task of images"
