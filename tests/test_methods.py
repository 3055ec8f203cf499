"""The contract that every method keeps, and the rules of the architecture.

Every conf/method/*.yaml is tested; a new one is taken up by itself.
"""

import ast
import copy
import dataclasses
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import Parts
from hydra.utils import get_class
from torch import Tensor, nn
from transcript import Transcripts

from benchmarks import run
from benchmarks.config import compose, options
from benchmarks.data import sources as datasets
from benchmarks.data import task as tasks
from benchmarks.data.task import Answers
from benchmarks.store.run import Run
from benchmarks.training.replay import Recorded
from methods.base import Batch, Method

ROOT = Path(__file__).parents[1]
METHODS = options("method")
UNSUPERVISED = [name for name in METHODS if get_class(compose([f"method={name}"]).method._target_).views]
SMALLER = {"meta_semi_assumption": ["method.samples=2"]}
SATURABLE = {"mean_teacher", "mt_fast_swa"}  # the square between two softmaxes has no gradient where both are one-hot
REMEMBERING = {"temporal_ensembling", "sntg"}  # which compare inputs with what they were
PERIODS = {"dash": ["method.warm_up=0.4", "method.period=0.3"], "ict": ["method.ramp=0.3"]}  # several within 12 steps

every_method = pytest.mark.parametrize("name", METHODS)
every_unsupervised = pytest.mark.parametrize("name", UNSUPERVISED)


def smoke(name: str) -> list[str]:
    return [f"method={name}", "scale=smoke", *SMALLER.get(name, [])]


def class_of(name: str) -> type[Method]:
    return get_class(compose([f"method={name}"]).method._target_)


def tensors(values: Any) -> Iterator[Tensor]:
    """All tensors within what an object holds; functions and modules of code are not opened."""
    seen: set[int] = set()
    stack = [values]
    while stack:
        value = stack.pop()
        if id(value) in seen or isinstance(value, (str, bytes, int, float, type)) or inspect.isroutine(value):
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, dict):
            stack += [*value.keys(), *value.values()]
        elif isinstance(value, (tuple, list, set)):
            stack += value
        stack += vars(value).values() if hasattr(value, "__dict__") else ()


def state(parts: Parts) -> list[Tensor]:
    """Everything that training changes, as copies."""
    everything = (parts.student.state_dict(), parts.method.state_dict(), parts.loader.state_dict())
    found = sorted((path, t.clone()) for path, t in flat(everything))
    return [t for _, t in found]


