"""Texts from files to batches: formats, tokens, views, and what is refused in one line."""

import csv
import gzip
import json
from pathlib import Path

import pytest
import torch
import toy_texts as toy
from torch import Tensor

from benchmarks.config import compose
from benchmarks.data import tokens, written
from benchmarks.data.texts import Texts, Wording
from benchmarks.errors import DataError, UserError
from benchmarks.machine import pretrained


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    toy.write(tmp_path)
    return tmp_path


def wording(**options) -> Wording:
    usual = {"tokenizer": "toy_words", "length": 16, "keep": "first", "strong": "back_translation"}
    return Wording(**{**usual, "delete": 0.2, "mask": 0.2, **options})


def texts(wording: Wording) -> Texts:
    return Texts(torch.from_numpy(wording.load("toy").x_train), wording)


def said(row: Tensor) -> str:
    """Token numbers as words, without padding."""
    return " ".join(toy.words()[k] for k in row.tolist() if k)


def views(of: Texts, *names: str, seed: int = 0) -> tuple[Tensor, ...]:
    return of.views(names, torch.arange(len(of)), torch.Generator().manual_seed(seed))


ROWS = [("a fine film", "a great film", 1), ("so dull", "very poor", 0)]


def save(folder: Path, kind: str, rows=ROWS) -> None:
    folder.mkdir(exist_ok=True)
    for part in ("train", "test"):
        path = folder / f"{part}{kind}"
        if kind.startswith(".jsonl"):
            content = "".join(json.dumps({"text": t, "augmented": a, "label": y}) + "\n" for t, a, y in rows)
        elif kind.startswith(".json"):
            content = json.dumps({str(k): {"ori": t, "aug_0": a, "label": str(y)} for k, (t, a, y) in enumerate(rows)})
        else:
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([("text", "label", "augmented"), *((t, y, a) for t, a, y in rows)])
            continue
        path.write_bytes(gzip.compress(content.encode()) if kind.endswith(".gz") else content.encode())


