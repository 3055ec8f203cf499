"""Encoders of texts: `transformers` models of BERT's kind under a classifier."""

import re
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.errors import UserError, one_line
from benchmarks.machine import pretrained
from methods.options import Count, Natural, PositiveShare, Share


class Reader(nn.Module):
    """Token numbers [B, L] -> features [B, d]: the encoder, its mean over what is no padding, dense, GELU.

    buckets: a pass is made in so many parts, of texts of like length, each as long as its longest text: less padding,
    the same outcome, and batches keep their order. 0 leaves the length as it is, which a recorded step needs.
    """

    def __init__(self, encoder: Any, *, pad: int, buckets: int, dropout: float) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder, self.pad, self.buckets = encoder, pad, buckets
        self.dropout, self.dense, self.activation = nn.Dropout(dropout), nn.Linear(width, width), nn.GELU()

    def forward(self, tokens: Tensor) -> Tensor:
        if tokens.is_floating_point():
            raise UserError("token numbers cannot be mixed or perturbed: texts need a method without MixUp and noise")
        return self.activation(self.dense(self.pooled(tokens)))

    def pooled(self, tokens: Tensor) -> Tensor:
        """The mean of each text's last hidden states [B, d]."""
        if not self.buckets:
            return self.read(tokens)
        lengths = (tokens != self.pad).sum(1)
        order = lengths.argsort(stable=True)
        parts = [self.read(tokens[rows, : int(lengths[rows[-1]])]) for rows in order.chunk(self.buckets)]
        return torch.cat(parts)[order.argsort()]

    def read(self, tokens: Tensor) -> Tensor:
        here = tokens != self.pad  # [B, L]
        dtype = self.dense.weight.dtype
        mask = torch.zeros(here.shape, dtype=dtype, device=here.device).masked_fill(~here, torch.finfo(dtype).min)
        hidden = self.encoder(input_ids=tokens, attention_mask=mask[:, None, None]).last_hidden_state
        return (self.dropout(hidden) * here[..., None]).sum(1) / here.sum(1, keepdim=True)


class Encoder(nn.Module):
    """[B, L] token numbers -> features [B, d] -> logits [B, n_classes].

    The classifier is USB's for BERT (`semilearn/nets/bert/bert.py`): dropout, mean, dense, GELU, dense.
    Deviation: the mean is over a text's own tokens; USB's includes the padding.

    source: where the weights come from (`machine.pretrained`), or null, where `shape` says how large an encoder is, to
    be initialised at random; frozen: embeddings and so many layers above them stay as they are (0: all learn);
    layer_decay: each layer learns at this times the rate of the one above it, from the classifier down to the
    embeddings (each module's `lr_factor`, which the student reads).

    Attention is written out (softmax of products), for fused kernels have no forward-mode derivative.
    Raises UserError where the tokenizer is not the encoder's, or texts are longer than it reads.
    """

    def __init__(
        self,
        *,
        vocabulary: Count,
        pad: Natural,
        digest: str,
        length: Count,
        n_classes: Count,
        source: str | None,
        shape: dict[str, Any] | None,
        dropout: Share,
        frozen: Natural,
        layer_decay: PositiveShare,
        buckets: Natural,
    ) -> None:
        super().__init__()
        body: Any = fresh(vocabulary, pad, shape or {}, dropout) if source is None else loaded(source, dropout)
        if source is not None and digest != pretrained.digest(pretrained.tokenizer(source)):
            raise UserError(f"task.augment.tokenizer has other words than the encoder's: set it to {source}")
        if length > (most := body.config.max_position_embeddings):
            raise UserError(f"task.augment.length={length} is more than the encoder reads: at most {most}")
        self.features = Reader(body, pad=pad, buckets=buckets, dropout=dropout)
        self.feature_dim = body.config.hidden_size
        self.classifier = nn.Linear(self.feature_dim, n_classes)
        top = body.config.num_hidden_layers
        for name, module in self.named_modules():
            level = depth(f"{name}.", top)
            module.lr_factor = layer_decay ** (top + 1 - level)
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(level > frozen or not frozen)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(tokens))
        return logits


def depth(name: str, top: int) -> int:
    """Of a module: 0 for embeddings, 1..top for layers, top + 1 for what is above them."""
    if ".encoder." not in f".{name}":
        return top + 1
    layer = re.search(r"\.layer\.(\d+)\.", name)
    return 0 if layer is None else int(layer[1]) + 1


def fresh(vocabulary: int, pad: int, shape: dict[str, int], dropout: float) -> Any:
    """A BERT of that shape, at random."""
    transformers = pretrained.package("transformers")
    chances = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    config = transformers.BertConfig(vocab_size=vocabulary, pad_token_id=pad, **shape, **chances)
    config._attn_implementation = "eager"
    return transformers.BertModel(config, add_pooling_layer=False)


def loaded(source: str, dropout: float) -> Any:
    """The encoder in that folder. Raises UserError where there is none."""
    transformers = pretrained.package("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    chances = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    here = pretrained.folder(source)
    try:
        body = transformers.AutoModel.from_pretrained(here, attn_implementation="eager", dtype=torch.float32, **chances)
    except Exception as fault:  # the library's own kinds, and its readers'
        raise UserError(
            f"cannot read the encoder {source} ({one_line(fault)}): put config.json and model.safetensors of a model "
            f"of BERT's kind into {here}"
        ) from fault
    if hasattr(body, "pooler"):
        body.pooler = None  # nothing reads it, and it would get no gradient
    return body
