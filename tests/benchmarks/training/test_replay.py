"""Steps that are recorded once and replayed. No GPU is needed: `transcript.py` stands in for CUDA graphs."""

import json
from collections.abc import Callable, Hashable

import pytest
import torch
from conftest import Parts
from transcript import Transcripts

from benchmarks import assemble as assembly
from benchmarks import run
from benchmarks.config import compose
from benchmarks.errors import Stopped, UserError
from benchmarks.store.result import digest
from benchmarks.training.replay import KEPT, SEEN, Replay, optimizers
from methods.base import Batch, Step, Student
from methods.fixmatch import FixMatch
from methods.supervised import Supervised

Assemble = Callable[..., Parts]


def recorded(parts: Parts, warm_up: int = 1) -> tuple[Replay, Transcripts]:
    recorder = Transcripts()
    return Replay(parts.student, parts.method, recorder, warm_up=warm_up), recorder


def losses(parts: Parts, steps: int, warm_up: int = 1) -> list[float]:
    take, _ = recorded(parts, warm_up)
    return [take(parts.loader.next()).loss.item() for _ in range(steps)]


def test_recording_itself_takes_no_step(assemble: Assemble) -> None:
    parts = assemble("method=meta_semi", "scale=smoke", "protocol.average=0")
    take, recorder = recorded(parts)
    take(parts.loader.next())
    weights, batch = digest(parts.student.net, parts.student.average), parts.loader.next()
    with take.on_device():
        take.scalars.begin("phase", parts.student.progress)
        take.record("phase", take.place(batch))
    assert recorder.recordings == 1 and parts.student.step == 1
    assert digest(parts.student.net, parts.student.average) == weights


def test_the_learning_rate_is_read_anew(assemble: Assemble) -> None:
    parts = assemble("method=fixmatch", "scale=smoke", "protocol.average=0", "protocol.optimizer.momentum=0",
                     "protocol.optimizer.nesterov=false", "protocol.optimizer.weight_decay=0")  # fmt: skip
    take, recorder = recorded(parts)
    moved = []
    for lr in (1.0, 1.0, 0.0, 0.5):
        parts.student.schedule = lambda progress, lr=lr: lr
        before = [p.detach().clone() for p in parts.student.parameters]
        take(parts.loader.next())
        moved.append(any(not torch.equal(p, q) for p, q in zip(parts.student.parameters, before, strict=True)))
    assert moved == [True, True, False, True] and recorder.recordings == 1


def test_green_meta_t_has_two_recordings(assemble: Assemble) -> None:
    parts = assemble("method=green_meta_t", "scale=smoke", "protocol.average=0")
    take, recorder = recorded(parts, warm_up=2)
    for _ in range(10):
        take(parts.loader.next())
    assert (recorder.eager_steps, recorder.recordings, len(take.recordings)) == (4, 2, 2)


def test_the_average_is_recorded_once_its_weight_stands_still(assemble: Assemble) -> None:
    parts = assemble("method=fixmatch", "scale=smoke", "protocol.average=0.75")
    take, recorder = recorded(parts)
    for _ in range(8):
        take(parts.loader.next())
    assert recorder.eager_steps == 3 and recorder.recordings == 1  # weights 1/2, 1/3, 1/4, 1/4, ...


def test_old_phases_are_forgotten(assemble: Assemble) -> None:
    parts = assemble("method=fixmatch", "scale=smoke", "protocol.average=0")
    take, recorder = recorded(parts)
    kept = []
    for phase in (*"aabbccaa", *range(20)):
        parts.method.phase = lambda step, phase=phase: phase  # type: ignore[method-assign]
        take(parts.loader.next())
        kept.append(len(take.recordings))
    assert recorder.recordings == 4  # a, b, c, and a anew
    assert kept[:8] == [0, 1, 1, 2, 2, KEPT, KEPT, KEPT]
    assert len(take.recordings) == 0 and len(take.seen) == SEEN  # with a phase its recording is forgotten


class Liar(FixMatch):
    """Its loss grows with the step, and it says that all steps are alike."""

    def loss(self, student: Student, batch: Batch) -> Step:
        step = super().loss(student, batch)
        return step._replace(loss=step.loss * (1 + student.step))


class Honest(Liar):
    def phase(self, step: int) -> Hashable:
        return step


class Waiting(Supervised):
    """Its step asks the device for a number."""

    def loss(self, student: Student, batch: Batch) -> Step:
        step = super().loss(student, batch)
        return step._replace(loss=step.loss * min(1.0, step.loss.item()))


def test_an_honest_phase_is_never_wrong(assemble: Assemble) -> None:
    found = []
    for warm_up in (1, 99):
        parts = assemble("method=fixmatch", "scale=smoke", "protocol.average=0")
        parts.method = Honest(tau=0.5, lambda_u=1.0, batch_norm="split")
        found.append(losses(parts, 4, warm_up))
    assert found[0] == found[1]


def test_waiting_for_the_device_shows(assemble: Assemble) -> None:
    parts = assemble("method=supervised", "scale=smoke", "protocol.average=0")
    parts.method = Waiting()
    with pytest.raises(AssertionError, match=r"_local_scalar_dense.* waits for the device"):
        losses(parts, 2)


