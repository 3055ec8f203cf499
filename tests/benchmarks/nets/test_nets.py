"""The networks: sizes, gradients, and the contract features -> classifier that every method relies on."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from conftest import ROOT
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.func import functional_call, jvp
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from benchmarks.nets.cnn13 import WeightNormConv2d, WeightNormLinear

CONF = ROOT / "benchmarks" / "conf" / "backbone"
ENCODERS = {"bert_base", "minilm", "encoder_tiny"}  # of texts: test_encoder.py
BACKBONES = sorted({path.stem for path in CONF.glob("*.yaml")} - ENCODERS)
INPUTS = {  # channels and side of a small input
    "cnn13": (3, 16),
    "resnet50": (3, 32),
    "tiny": (1, 8),
    "wrn28_2": (3, 16),
    "wrn28_8": (3, 8),
    "wrn37_2": (3, 32),
}


def build(name: str, **numbers: Any) -> Any:
    """The network of conf/backbone/<name>.yaml for 10 classes, its weights a function of the name alone."""
    cfg: Any = OmegaConf.load(CONF / f"{name}.yaml")
    assert cfg.pop("name") == name
    torch.manual_seed(0)
    return instantiate(cfg, **{"in_channels": INPUTS[name][0], "n_classes": 10} | numbers)


def images(name: str, n: int) -> Tensor:
    channels, side = INPUTS[name]
    return torch.randn(n, channels, side, side, generator=torch.Generator().manual_seed(0))


def wrn10(variant: str) -> Any:
    """A WRN-10-2 with narrow stages."""
    return build("wrn28_2", variant=variant, depth=10, stages=[4, 6, 8])


def without_gradient(net: nn.Module, x: Tensor) -> set[str]:
    net(x).square().sum().backward()
    return {name for name, p in net.named_parameters() if p.grad is None}


# --- sizes


def size(name: str, **numbers: Any) -> int:
    with torch.device("meta"):  # no memory, no initialisation
        return sum(p.numel() for p in build(name, **numbers).parameters())


def conv(k: int, c_in: int, c_out: int) -> int:
    return k * k * c_in * c_out + c_out


def wrn_size(channels: list[int], n: int, n_classes: int) -> int:
    """`channels` of the stem and of every stage, n blocks per stage."""
    total = conv(3, 3, channels[0])
    for i, o in pairwise(channels):
        total += 2 * i + conv(3, i, o) + 2 * o + conv(3, o, o) + conv(1, i, o)  # bn1 conv1 bn2 conv2 shortcut
        total += (n - 1) * 2 * (2 * o + conv(3, o, o))
    return total + 2 * channels[-1] + (channels[-1] + 1) * n_classes


@pytest.mark.parametrize("variant", ["tf", "torchssl"])
@pytest.mark.parametrize(
    ("name", "channels", "expected"),
    [
        ("wrn28_2", [16, 32, 64, 128], 1_469_642),
        ("wrn28_8", [16, 128, 256, 512], 23_362_922),
        ("wrn37_2", [16, 32, 64, 128, 256], 5_933_770),
    ],
)
def test_wrn_size(name: str, channels: list[int], expected: int, variant: str) -> None:
    assert size(name, variant=variant) == wrn_size(channels, 4, 10) == expected


def test_cnn13_size() -> None:
    plan = [(3, 3, 128), (3, 128, 128), (3, 128, 128), (3, 128, 256), (3, 256, 256), (3, 256, 256)]
    plan += [(3, 256, 512), (1, 512, 256), (1, 256, 128)]
    convs = sum(conv(k, i, o) + o + 2 * o for k, i, o in plan)  # v and bias, g, batch norm
    assert size("cnn13") == convs + (128 + 1 + 1) * 10


def test_resnet50_size() -> None:
    assert size("resnet50", n_classes=1000) == 25_557_032  # torchvision's documentation


# --- the contract


@pytest.mark.parametrize("name", BACKBONES)
def test_contract(name: str) -> None:
    net, x = build(name).eval(), images(name, 2)
    z = net.features(x)
    assert z.shape == (2, net.feature_dim)
    assert net(x).shape == (2, 10)
    assert torch.equal(net(x), net.classifier(z))  # also: nothing is random in eval mode
    assert isinstance(net.classifier, nn.Linear)
    assert net.classifier.in_features == net.feature_dim


@pytest.mark.parametrize("name", BACKBONES)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    assert without_gradient(build(name), images(name, 4)) == set()


@pytest.mark.parametrize("name", BACKBONES)
def test_channels_last_equals_contiguous(name: str) -> None:
    net, x = build(name).double(), images(name, 4).double()
    out = net(x)
    net.to(memory_format=torch.channels_last)
    assert torch.allclose(net(x.contiguous(memory_format=torch.channels_last)), out, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("name", "side"), [("tiny", 32), ("wrn28_2", 40), ("wrn37_2", 96), ("cnn13", 37)])
def test_any_input_size(name: str, side: int) -> None:
    assert build(name, in_channels=3)(torch.randn(2, 3, side, side)).shape == (2, 10)


# --- derivatives

SMALL = {  # every architecture of ours, at a size where float64 takes no time: backbone, numbers, side
    "wrn-tf": ("wrn28_2", {"depth": 10, "width": 1, "stages": [4, 6, 8]}, 8),
    "wrn-torchssl": ("wrn28_2", {"depth": 10, "width": 1, "stages": [4, 6, 8], "variant": "torchssl"}, 8),
    "wrn-4-stages": ("wrn37_2", {"depth": 10, "width": 1, "stages": [4, 6, 8, 10]}, 16),
    "cnn13": ("cnn13", {"width": 4}, 16),
    "tiny": ("tiny", {"in_channels": 3}, 8),
}
ignore_jit = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # inside torch's own jvp


class Slopes:
    """Cross-entropy of a net in training mode at params + step * v, in float64, with its derivatives."""

    def __init__(self, net: nn.Module, x: Tensor):
        self.net, self.x = net.double(), x.double()
        self.params = {k: p.detach() for k, p in net.named_parameters()}
        self.v = {k: 0.01 * torch.randn_like(p) for k, p in self.params.items()}

    def at(self, step: float) -> dict[str, Tensor]:
        return {k: (p + step * self.v[k]).requires_grad_() for k, p in self.params.items()}

    def losses(self, w: dict[str, Tensor]) -> Tensor:
        """Per sample, [B]; the statistics are cloned, so the net's own stay as they are."""
        buffers = {k: b.clone() for k, b in self.net.named_buffers()}
        logits = functional_call(self.net, (w, buffers), (self.x,))
        return F.cross_entropy(logits, torch.arange(len(self.x)), reduction="none")

    def forward_mode(self) -> Tensor:
        """d losses / d step at step 0, [B]."""
        return jvp(self.losses, (self.params,), (self.v,))[1]

    def slope(self, out: Tensor, w: dict[str, Tensor]) -> Tensor:
        """< d out / d w, v > by reverse mode, differentiable once more."""
        grads = torch.autograd.grad(out, list(w.values()), create_graph=True, allow_unused=True)
        pairs = zip(grads, self.v.values(), strict=True)
        return torch.stack([(g * v).sum() for g, v in pairs if g is not None]).sum()