def flat(node: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(node, Tensor):
        yield path, node
    elif isinstance(node, (dict, list, tuple)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from flat(value, f"{path}/{key}")


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def confident(net: nn.Module) -> None:
    """Makes a net's predictions pass any threshold."""
    with torch.no_grad():
        net.classifier.weight.mul_(1000)


def sure(make: Callable[..., Any]) -> Callable[..., Any]:
    """`make`, for networks that are confident from the start."""

    def made(node: Any, **more: Any) -> Any:
        thing = make(node, **more)
        if isinstance(thing, nn.Module) and hasattr(thing, "classifier"):
            confident(thing)
        return thing

    return made


def midway(parts: Parts) -> Parts:
    """Where every threshold, warm-up and ramp lets unlabelled inputs in."""
    if parts.cfg.method.name not in SATURABLE:
        confident(parts.student.net)
        confident(parts.student.average)
    if parts.cfg.method.name in REMEMBERING:
        parts.method.t.add_(1)  # every input has been seen once
    parts.student.step = parts.student.steps // 2
    return parts


# --- one step


@every_method
def test_the_loss_is_a_finite_scalar(name, assemble):
    parts = assemble(*smoke(name))
    for _ in range(3):
        step = parts.step()
        assert step.loss.shape == ()
        assert torch.isfinite(step.loss)
        assert all(value.shape == () and torch.isfinite(value) for value in step.log.values())


@every_method
def test_a_step_says_what_it_made_of_each_unlabelled_input(name, assemble):
    parts = assemble(*smoke(name))
    batch = parts.loader.next()
    pseudo = parts.method.loss(parts.student, batch).pseudo
    if not parts.method.views:
        assert pseudo is None
        return
    assert all(field.shape == batch.j.shape for field in pseudo)
    assert pseudo.label.dtype == torch.int64 and pseudo.selected.dtype == torch.bool
    assert pseudo.confidence.min() >= 0 and pseudo.confidence.max() <= 1
    assert not any(field.requires_grad for field in pseudo)


@every_method
def test_every_parameter_of_the_student_gets_a_gradient_and_nothing_else_does(name, assemble):
    parts = midway(assemble(*smoke(name)))
    batch = parts.loader.next()
    trained = dict(parts.student.net.named_parameters())
    step = parts.method.loss(parts.student, batch)
    # Meta-networks are the method's own to train: it may have done so, but the loss must not reach them.
    others = [*parts.student.average.parameters(), *parts.method.parameters()]
    before = [p.grad for p in others]
    gradients = torch.autograd.grad(step.loss, list(trained.values()), allow_unused=True, retain_graph=True)
    assert all(p.requires_grad for p in trained.values())
    without = [key for key, g in zip(trained, gradients, strict=True) if g is None or not g.abs().sum() > 0]
    assert not without

    for p in trained.values():
        p.grad = None
    step.loss.backward()
    assert all(p.grad is g for p, g in zip(others, before, strict=True))
    data = [*batch.u, batch.x, parts.task.unlabelled, *parts.task.labelled, *parts.answers.test]
    assert not any(t.requires_grad or t.grad is not None for t in data)
    assert not any(t.requires_grad for t in parts.method.buffers())


@every_method
def test_the_loss_leaves_the_student_s_weights_to_the_trainer(name, assemble):
    parts = assemble(*smoke(name))
    weights = [p.clone() for p in (*parts.student.net.parameters(), *parts.student.average.parameters())]
    average = [b.clone() for b in parts.student.average.buffers()]
    parts.method.loss(parts.student, parts.loader.next())
    now = [*parts.student.net.parameters(), *parts.student.average.parameters()]
    assert same(weights, now)
    assert same(average, list(parts.student.average.buffers()))
    assert all(p.grad is None for p in now)
    assert parts.student.step == 0


@every_unsupervised
def test_the_unsupervised_term_is_positive_and_moves_the_student(name, assemble):
    parts = midway(assemble(*smoke(name)))
    parts.student.net.eval()  # or unlabelled inputs would move the labelled term too, through batch norm's statistics
    batch = parts.loader.next()
    other = parts.loader.next()  # strong views of other inputs, or other inputs where there is one view alone
    u = (*batch.u[:-1], other.u[-1])
    gradients = []
    for views in (batch.u, u):
        method, student = copy.deepcopy((parts.method, parts.student))
        torch.manual_seed(1)
        step = method.loss(student, batch._replace(u=views))
        assert step.log["loss_u"] > 0 or name == "meta_semi_signed"  # whose weights are -1 and 1
        gradients.append(torch.autograd.grad(step.loss, student.parameters))
    distance = sum((a - b).square().sum() for a, b in zip(*gradients, strict=True)).sqrt()
    assert distance > 1e-3 * sum(a.square().sum() for a in gradients[0]).sqrt()


@every_method
def test_a_final_pass_changes_nothing(name, assemble):
    parts = assemble(*smoke(name))
    for _ in range(2):
        parts.step()
    before = state(parts)
    j = torch.arange(len(parts.task.unlabelled))
    with torch.no_grad():
        p = torch.randn(len(j), parts.task.n_classes).softmax(-1)
        pseudo = parts.method.pseudo(p, j)
    assert torch.equal(pseudo.label, p.argmax(-1)) and torch.equal(pseudo.confidence, p.amax(-1))
    assert same(before, state(parts))


# --- hidden labels


def test_a_batch_and_a_task_have_no_room_for_hidden_labels(assemble):
    parts = assemble("scale=smoke")
    assert Batch._fields == ("x", "y", "i", "u", "j")
    assert {f.name for f in dataclasses.fields(parts.task)} == {"labelled", "unlabelled", "n_classes", "augment"}
    assert not {f.name for f in dataclasses.fields(parts.task)} & {f.name for f in dataclasses.fields(Answers)}


@every_method
def test_hidden_labels_cannot_be_reached(name, assemble):
    parts = assemble(*smoke(name), "task.include_labelled=false")
    secret = {t.untyped_storage().data_ptr() for t in tensors(parts.answers)}
    assert parts.answers.hidden.untyped_storage().data_ptr() in secret and len(secret) == 3
    batch = parts.loader.next()
    parts.method.loss(parts.student, batch)
    sight = list(tensors([parts.method, parts.student, batch, parts.task, parts.task.facts]))
    assert any(t is parts.task.unlabelled for t in sight)  # the search does find things
    assert any(t is p for t in sight for p in parts.student.parameters)
    assert not any(t.untyped_storage().data_ptr() in secret for t in sight)
    assert not any(t.shape == parts.answers.hidden.shape and torch.equal(t, parts.answers.hidden) for t in sight)


@every_method
def test_hidden_labels_change_no_bit(name, tmp_path, monkeypatch):
    """Two runs from end to end, the second with other hidden labels."""
    build, final_pass = tasks.build, run.final_pass
    ends: list[list[Tensor]] = []

    def elsewhere(**settings: Any) -> Any:
        task, answers = build(**settings)
        shift = 1 if len(ends) else 0
        return task, dataclasses.replace(answers, hidden=(answers.hidden + shift) % task.n_classes)

    def spy(method: Any, net: Any, task: Any, answers: Any) -> Any:
        ends.append([t.clone() for _, t in sorted(flat((net.state_dict(), method.state_dict())))])
        return final_pass(method, net, task, answers)

    monkeypatch.setattr(tasks, "build", elsewhere)
    monkeypatch.setattr(run, "final_pass", spy)
    monkeypatch.setattr(run, "make", sure(run.make))
    found = []
    for k in range(2):
        monkeypatch.setenv("SSL_RUNS", str(tmp_path / str(k)))
        found.append(outcome(run.execute(compose(smoke(name)))))
    assert same(*ends)
    counted = {"correct", "wrong"}  # the trainer's own book-keeping
    rows = [[{k: v for k, v in row.items() if k not in counted} for row in rows] for rows, _, _ in found]
    assert rows[0] == rows[1]
    assert found[0][2] == found[1][2]
    assert found[0][1] != found[1][1]  # pseudo.csv.gz has a column of them: they were others


# --- steps replayed on a GPU (tests/test_recorded.py)


@every_method
def test_a_replayed_step_is_an_eager_one(name, assemble):
    """Where `phase` says that two steps are alike they are, bit for bit, and no step waits for the device."""
    ends = []
    for warm_up in (1, 99):
        parts = assemble(*smoke(name), "steps=12", "protocol.average=0", *PERIODS.get(name, []))
        recorder = Transcripts()
        take = Recorded(parts.student, parts.method, recorder, warm_up=warm_up)
        losses = [take(parts.loader.next()).loss.detach().clone() for _ in range(12)]
        assert recorder.recordings == 0 or warm_up == 1
        ends.append([*losses, *state(parts)])
    assert same(*ends)


# --- seeds


@every_method
def test_same_seed_same_bits(name, assemble):
    ends = []
    for _ in range(2):
        parts = assemble(*smoke(name), "seed=3")
        for _ in range(3):
            parts.step()
        ends.append(state(parts))
    assert same(*ends)


@every_method
def test_another_seed_another_order(name, assemble):
    first, second = (assemble(*smoke(name), f"seed={seed}") for seed in (0, 1))
    a, b = first.loader.next(), second.loader.next()
    assert not torch.equal(a.i, b.i)
    if first.method.views:
        assert not torch.equal(a.j, b.j)
    weights = zip(first.student.net.parameters(), second.student.net.parameters(), strict=True)
    assert any(not torch.equal(p, q) for p, q in weights)


# --- stop and resume


def outcome(done: Run) -> tuple[list[dict[str, Any]], bytes, dict[str, Any]]:
    """What a run left behind, but for the time it took."""
    rows = done.rows()
    result = json.loads((done / "result.json").read_text())
    for record in (*rows, result):
        assert record.pop("seconds") > 0
    return rows, (done / "pseudo.csv.gz").read_bytes(), result


def stop_after(steps: int) -> Callable[[], bool]:
    """The trainer asks once a step."""
    asked = iter(range(1, 1000))
    return lambda: next(asked) == steps


@every_method
def test_stop_and_resume_equals_uninterrupted(name, tmp_path, monkeypatch):
    cfg = compose([*smoke(name), "steps=6", "protocol.eval_every=4", "protocol.optimizer.lr=0.5"])
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "whole"))
    whole = outcome(run.execute(cfg))
    assert [row["step"] for row in whole[0]] == [4, 6]

    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "parts"))
    for steps in (3, 2):  # after step 3 and after step 5: neither is an evaluation's
        with pytest.raises(KeyboardInterrupt, match="with a checkpoint"):
            run.execute(cfg, stop=stop_after(steps))
    resumed = run.execute(cfg)
    assert outcome(resumed) == whole
    assert not list(resumed.folder.glob("*.pt"))


