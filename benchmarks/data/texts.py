"""Texts as a kind of input: token numbers on the training device, in the views of `Wording`, by index."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor

from benchmarks.data import tokens as tokenised
from benchmarks.data import written
from benchmarks.data.arrays import Arrays
from benchmarks.data.tokens import Vocabulary
from benchmarks.errors import DataError, UserError
from benchmarks.machine import pretrained
from methods.options import Count, Share

WIDTH = 64  #: an evaluation's pass is as large as if a token were so many pixels


class Wording:
    """Views of texts: plain and weak are the text itself, strong is another wording of it.

    strong: "back_translation", one of those that the file brings, each as likely (USB, after UDA); or "words", for
    files that bring none: each word is left out with probability `delete`, or masked with probability `mask`. That is
    ours and no paper's, and tables mark it.

    tokenizer: where it lies (`machine.pretrained`); length: tokens of a text, [CLS] and [SEP] included; keep: which of
    a longer one's, "first" (the papers') or "last".
    """

    def __init__(
        self,
        *,
        tokenizer: str,
        length: Count,
        keep: Literal["first", "last"],
        strong: Literal["back_translation", "words"],
        delete: Share,
        mask: Share,
    ) -> None:
        if delete + mask >= 1:
            raise UserError(f"task.augment.delete={delete}, mask={mask} is not possible: chances, together less than 1")
        self.tokenizer, self.length, self.keep = tokenizer, length, keep
        self.strong, self.delete, self.mask = strong, delete, mask

    def load(self, name: str) -> Arrays:
        """The texts of $SSL_DATA/<name> as token numbers int32 [N, V, L]: the text itself, and then its wordings."""
        tokenizer = pretrained.tokenizer(self.tokenizer)
        self.vocabulary = tokenised.vocabulary(tokenizer)
        train, test = (written.read(name, part) for part in ("train", "test"))
        written.check(name, train, test)
        x, x_test = (tokenised.numbers(part, tokenizer, self.length, self.keep) for part in (train, test))
        return Arrays(x, train.labels, x_test[:, :1], test.labels)

    def reworded(self, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """Token numbers [B, L] with words left out and masked; a word is a piece and the pieces that go on with it."""
        words = self.vocabulary.to(tokens.device)
        word = (~words.inner[tokens]).cumsum(1).sub_(1).clamp_(min=0)
        u = torch.rand(tokens.shape, generator=generator, device=tokens.device).gather(1, word)
        u = u.masked_fill(words.special[tokens], 1.0)
        tokens = tokens.masked_fill((u >= self.delete) & (u < self.delete + self.mask), words.mask)
        gone, order = (u < self.delete).sort(dim=1, stable=True)
        return tokens.gather(1, order).masked_fill(gone, words.pad)


@dataclass(frozen=True, eq=False)
class Texts:
    tokens: Tensor  #: int32 [N, V, L], padded; the text itself, and V - 1 other wordings
    wording: Wording

    def __len__(self) -> int:
        return len(self.tokens)

    def to(self, device: torch.device) -> Self:
        return replace(self, tokens=self.tokens.to(device))

    @property
    def device(self) -> torch.device:
        return self.tokens.device

    @property
    def words(self) -> Vocabulary:
        return self.wording.vocabulary

    @property
    def dims(self) -> dict[str, Any]:
        words = {"vocabulary": self.words.size, "pad": self.words.pad, "digest": self.words.digest}
        return words | {"length": self.tokens.shape[2]}

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.tokens.shape[2],)

    @property
    def size(self) -> int:
        return self.tokens.shape[2] * WIDTH

    def views(self, names: Sequence[str], index: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Token numbers int32 [B, L] in each view."""
        return tuple(self.view(name, index, generator) for name in names)

    def view(self, name: str, index: Tensor, generator: torch.Generator) -> Tensor:
        if name in ("plain", "weak"):
            return self.tokens[index, 0]
        if name != "strong":
            raise ValueError(f"unknown view {name!r}: expected plain, weak or strong")
        if self.wording.strong == "words":
            return self.wording.reworded(self.tokens[index, 0], generator)
        which = torch.randint(1, self.tokens.shape[1], index.shape, generator=generator, device=self.device)
        return self.tokens[index, which]

    def take(self, index: Tensor) -> Self:
        return replace(self, tokens=self.tokens[index])

    def join(self, other: Self) -> Self:
        return replace(self, tokens=torch.cat([self.tokens, other.tokens]))

    def check(self, name: str) -> None:
        """Any text will do."""

    def suit(self, name: str, views: Sequence[str]) -> None:
        """Raises DataError where strong views are to be read from a file that has none."""
        if "strong" in views and self.wording.strong == "back_translation" and self.tokens.shape[1] == 1:
            raise DataError(
                f"{name} brings no back-translations: add aug_0 (.json) or augmented (.jsonl, .csv) to its training "
                "texts, or say task.augment.strong=words, which is no paper's"
            )


def texts(x: np.ndarray, wording: Wording, index: np.ndarray | None = None) -> Texts:
    """From int32 [N, V, L], or from those of them that `index` names."""
    return Texts(torch.from_numpy(x if index is None else x[index]), wording)