@pytest.mark.parametrize("kind", [".json", ".jsonl", ".jsonl.gz", ".csv"])
def test_every_format_holds_the_same(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    save(tmp_path / "mine", kind)
    found = written.read("mine", "train")
    assert found.texts == [("a fine film", "a great film"), ("so dull", "very poor")]
    assert found.labels.tolist() == [1, 0]


def test_a_line_break_within_a_text_breaks_no_row(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    rows = [("one\u2028two\nthree\x85four", "a", 0), ("b", 'c, "d"\ne', 1)]
    for kind in (".jsonl", ".csv"):
        save(tmp_path / f"mine{kind}", kind, rows)
        assert written.read(f"mine{kind}", "train").texts == [(t, a) for t, a, _ in rows]


REFUSED = {
    "not UTF-8": (b'{"text": "caf\xe9", "label": 0}\n', r"train.jsonl: is not UTF-8 \(byte 13\): convert it"),
    "no label": (b'{"text": "a", "label": 1}\n{"text": "b"}\n', "line 2 has no label"),
    "a label that is a word": (b'{"text": "a", "label": "good"}\n', "line 1 has the label 'good', no number"),
    "an empty text": (b'{"text": " ", "label": 1}\n', "line 1 has an empty text"),
    "no text": (b'{"label": 1}\n', "line 1 has an empty text"),
    "no JSON": (b'{"text": "a", "label": 1}\nbad\n', "line 2: is no JSON"),
    "no object": (b"3\n", "line 1: is no JSON object"),
    "nothing": (b"\n", "its texts have no wordings"),
    "unequal wordings": (
        b'{"text": "a", "label": 1}\n{"text": "b", "label": 1, "augmented": "c"}\n', "1 or 2 wordings",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_in_one_line(name, data):
    content, why = REFUSED[name]
    (data / "toy/train.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=why) as error:
        written.read("toy", "train")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("train", "test", "why"),
    [
        ([0, 0], [0], "are of one class"),
        ([0, 2], [0], "no training text has the label 1, though there is 2"),
        ([0, 1], [5], "a test text has the label 5, which no training text has"),
    ],
)
def test_labels_that_are_no_classification_are_refused(train, test, why, data):
    for part, labels in (("train", train), ("test", test)):
        rows = "".join(json.dumps({"text": "a film", "label": y}) + "\n" for y in labels)
        (data / f"toy/{part}.jsonl").write_text(rows)
    with pytest.raises(DataError, match=why):
        wording().load("toy")


def test_what_is_missing_is_named_with_its_remedy(data, monkeypatch):
    (data / "toy/test.jsonl").unlink()
    with pytest.raises(DataError, match=r"toy has no test texts in .*toy: to bring your own, put there train"):
        wording().load("toy")
    with pytest.raises(
        DataError, match=r"yelp_review has no train texts .*: put USB's yelp_review/train.json .*https://\S+"
    ):
        wording().load("yelp_review")
    with pytest.raises(DataError, match=r"'\.\./toy' cannot name a data set"):
        wording().load("../toy")
    with pytest.raises(DataError, match='make data DATASETS="imdb"'):
        wording().load("imdb")
    hub = type("Hub", (), {"snapshot_download": staticmethod(lambda *a, **k: (_ for _ in ()).throw(OSError("off")))})
    monkeypatch.setattr(pretrained, "package", lambda name: hub)
    with pytest.raises(UserError, match=r"no encoder nowhere: .*nowhere is not there.*\(off\): put config.json"):
        pretrained.folder("nowhere")


def test_a_missing_package_is_one_line():
    with pytest.raises(UserError, match=r"texts need the package not_there: pip install .*requirements-text.txt"):
        pretrained.package("not_there")


def test_texts_become_padded_numbers(data):
    own = wording()
    x = own.load("toy").x_train
    assert x.shape == (60, 3, 16) and x.dtype == "int32"
    first = written.read("toy", "train").texts[0]
    for row, text in zip(torch.from_numpy(x[0]), first, strict=True):
        plain = text.replace("unwatchable", "unwatch ##able").split()[:14]
        assert said(row) == " ".join(["[CLS]", *plain, "[SEP]"])
    last = wording(keep="last").load("toy").x_train
    cut = [k for k in range(60) if (x[k, 0] != 0).all() and said(x[k, 0]) != said(last[k, 0])]
    assert cut and all(said(last[k, 0]).endswith("[SEP]") for k in cut)
    assert own.vocabulary.size == len(toy.words()) and (own.vocabulary.pad, own.vocabulary.mask) == (0, 4)


def test_tokens_are_made_once_and_follow_texts_tokenizer_and_length(data, monkeypatch):
    first = wording().load("toy").x_train
    assert len(list((data / ".tokens").glob("*.npy"))) == 2
    monkeypatch.setattr(tokens.np, "full", None)  # nothing is made again
    assert (wording().load("toy").x_train == first).all()
    monkeypatch.undo()
    monkeypatch.setenv("SSL_DATA", str(data))
    assert wording(length=8).load("toy").x_train.shape[2] == 8
    assert len(list((data / ".tokens").glob("*.npy"))) == 4
    for path in (data / ".tokens").glob("*.npy"):
        path.write_bytes(b"torn")
    assert (wording().load("toy").x_train == first).all()
    (data / "toy/train.jsonl").write_text('{"text": "a", "label": 0}\n{"text": "the", "label": 1}\n')
    assert len(wording().load("toy").x_train) == 2


def test_weak_is_the_text_and_strong_one_of_its_translations(data):
    own = texts(wording())
    plain, weak, strong, again = views(own, "plain", "weak", "strong", "strong")
    assert torch.equal(plain, own.tokens[:, 0]) and torch.equal(weak, plain)
    which = (strong[:, None] == own.tokens[:, 1:]).all(-1)
    assert which.any(1).all() and which[:, 0].any() and which[:, 1].any()
    assert not torch.equal(strong, again)
    assert torch.equal(strong, views(own, "strong")[0])  # the same seed


def test_words_are_left_out_and_masked_whole(data):
    own = texts(wording(strong="words"))
    plain, strong = views(own, "plain", "strong")
    assert torch.equal(strong, views(own, "strong")[0])
    left, masked, total = 0, 0, 0
    for before, after in zip(plain, strong, strict=True):
        assert after[0] == before[0] and after[after != 0][-1] == toy.words().index("[SEP]")
        kept = iter(said(before).split())
        assert all(word == "[MASK]" or word in kept for word in said(after).split())  # in their order
        both = said(after).replace("unwatch ##able", "one").replace("[MASK] [MASK]", "two").split()
        assert "##able" not in both and (("unwatch" not in both) or said(before).endswith("unwatch [SEP]"))
        assert not (after[(after == 0).cumsum(0) > 0] != 0).any()  # padding is at the end alone
        total += len(said(before).split()) - 2
        masked += said(after).split().count("[MASK]")
        left += len(said(before).split()) - len(said(after).split())
    assert 0.12 < left / total < 0.28 and 0.12 < masked / total < 0.28


def test_strong_views_that_no_file_brings_are_refused(data):
    toy.write(data, augmented=0)
    with pytest.raises(DataError, match=r"toy brings no back-translations: .*task.augment.strong=words, which is no"):
        texts(wording()).suit("toy", ("weak", "strong"))
    texts(wording(strong="words")).suit("toy", ("weak", "strong"))
    texts(wording()).suit("toy", ("weak",))  # a method that asks for none lacks nothing
    with pytest.raises(UserError, match=r"delete=0\.6, mask=0\.5 is not possible"):
        wording(delete=0.6, mask=0.5)
    with pytest.raises(UserError, match="keep=middle is not possible: it must be first or last"):
        compose([*toy.TASK, "task.augment.keep=middle"])


def test_a_tokenizer_without_mask_or_folder_is_refused(data):
    (data / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty holds no tokenizer \(.*\): put tokenizer.json or vocab.txt there"):
        pretrained.tokenizer("empty")
    words = json.loads((data / "toy_words/tokenizer.json").read_text().replace("[MASK]", "[SOME]"))
    (data / "toy_words/tokenizer.json").write_text(json.dumps(words))
    with pytest.raises(UserError, match="of no encoder of BERT's kind: it has no padding or no mask"):
        wording().load("toy")