def test_a_resumed_run_was_not_simply_started_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    cfg = compose(["scale=smoke", "steps=6"])
    with pytest.raises(KeyboardInterrupt):
        run.execute(cfg, stop=stop_after(5))
    rows = []
    run.execute(cfg, rows.append)
    assert [row["step"] for row in rows] == [6]
    run.execute(cfg, rows.append)  # done is done
    assert len(rows) == 1


# --- how a method is written


@every_method
def test_yaml_is_the_home_of_every_number(name):
    method = run.make(compose([f"method={name}"]).method)
    assert isinstance(method, Method)
    for cls in type(method).__mro__[: type(method).__mro__.index(Method)]:
        if "__init__" not in vars(cls):
            continue
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        for parameter in parameters:
            assert parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD), f"{cls.__name__}: {parameter}"
            assert parameter.default is parameter.empty, f"{cls.__name__}: {parameter}"
    assert not list(method.parameters()) and not list(method.buffers()), "made before `setup`"


@every_method
def test_a_method_has_a_name_a_docstring_and_views(name):
    cls = class_of(name)
    assert compose([f"method={name}"]).method.name == name
    assert len(vars(cls)["__doc__"]) > 10
    assert set(cls.views) <= {"plain", "weak", "strong"}
    assert ast.get_docstring(ast.parse(Path(inspect.getfile(cls)).read_text()))


