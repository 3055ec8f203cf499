"""Texts -> token numbers, kept in $SSL_DATA/.tokens under a hash of the texts, the tokenizer and the length."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.data.written import Written
from benchmarks.errors import UserError
from benchmarks.machine import settings
from benchmarks.machine.pretrained import digest

PAD, MASK = ("[PAD]", "<pad>"), ("[MASK]", "<mask>")
GOES_ON = "##"  #: begins a piece that is no word's first, in BERT's vocabularies; in others each piece counts as a word
AT_ONCE = 1000  #: texts


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What is known of a tokenizer's words by their numbers."""

    size: int
    pad: int
    mask: int
    special: Tensor  #: bool [size], [CLS], [SEP], [PAD] and their like
    inner: Tensor  #: bool [size], pieces that go on with a word
    digest: str

    @lru_cache(maxsize=2)  # noqa: B019  there is one vocabulary a run
    def to(self, device: torch.device) -> "Vocabulary":
        return replace(self, special=self.special.to(device), inner=self.inner.to(device))


def vocabulary(tokenizer: Any) -> Vocabulary:
    """Raises UserError where the tokenizer has no padding or no mask."""
    words = tokenizer.get_vocab()
    size = 1 + max(words.values())
    special, inner = torch.zeros(2, size, dtype=torch.bool)
    for number, token in tokenizer.get_added_tokens_decoder().items():
        special[number] = token.special
    for word, number in words.items():
        inner[number] = word.startswith(GOES_ON)
    pad, mask = (next((words[w] for w in names if w in words), None) for names in (PAD, MASK))
    if pad is None or mask is None:
        raise UserError("task.augment.tokenizer is of no encoder of BERT's kind: it has no padding or no mask")
    return Vocabulary(size, pad, mask, special, inner, digest(tokenizer))


def numbers(texts: Written, tokenizer: Any, length: int, keep: str) -> NDArray[np.int32]:
    """int32 [N, V, length], cut to the "first" or "last" tokens and padded; V versions of N texts. Made once."""
    tokenizer.enable_truncation(length, direction="right" if keep == "first" else "left")
    hashed = f"{texts.digest}-{tokenizer.to_str()}"  # all that a tokenizer does
    path = settings.data() / ".tokens" / f"{hashlib.sha256(hashed.encode()).hexdigest()[:16]}.npy"
    with suppress(OSError, ValueError):
        return np.load(path)
    pad = vocabulary(tokenizer).pad
    out = np.full((len(texts.texts), len(texts.texts[0]), length), pad, dtype=np.int32)
    for start in range(0, len(out), AT_ONCE):
        some = texts.texts[start : start + AT_ONCE]
        for version, column in enumerate(zip(*some, strict=True)):
            for row, encoding in enumerate(tokenizer.encode_batch(list(column)), start):
                out[row, version, : len(encoding.ids)] = encoding.ids
    with suppress(OSError):  # a folder that cannot be written: then it is done each time
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{np.random.default_rng().integers(1 << 32):08x}.npy")
        np.save(draft, out)
        draft.replace(path)
    return out