def test_optimizers_and_student_are_left_as_they_were(assemble: Assemble) -> None:
    parts, plain = (assemble("method=meta_t", "scale=smoke", "protocol.average=0") for _ in range(2))
    before = parts.student.state_dict()["optimizer"]["param_groups"]
    losses(parts, 3)
    plain.step()
    assert parts.student.state_dict()["optimizer"]["param_groups"] == before
    assert parts.student.numbers is None
    mine, theirs = (p.method.get_extra_state()["optimizer"]["param_groups"] for p in (parts, plain))
    assert mine == theirs


def test_an_eager_checkpoint_goes_on_recorded(assemble: Assemble) -> None:
    """Adam's own count of steps goes on where it was."""
    parts = assemble("method=meta_t", "scale=smoke", "protocol.average=0")
    for _ in range(2):
        parts.step()
    losses(parts, 3)
    (state, *_) = parts.method.optimizer.state.values()
    assert state["step"].item() == parts.student.step == 5


def test_an_optimizer_without_a_fused_kernel_is_one_line(assemble: Assemble) -> None:
    parts = assemble("method=fixmatch", "scale=smoke")
    parts.student.optimizer = torch.optim.RMSprop(parts.student.parameters)
    with pytest.raises(UserError, match=r"^RMSprop cannot be recorded: choose SGD or Adam, or set SSL_GRAPH=0$"):
        losses(parts, 1)


def test_a_recorded_run_stops_and_goes_on(tmp_path, monkeypatch) -> None:
    cfg = compose(["method=green_meta_t", "scale=smoke", "protocol.average=0", "steps=24", "protocol.eval_every=4"])
    weights = []
    for name, stop_at in (("whole", 0), ("halves", 13)):
        monkeypatch.setenv("SSL_RUNS", str(tmp_path / name))
        recorder, asked = Transcripts(), iter(range(1, 99))
        monkeypatch.setattr(run, "recorder", lambda recorder=recorder: recorder)
        if stop_at:
            with pytest.raises(Stopped, match="step 13"):
                run.execute(cfg, stop=lambda asked=asked, stop_at=stop_at: next(asked) == stop_at)
            recorder.recordings = 0
        weights.append(json.loads((run.execute(cfg) / "result.json").read_text())["weights"])
        assert recorder.recordings == 2
    assert weights[0] == weights[1]


def test_graphs_need_a_gpu(monkeypatch, capsys) -> None:
    monkeypatch.setenv("SSL_GRAPH", "1")
    assert run.main(["scale=smoke"]) == 2
    assert capsys.readouterr().err == "error: SSL_GRAPH=1 needs a GPU, and this run is on cpu: set SSL_GRAPH=0\n"
    monkeypatch.setenv("SSL_GRAPH", "0")
    assert assembly.recorder() is None


class Counting(FixMatch):
    """It counts its steps in Python, where a replay does not go by."""

    def setup(self, facts, net):
        self.steps = 0
        return net

    def loss(self, student: Student, batch: Batch) -> Step:
        self.steps += 1
        return super().loss(student, batch)


class Fickle(FixMatch):
    """It asks for a number in every other step only."""

    def loss(self, student: Student, batch: Batch) -> Step:
        step = super().loss(student, batch)
        return step if student.count % 2 else step._replace(loss=step.loss * student.now(lambda t: 1 + t))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Liar, "Liar asks for student.step: say in Liar.phase what it decides by it"),
        (Counting, r"Counting counts in Python: keep its counters in buffers \(register_buffer\)"),
        (Fickle, r"Fickle asks for other numbers \(student.now\) in steps of one phase"),
    ],
)
def test_what_a_replay_would_get_wrong_is_refused(kind, why, assemble: Assemble) -> None:
    parts = assemble("method=fixmatch", "scale=smoke", "protocol.average=0")
    parts.method = kind(tau=0.5, lambda_u=1.0, batch_norm="split")
    parts.method.setup(parts.task.facts, parts.student.net)
    with pytest.raises(UserError, match=f"^cannot record a step: {why}, or set SSL_GRAPH=0$"):
        losses(parts, 4)


def test_numbers_are_read_anew_in_each_step(assemble: Assemble) -> None:
    """Eager they are Python's; recorded, a scalar that is filled before the step."""
    parts = assemble("method=fixmatch", "scale=smoke", "steps=8", "protocol.average=0")
    assert parts.student.now(lambda t: 3 * t) == 0.0

    class Ramp(FixMatch):
        def loss(self, student: Student, batch: Batch) -> Step:
            step = super().loss(student, batch)
            return step._replace(loss=0 * step.loss + student.now(lambda t: 3 * t))

    parts.method = Ramp(tau=0.5, lambda_u=1.0, batch_norm="split")
    assert losses(parts, 6) == pytest.approx([3 * k / 8 for k in range(6)])
    assert parts.student.numbers is None


def test_optimizers_of_methods_within_methods_are_found(assemble: Assemble) -> None:
    outer, inner = (assemble(f"method={name}", "scale=smoke").method for name in ("supervised", "meta_t"))
    outer.inside = inner
    assert optimizers(outer) == [inner.optimizer]