def test_green_meta_t_refuses_k_0():
    with pytest.raises(Exception, match="k >= 1"):
        run.make(compose(["method=green_meta_t", "method.k=0"]).method)


# --- architecture


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def imports(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, and of what it takes from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def code(path: Path) -> str:
    """A file without docstrings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
            node.body = body or [ast.Pass()]
    return ast.unparse(tree)


@cache
def known_methods() -> set[str]:
    """All methods' names: as options, as modules and as classes."""
    shared = {"base", "functional", "thresholding"}
    modules = {path.stem for path in sources("methods")} - shared - {"__init__"}
    classes = {cls.__name__ for name in METHODS for cls in class_of(name).__mro__ if cls.__module__[8:] in modules}
    return set(METHODS) | modules | classes


@pytest.mark.parametrize("path", sources("benchmarks"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_benchmark_names_no_method(path):
    assert {name for name in imports(path) if name.split(".")[0] == "methods"} <= {
        "methods.base",
        *(f"methods.base.{name}" for name in vars(sys.modules["methods.base"])),
    }
    if path.parent.name != "bench":  # it compares the methods' speeds, so it has to say which
        assert not re.findall(rf"\b({'|'.join(known_methods())})\b", code(path))


@pytest.mark.parametrize("path", sources("methods"), ids=lambda path: path.stem)
def test_a_method_knows_neither_benchmark_nor_data(path):
    assert not {name for name in imports(path) if name.split(".")[0] in ("benchmarks", "reports", "sweeps")}
    data = {re.sub(r"\W|_", "", name) for name in (*datasets.KNOWN, *options("task"))}
    written = re.sub(r"[-_]", "", code(path).lower())
    assert not re.findall(rf"\b({'|'.join(sorted(data))})\b", written)


@pytest.mark.parametrize("path", sources("benchmarks"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_benchmark_draws_nothing(path):
    assert not {name.split(".")[0] for name in imports(path)} & {"matplotlib", "seaborn", "reports", "sweeps"}


def test_reports_train_nothing():
    modules = [str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in sources("reports")]
    script = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "methods", "benchmarks")))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    free_of_torch = {"benchmarks", *(f"benchmarks.{n}" for n in ("config", "disk", "errors", "schema", "store"))}
    assert set(done.stdout.split()) <= free_of_torch


def test_the_search_for_names_can_fail(tmp_path):
    path = tmp_path / "fault.py"
    path.write_text('"""FixMatch."""\nfrom methods.fixmatch import FixMatch\nimport seaborn\nx = "meta_t"  # ict\n')
    assert imports(path) == {"methods.fixmatch", "methods.fixmatch.FixMatch", "seaborn"}
    assert set(re.findall(rf"\b({'|'.join(known_methods())})\b", code(path))) == {"fixmatch", "FixMatch", "meta_t"}
    holder = SimpleNamespace(inside=[{"deep": (torch.ones(1),)}])
    assert len(list(tensors(holder))) == 1