@ignore_jit
@pytest.mark.parametrize(("name", "numbers", "side"), SMALL.values(), ids=SMALL)
def test_derivatives_equal_finite_differences(name: str, numbers: dict[str, Any], side: int) -> None:
    """Forward mode and double backward over the parameters, batch norm in training mode."""
    net = build(name, **numbers)
    s = Slopes(net, torch.randn(6, 3, side, side))
    buffers = {k: b.clone() for k, b in net.named_buffers()}
    eps = 1e-6
    ahead, here, behind = s.at(eps), s.at(0), s.at(-eps)

    central = (s.losses(ahead) - s.losses(behind)) / (2 * eps)
    assert torch.allclose(s.forward_mode(), central, rtol=1e-5, atol=1e-7)

    central = (s.slope(s.losses(ahead).mean(), ahead) - s.slope(s.losses(behind).mean(), behind)) / (2 * eps)
    second = s.slope(s.slope(s.losses(here).mean(), here), here)
    assert torch.allclose(second, central, rtol=1e-4, atol=1e-7)
    assert all(torch.equal(b, buffers[k]) for k, b in net.named_buffers())


@ignore_jit
def test_resnet50_forward_mode_equals_reverse_mode() -> None:
    """Finite differences meet too many kinks of ReLU in a net of this size."""
    s = Slopes(build("resnet50"), torch.randn(4, 3, 32, 32))
    here = s.at(0)
    assert torch.allclose(s.forward_mode().mean(), s.slope(s.losses(here).mean(), here), rtol=1e-8)


