"""A data set at half its size."""

import numpy as np
import pytest

from benchmarks.data import halved, sources
from benchmarks.errors import UserError


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    return tmp_path


def test_each_pixel_is_the_mean_of_four(store, capsys):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (6, 4, 6, 3), dtype=np.uint8)
    labels = np.array([0, 1] * 3)
    np.savez(store / "large.npz", x_train=x, y_train=labels, x_unlabeled=x[:2], classes=np.array(["cat", "dog"]))
    assert halved.main(["large"]) == 0
    assert capsys.readouterr().out.strip() == str(store / "large_2.npz")
    found = sources.load("large_2")
    wanted = np.zeros((6, 2, 3, 3))
    for i, j in np.ndindex(2, 3):
        wanted[:, i, j] = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(6, 4, 3).astype(int).sum(1) / 4
    assert np.abs(found.x_train - wanted).max() <= 0.5
    assert (found.x_train == np.floor(wanted + 0.5)).all()
    assert found.x_unlabeled.shape == (2, 2, 3, 3) and found.classes == ("cat", "dog")
    assert (found.y_train == labels).all() and found.x_test is None


def test_an_odd_side_cannot_be_halved():
    with pytest.raises(UserError, match="both sides must be even"):
        halved.halved(np.zeros((1, 3, 4, 1), np.uint8))


def test_the_data_set_must_be_named(capsys):
    assert halved.main([]) == 2
    assert "which data set?" in capsys.readouterr().err
