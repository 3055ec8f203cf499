"""A toy language: reviews of two kinds, and a tokenizer of its words, in a data folder of a test's own."""

import json
import random
from pathlib import Path

import pytest

KINDS = ("dull poor weak awful bad", "fine great warm lovely good")
OTHERS = "a the film plot cast and very so unwatchable it is"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TASK = ["task=texts", "task.name=toy", "task.labels=8", "task.augment.tokenizer=toy_words", "task.augment.length=16"]
NET = ["backbone=encoder_tiny", "backbone.dropout=0.1"]


def words() -> list[str]:
    return [*SPECIAL, *" ".join((*KINDS, OTHERS)).replace("able", " ##able").split()]


def review(kind: int, draw: random.Random) -> str:
    pool = KINDS[kind].split() * 2 + OTHERS.split()
    return " ".join(draw.choices(pool, k=draw.randint(2, 20)))


def tokenizer(folder: Path) -> None:
    """tokenizer.json of that folder."""
    made = pytest.importorskip("tokenizers", reason="texts need the packages of requirements-text.txt")
    numbers = {word: number for number, word in enumerate(words())}
    from tokenizers import models, pre_tokenizers, processors

    own = made.Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.add_special_tokens(list(SPECIAL))
    own.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(w, numbers[w]) for w in ("[CLS]", "[SEP]")]
    )
    folder.mkdir(parents=True, exist_ok=True)
    own.save(str(folder / "tokenizer.json"))


def write(data: Path, train: int = 60, test: int = 20, augmented: int = 2) -> None:
    """$SSL_DATA/toy and its tokenizer, $SSL_DATA/toy_words."""
    tokenizer(data / "toy_words")
    (data / "toy").mkdir(exist_ok=True)
    draw = random.Random(0)
    for part, n in (("train", train), ("test", test)):
        rows = []
        for k in range(n):
            others = [review(k % 2, draw) for _ in range(augmented)]
            rows.append({"text": review(k % 2, draw), "label": k % 2} | ({"augmented": others} if others else {}))
        (data / "toy" / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
