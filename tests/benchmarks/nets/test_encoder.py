"""Encoders of texts: what a bucket, a frozen layer and a rate by layers are, and what is refused."""

import inspect
from functools import partial
from pathlib import Path

import pytest
import torch
import toy_texts as toy
from torch import Tensor

from benchmarks.config import compose, plain
from benchmarks.errors import UserError
from benchmarks.training.schedules import constant, warmed_cosine
from benchmarks.training.student import Student

transformers = pytest.importorskip("transformers", reason="texts need the packages of requirements-text.txt")

from benchmarks.nets.encoder import Encoder  # noqa: E402

SHAPE = {"hidden_size": 12, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 20}
WORDS = {"vocabulary": 30, "pad": 0, "digest": "", "length": 9}


def encoder(**options) -> Encoder:
    torch.manual_seed(0)
    words = {**WORDS, "n_classes": 2}
    usual = {"source": None, "shape": SHAPE, "dropout": 0.0, "frozen": 0, "layer_decay": 1.0, "buckets": 2}
    return Encoder(**{**words, **usual, **options})


def tokens(n: int = 7, length: int = 9) -> Tensor:
    torch.manual_seed(1)
    drawn = torch.randint(1, 30, (n, length), dtype=torch.int32)
    return drawn * (torch.arange(length) < torch.randint(2, length, (n, 1)))


def test_an_encoder_is_a_net():
    net, x = encoder(dropout=0.3).eval(), tokens()
    z = net.features(x)
    assert z.shape == (7, net.feature_dim) and torch.equal(net(x), net.classifier(z))
    assert net.classifier.in_features == net.feature_dim
    assert not torch.equal(net.train()(x), net(x))  # dropout
    gradients = torch.autograd.grad(net(x).logsumexp(1).sum(), list(net.parameters()))
    assert all(g.abs().sum() > 0 for g in gradients)


@pytest.mark.parametrize("name", ["bert_base", "minilm", "encoder_tiny"])
def test_every_number_of_an_encoder_is_in_its_file(name):
    options = plain(compose([f"backbone={name}"]))["backbone"]
    wanted = set(inspect.signature(Encoder.__init__).parameters) - {"self", "n_classes", *WORDS}
    assert set(options) - {"name", "_target_"} == wanted
    assert all(p.default is p.empty for p in inspect.signature(Encoder.__init__).parameters.values())


@pytest.mark.usefixtures("double")
def test_buckets_change_nothing_but_the_padding():
    x, seen = tokens(), []
    logits = []
    for buckets in (0, 1, 2, 7, 50):
        net = encoder(buckets=buckets)
        net.features.encoder.register_forward_pre_hook(
            lambda module, args, kwargs: seen.append(kwargs["input_ids"].shape), with_kwargs=True
        )
        logits.append(net(x))
    for other in logits[1:]:
        torch.testing.assert_close(other, logits[0], rtol=1e-10, atol=1e-12)
    lengths = (x != 0).sum(1).sort().values.tolist()
    assert seen[:2] == [(7, 9), (7, lengths[-1])]
    assert seen[2:4] == [(4, lengths[3]), (3, lengths[6])]
    assert seen[4:11] == [(1, n) for n in lengths]


@pytest.mark.usefixtures("double")
def test_the_mean_is_over_a_text_s_own_tokens_as_the_library_masks_them():
    net, x = encoder().eval(), tokens()
    hidden = net.features.encoder(input_ids=x, attention_mask=(x != 0).long()).last_hidden_state
    wanted = torch.stack([h[row != 0].mean(0) for h, row in zip(hidden, x, strict=True)])
    torch.testing.assert_close(net.features.pooled(x), wanted, rtol=1e-10, atol=1e-12)
    alone = net(x[:1, : int((x[0] != 0).sum())])
    torch.testing.assert_close(net(x)[:1], alone, rtol=1e-10, atol=1e-12)


def test_frozen_layers_stay_and_layers_learn_at_rates_of_their_own():
    net = encoder(frozen=1, layer_decay=0.5)
    before = {name: p.clone() for name, p in net.named_parameters()}
    student = Student(net, optimizer=partial(torch.optim.SGD, lr=1.0), schedule=constant, decay=0.0, steps=9)
    net(tokens()).logsumexp(1).sum().backward()
    gradients = {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
    student.descend(net(tokens()).logsumexp(1).sum())
    for name, p in net.named_parameters():
        moved = before[name] - p.detach()
        if "embeddings" in name or ".layer.0." in name:
            assert not p.requires_grad and not moved.any()
            continue
        rate = {".layer.1.": 0.25, ".layer.2.": 0.5}.get(name[name.find(".layer.") :][:9], 1.0)
        torch.testing.assert_close(moved, rate * gradients[name], rtol=1e-4, atol=1e-6)
    assert {p.ndim > 1 for p in student.optimizer.param_groups[0]["params"]} == {True}
    assert [group.get("weight_decay") for group in student.optimizer.param_groups[1::2]] == [0.0, 0.0, 0.0]
    whole = encoder(layer_decay=0.5)
    rates = {module.lr_factor for name, module in whole.named_modules() if "embeddings" in name}
    assert rates == {0.5**4} and all(p.requires_grad for p in whole.parameters())


def test_what_is_no_token_number_is_refused():
    with pytest.raises(UserError, match="token numbers cannot be mixed or perturbed: texts need a method without"):
        encoder()(tokens().float())


def test_texts_longer_than_the_encoder_reads_are_refused():
    with pytest.raises(UserError, match=r"task.augment.length=600 is more than the encoder reads: at most 512"):
        encoder(length=600)


def test_pretrained_weights_are_read_and_go_with_their_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_DATA", str(tmp_path))
    config = transformers.BertConfig(vocab_size=len(toy.words()), hidden_dropout_prob=0.9, **SHAPE)
    saved = transformers.BertModel(config)
    saved.save_pretrained(tmp_path / "small")
    toy.tokenizer(tmp_path / "small")
    from benchmarks.machine import pretrained

    own = pretrained.digest(pretrained.tokenizer("small"))
    net = encoder(source="small", digest=own, dropout=0.1)
    assert torch.equal(net.features.encoder.embeddings.word_embeddings.weight, saved.embeddings.word_embeddings.weight)
    assert {m.p for m in net.modules() if isinstance(m, torch.nn.Dropout)} == {0.1}
    assert not [name for name, _ in net.named_parameters() if "pooler" in name]
    with pytest.raises(UserError, match=r"task.augment.tokenizer has other words than the encoder's: set it to small"):
        encoder(source="small", digest="another")
    (tmp_path / "small/config.json").write_text("{}")
    with pytest.raises(UserError, match=r"cannot read the encoder small \(.+\): put config.json"):
        encoder(source="small", digest=own)


def test_the_schedule_warms_up_and_then_follows_the_cosine():
    rate = partial(warmed_cosine, warm_up=0.05, cycles=7 / 32)
    assert rate(0.0) == 0 and rate(0.025) == pytest.approx(0.5) and rate(0.05) == 1
    assert rate(1.0) == pytest.approx(0.195, abs=1e-3)  # cos(7 pi / 16)
    assert warmed_cosine(0.5, warm_up=0.0, cycles=0.25) == pytest.approx(2**-0.5)
