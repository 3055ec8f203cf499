"""IMDb from its archive, and what `make data` says of texts."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from benchmarks.data import reviews, written
from benchmarks.data.download import main


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive in place of the page's, and an empty data folder."""
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as files:
        for name, text in {
            "aclImdb/README": "no review",
            "aclImdb/train/unsup/0_0.txt": "of no class",
            "aclImdb/train/pos/1_9.txt": "très bon",
            "aclImdb/train/neg/0_3.txt": "bad",
            "aclImdb/train/pos/0_8.txt": "good",
            "aclImdb/train/labeledBow.feat": "counts",
            "aclImdb/test/neg/0_1.txt": "worst",
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            files.addfile(entry, io.BytesIO(text.encode()))
    monkeypatch.setattr(reviews, "ADDRESS", archive.as_uri())
    monkeypatch.setattr(reviews, "MD5", hashlib.md5(archive.read_bytes()).hexdigest())
    monkeypatch.setenv("SSL_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_imdb_is_downloaded_once(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert main(["imdb"]) == 0
    assert capsys.readouterr().out == "imdb: 3 training + 1 test texts, 2 classes\n"
    train = written.read("imdb", "train")
    assert train.texts == [("bad",), ("good",), ("très bon",)] and train.labels.tolist() == [0, 1, 1]
    monkeypatch.setattr(reviews, "ADDRESS", "file:///nowhere")
    assert main(["imdb"]) == 0
    assert sorted(path.name for path in (data / "imdb").iterdir()) == ["test.jsonl.gz", "train.jsonl.gz"]


def test_what_cannot_be_downloaded_is_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reviews, "MD5", "0" * 32)
    assert main(["imdb"]) == 2
    assert "has the MD5" in capsys.readouterr().err
    monkeypatch.setattr(reviews, "ADDRESS", "file:///nowhere")
    assert main(["imdb"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: imdb could not be downloaded from file:///nowhere (")
    assert not written.find("imdb", "train")
    for name in ("amazon_review", "yelp_review"):
        assert main([name]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(
            f"error: {name} has no train texts in {data / name}: put USB's {name}/train.json and test.json there"
        )


def test_texts_of_one_s_own_are_described(data: Path, capsys: pytest.CaptureFixture[str]):
    (data / "mine").mkdir(parents=True)
    for part in ("train", "test"):
        rows = "text,label,augmented,augmented_1\na,0,b,c\nd,1,e,f\n"
        (data / "mine" / f"{part}.csv").write_text(rows)
    assert main(["mine"]) == 0
    assert capsys.readouterr().out == (
        "mine: 2 training + 2 test texts, 2 classes, 2 other wordings of each training text\n"
    )