# --- Wide ResNet


def test_torchssl_has_four_idle_parameters() -> None:
    idle = without_gradient(build("wrn28_2", variant="torchssl"), images("wrn28_2", 4))
    assert idle == {f"features.stage{s}.0.bn1.{p}" for s in (2, 3) for p in ("weight", "bias")}


@pytest.mark.parametrize("variant", ["tf", "torchssl"])
@pytest.mark.parametrize("stage", [1, 2, 3])
def test_first_block(variant: str, stage: int) -> None:
    """The first block of a stage, written out from the sources of FixMatch and TorchSSL."""
    block = wrn10(variant).get_submodule(f"features.stage{stage}.0")
    for p in block.parameters():
        nn.init.normal_(p)
    x = torch.randn(2, block.conv1.in_channels, 8, 8)
    a = F.leaky_relu(block.bn1(x), 0.1)
    branch = x if variant == "torchssl" and stage > 1 else a
    shortcut = block.shortcut(a if stage == 1 else x)
    expected = shortcut + block.conv2(F.leaky_relu(block.bn2(block.conv1(branch)), 0.1))
    assert torch.allclose(block(x), expected, rtol=1e-4, atol=1e-4)
    assert block(x).shape[-1] == (8 if stage == 1 else 4)


def test_variants_differ_at_equal_weights() -> None:
    tf, torchssl = wrn10("tf").eval(), wrn10("torchssl").eval()
    torchssl.load_state_dict(tf.state_dict())
    x = images("wrn28_2", 2)
    assert not torch.allclose(tf(x), torchssl(x), atol=1e-3)


def test_wrn_initialisation() -> None:
    params = dict(build("wrn28_8").named_parameters())
    conv_std, dense_std = (2 / (9 * 512)) ** 0.5, (2 / (512 + 10)) ** 0.5
    assert params["features.stage3.1.conv2.weight"].std().item() == pytest.approx(conv_std, rel=0.01)
    assert params["classifier.weight"].std().item() == pytest.approx(dense_std, rel=0.05)
    assert not any(p.any() for name, p in params.items() if name.endswith("bias"))


@pytest.mark.parametrize("wrong", [{"variant": "tensorflow"}, {"depth": 27}])
def test_wrn_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(InstantiationException, match=next(iter(wrong))):
        build("wrn28_2", **wrong)


# --- weight normalisation


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (WeightNormConv2d(3, 5, 3, padding=1), nn.Conv2d(3, 5, 3, padding=1), (2, 3, 7, 7)),
        (WeightNormLinear(6, 4), nn.Linear(6, 4), (3, 6)),
    ],
    ids=["conv", "linear"],
)
def test_weight_norm(ours: Any, theirs: Any, shape: tuple[int, ...]) -> None:
    x, g = torch.randn(shape), ours.g
    plain = type(theirs).forward
    assert torch.allclose(ours(x), plain(ours, x), atol=1e-6)  # starts as the layer without normalisation

    nn.init.normal_(ours.g)  # of any sign and length
    weight_norm(theirs)
    theirs.parametrizations.weight.original0.data = ours.g.data
    theirs.parametrizations.weight.original1.data = ours.weight.data
    theirs.bias.data = ours.bias.data
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)

    ours.reset_parameters()
    assert ours.g is g  # an optimizer may hold it
    assert torch.allclose(ours(x), plain(ours, x), atol=1e-6)
