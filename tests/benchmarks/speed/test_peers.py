"""Steps in processes of their own."""

from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import torch

from benchmarks.speed import peers


class Pipe:
    """The worker's end of a pipe: so many requests, then none."""

    def __init__(self, requests: int) -> None:
        self.left, self.said = requests, []

    def recv(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def send(self, what: object) -> None:
        self.said.append(what)


@pytest.mark.parametrize("data", [False, True])
def test_a_worker_takes_a_step_whenever_it_is_asked(data, monkeypatch):
    steps: list[str] = []
    monkeypatch.setattr(peers, "tune", lambda: steps.append("tuned"))
    monkeypatch.setattr(peers, "build", lambda name, data: lambda: steps.append(f"{name} {data}"))
    pipe = Pipe(2)
    peers.serve("fixmatch", data, pipe)
    assert steps == ["tuned", *[f"fixmatch {data}"] * 3]  # one warms up
    assert pipe.said[0] is True and len(pipe.said) == 3 and all(second >= 0 for second in pipe.said[1:])


def test_a_peer_keeps_its_own_allocator_and_one_that_is_lacking_says_so(monkeypatch):
    monkeypatch.setattr(peers, "tune", lambda: pytest.fail("the peer's process is as it comes"))
    monkeypatch.setattr(peers, "build", lambda name, data: None)
    pipe = Pipe(1)
    peers.serve(peers.PEER, False, pipe)
    assert pipe.said == [False]


def test_our_step_with_views_draws_them_anew_and_learns(monkeypatch):
    seen: list[torch.Tensor] = []
    batch_of = peers.batch_of

    def watched(*args):
        batch = batch_of(*args)
        seen.append(batch.u[0])
        return batch

    monkeypatch.setattr(peers, "batch_of", watched)
    step = peers.with_views("method=fixmatch backbone=tiny")
    step()
    step()
    assert len(seen) == 2 and seen[0] is not seen[1]


def test_ratios_are_of_steps_of_the_same_round(monkeypatch):
    times = {name: [1.0, 2.0, 3.0] for name in ("fixmatch", "fixmatch_bfloat16", "meta_t", "meta_t_bfloat16")}
    found = {(name, data): own for name, own in times.items() for data in (False, True)}
    found |= {(peers.PEER, False): [2.0, 4.0, 9.0], (peers.PEER, True): [4.0, 8.0, 12.0]}
    monkeypatch.setattr(peers, "find_spec", lambda name: SimpleNamespace())
    monkeypatch.setattr(peers, "seconds", lambda wanted, rounds: found)
    rows = {row["name"]: row for row in peers.rows(3)}
    assert rows["apart: fixmatch/semilearn"]["ratio"] == 0.5
    assert rows["apart, with views: fixmatch/semilearn"]["ratio"] == 0.25
    assert rows["apart: meta_t_bfloat16/semilearn"]["target"] == 0.55


@pytest.mark.skipif(find_spec(peers.PEER) is not None, reason="semilearn is installed")
def test_without_the_package_there_are_no_rows():
    assert peers.rows(1) == [] and peers.semilearn() is None
