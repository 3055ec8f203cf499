"""The loader: every input in its turn, in the views that were asked for, and the same again after a restart."""

from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.data.augment import Augment
from benchmarks.data.images import Images
from benchmarks.data.loader import Loader, Stream
from benchmarks.data.task import Labelled, Task
from methods.base import Batch

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]


class Counting(Augment):
    """An augmentation that remembers what it was asked for."""

    calls: list[tuple[str, int]]

    def __call__(self, view: str, x: Tensor, generator: torch.Generator) -> Tensor:
        self.calls.append((view, len(x)))
        return super().__call__(view, x, generator)


def task(n_labelled: int = 6, n_unlabelled: int = 20, device: str = "cpu") -> Task:
    """Images of a single colour, which says which image it is."""
    augment = Counting(
        mean=[0.0] * 3, std=[1 / 255] * 3, flip=True, shift=1, translate=2.0, cutout=2, draws=2, probability=0.5
    )
    augment.calls = []
    x = torch.arange(n_unlabelled, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 5, 4).contiguous()
    every = Images(x, augment)
    known = Labelled(every.take(torch.arange(n_labelled)), torch.arange(n_labelled) % 3)
    return Task(known, every, 3).to(torch.device(device))


def loader(of: Task | None = None, views: tuple[str, ...] = ("weak", "strong"), **changed: Any) -> Loader:
    return Loader(of or task(), views, **{"batch": 4, "ratio": 2, "seed": 0} | changed)


def flat(batch: Batch) -> list[Tensor]:
    return [batch.x, batch.y, batch.i, *batch.u, batch.j]


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(flat(a), flat(b), strict=True))


# ---- order


@pytest.mark.parametrize(("n", "k"), [(20, 8), (7, 3), (5, 12), (3, 3), (1, 4)])
def test_a_stream_is_a_chain_of_permutations(n: int, k: int) -> None:
    stream = Stream(n, torch.Generator().manual_seed(0))
    takes = [stream.take(k) for _ in range(10 * n)]
    assert {len(taken) for taken in takes} == {k}
    chain = torch.cat(takes).view(-1, n)
    assert torch.equal(chain.sort(-1).values, torch.arange(n).expand(len(chain), -1))
    if n > 3:
        assert len(chain.unique(dim=0)) > len(chain) // 2  # every time another one


def test_each_unlabelled_input_once_per_epoch() -> None:
    of = loader()
    seen = torch.cat([of.next().j for _ in range(10)])  # 80 = 4 epochs of 20
    for epoch in seen.view(4, 20):
        assert epoch.sort().values.tolist() == list(range(20))


def test_a_batch_larger_than_the_labelled_set_cycles() -> None:
    of = loader(task(n_labelled=3), batch=8)
    first = of.next()
    assert torch.bincount(first.i).min() >= 2
    seen = torch.cat([first.i, of.next().i, of.next().i])
    assert torch.bincount(seen).tolist() == [8, 8, 8]


def test_another_seed_another_order() -> None:
    orders = [torch.cat([of.next().j for _ in range(5)]).tolist() for of in (loader(seed=s) for s in (0, 1, 0))]
    assert orders[0] != orders[1]
    assert orders[0] == orders[2]


def test_another_seed_other_augmentations() -> None:
    of = task(n_unlabelled=1, n_labelled=1)  # no order to differ in
    assert not torch.equal(loader(of, seed=0, batch=32).next().u[1], loader(of, seed=1, batch=32).next().u[1])


def test_the_global_generators_are_left_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = loader().next()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert same(loader().next(), first)


# ---- content


def test_labels_and_indices_belong_to_the_images() -> None:
    of = loader(views=("plain", "weak"))
    for _ in range(10):
        batch = of.next()
        assert torch.equal(batch.x[:, 0, 0, 0].round().long(), batch.i)  # shift and flip change no image of one colour
        assert torch.equal(batch.y, batch.i % 3)
        for view in batch.u:
            assert torch.equal(view[:, 0, 0, 0].round().long(), batch.j)


@pytest.mark.parametrize("views", [("weak",), ("weak", "strong"), ("strong", "plain", "strong")])
def test_views_in_their_order(views: tuple[str, ...]) -> None:
    of = task()
    batch = loader(of, views).next()
    assert len(batch.u) == len(views)
    assert of.unlabelled.augment.calls == [*((view, 8) for view in views), ("weak", 4)]  # type: ignore[attr-defined]
    assert batch.x.shape == (4, 3, 5, 4)
    assert all(view.shape == (8, 3, 5, 4) for view in batch.u)
    assert batch.y.shape == batch.i.shape == (4,)
    assert batch.j.shape == (8,)


def test_two_strong_views_differ() -> None:
    one, two = loader(views=("strong", "strong"), ratio=8).next().u
    assert not torch.equal(one, two)


def test_no_views_no_unlabelled_work() -> None:
    of = task()
    alone = loader(of, ())
    for _ in range(3):
        batch = alone.next()
        assert batch.u == ()
        assert len(batch.j) == 0
        assert len(batch.i) == 4
    assert of.unlabelled.augment.calls == [("weak", 4)] * 3  # type: ignore[attr-defined]
    assert len(alone.unlabelled.left) == 0


@pytest.mark.parametrize("device", DEVICES)
def test_devices_and_formats(device: str) -> None:
    batch = loader(task(device=device)).next()
    for tensor in flat(batch):
        assert tensor.device.type == device
        assert not tensor.requires_grad
        assert not tensor.is_inference()
    for x in (batch.x, *batch.u):
        assert x.dtype == torch.float32
        assert x.is_contiguous(memory_format=torch.channels_last)
    for x in (batch.y, batch.i, batch.j):
        assert x.dtype == torch.int64


# ---- again


@pytest.mark.parametrize("steps", [0, 1, 3, 7])
@pytest.mark.parametrize("device", DEVICES)
def test_a_restored_loader_goes_on_with_the_same_batches(steps: int, device: str) -> None:
    of = loader(task(device=device), ratio=3)  # 12 of 20, 4 of 6: in the midst of both chains
    for _ in range(steps):
        of.next()
    state = {name: value.clone() for name, value in of.state_dict().items()}
    expected = [of.next() for _ in range(6)]
    other = loader(task(device=device), ratio=3, seed=99)
    other.next()
    other.load_state_dict(state)
    assert all(same(other.next(), batch) for batch in expected)


def test_a_state_stays_what_it_was() -> None:
    of = loader()
    of.next()
    state = of.state_dict()
    copied = {name: value.clone() for name, value in state.items()}
    for _ in range(5):
        of.next()
    assert all(torch.equal(state[name], value) for name, value in copied.items())
