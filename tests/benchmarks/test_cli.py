"""The command line: a run is one line; what is wrong with it is one line too, says what to do, and ends in failure."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT

from benchmarks.config import GROUPS, compose, options, plain
from benchmarks.errors import UserError
from benchmarks.run import main
from benchmarks.store import checkpoint
from benchmarks.store.run import Run

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SSL_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SSL_CHECKPOINT", raising=False)
    (tmp_path / "data").mkdir()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Overrides of a smoke run -> exit status, stdout, stderr."""

    def run(*overrides: str, scale: str = "smoke") -> tuple[int, str, str]:
        status = main([f"scale={scale}", *overrides])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def refused(ask: Ask) -> Callable[..., str]:
    """Overrides -> the one line that says why not."""

    def run(*overrides: str, **how: str) -> str:
        status, _, err = ask(*overrides, **how)
        assert status not in (0, None)
        assert err.startswith("error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err.removeprefix("error: ").rstrip("\n")

    return run


def own(size: int = 8, channels: int = 1) -> None:
    """$SSL_DATA/own.npz, of four classes."""
    x = np.random.default_rng(0).integers(0, 256, (48, size, size, channels), dtype=np.uint8)
    y = np.arange(48) % 4
    np.savez(Path(os.environ["SSL_DATA"], "own.npz"), x_train=x, y_train=y, x_test=x, y_test=y)


def test_a_run_that_fails_says_why_in_its_folder(ask: Ask) -> None:
    """As a sweep's does; a run that ends well takes it away."""
    broken = "method._target_=tests.slurm.slow.Broken"
    folder = Run(plain(compose(["scale=smoke", broken]))).folder
    with pytest.raises(TypeError, match="a bug"):
        ask(broken)
    assert (folder / "error.txt").read_text().splitlines()[-1] == "TypeError: a bug in a method"
    status, _, err = ask("task.labels=45")
    folder = Run(plain(compose(["scale=smoke", "task.labels=45"]))).folder
    assert status == 2 and (folder / "error.txt").read_text() == err
    (Run(plain(compose(["scale=smoke"]))).folder).mkdir(parents=True)
    (Run(plain(compose(["scale=smoke"]))) / "error.txt").write_text("an older reason")
    assert ask()[0] == 0
    assert not (Run(plain(compose(["scale=smoke"]))) / "error.txt").exists()


# ---- what it says


def test_a_run(ask: Ask, tmp_path: Path) -> None:
    status, out, err = ask("method=ict", "seed=3")
    run = Run(plain(compose(["scale=smoke", "method=ict", "seed=3"])))
    head, *rows, last = out.splitlines()
    assert status == 0
    assert not err
    assert head == f"ict on digits/40, tiny, 4 steps (scale smoke, seed 3), cpu: run {run.id}"
    assert [row.split()[:3] for row in rows] == [["step", "2", "error"], ["step", "4", "error"]]
    assert last == f"done: {tmp_path / 'runs' / run.id}"
    assert run.done
    assert ask("seed=3", "method=ict") == (0, f"{head}\n{last}\n", "")  # asked twice, run once


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_the_choices(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["method=fixmatch", flag]) == 0
    out, err = capsys.readouterr()
    assert not err
    for group in GROUPS:
        assert f"\n  {group}={'|'.join(options(group))}\n" in out
    for word in ("python -m benchmarks.run method=", "SSL_DATA", "SSL_RUNS", "SSL_DEVICE", "SSL_CHECKPOINT"):
        assert word in out
    for option in ("seed: 0", "engine: forward", "  labels: 40", "    lr: "):
        assert f"\n{option}" in out


def test_a_real_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "method=fixmacth"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == 'error: unknown method "fixmacth". Did you mean "fixmatch"?\n'


# ---- what it refuses: overrides


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("method=fixmacth", 'unknown method "fixmacth". Did you mean "fixmatch"?'),
        ("method=", 'unknown method "". Known: adsh, '),
        ("method=null", 'unknown method "null".'),
        ("method=[fixmatch,ict]", 'unknown method "[fixmatch,ict]".'),
        ("backbone=wrn28-2", 'unknown backbone "wrn28-2". Did you mean "wrn28_2"?'),
        ("task=cifar", 'unknown task "cifar". Did you mean "cifar10'),
        ("scale=huge", 'unknown scale "huge". Known: demo, paper, short, smoke.'),
        ("task.lables=40", 'unknown option "task.lables". Did you mean "task.labels"?'),
        ("tsk=digits", 'unknown option "tsk". Did you mean "task"?'),
        ("method.optimiser.lr=1", 'unknown option "method.optimiser.lr". Did you mean "protocol.optimizer.lr"?'),
        ("sed=1", 'unknown option "sed". Did you mean "seed"?'),
        ("hydra.run.dir=x", 'unknown option "hydra.run.dir".'),
        ("seed.x=1", 'unknown option "seed.x". Did you mean "seed"?'),
        ("task.imbalance={n1: 5, m1: 9, gamma: 2, gamma_l: 1, gamma_u: 1}", 'unknown option "task.imbalance.gamma".'),
        ("seed", 'cannot read the override "seed": write key=value, e.g. task.labels=40'),
        ("--seed=1", 'cannot read the override "--seed=1": write key=value'),
        ("seed=[1", 'cannot read the override "seed=[1": write key=value'),
        ("se\ned=1", 'cannot read the override "se ed=1": write key=value'),
        ("method@other=ict", 'cannot read the override "method@other=ict": write key=value'),
        ("+more=1", '"+more=1": options are neither added nor taken away; write key=value'),
        ("~task", '"~task": options are neither added nor taken away; write key=value'),
        ("seed=1,2", '"seed=1,2": a run has one value of each option; a list is written key=[1,2]'),
        ("task=npz", "task.name has no value: add task.name=..."),
        ("task.imbalance={n1: 5}", "task.imbalance.m1 has no value: add task.imbalance.m1=..."),
        ("seed=${nothing}", "Interpolation key 'nothing' not found"),
    ],
)
def test_no_such_thing(override: str, words: str, refused: Callable[..., str]) -> None:
    assert words in refused(override)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed=x", "a whole number from 0 to 9223372036854775807"),
        ("seed=-1", "a whole number from 0 to 9223372036854775807"),
        ("seed=0.5", "a whole number from 0 to 9223372036854775807"),
        ("seed=true", "a whole number from 0 to 9223372036854775807"),
        ("seed=null", "a whole number from 0 to 9223372036854775807"),
        ("task.labels=forty", "a whole number of at least 1 or all or the name of a .txt file"),
        ("task.labels=0", "a whole number of at least 1 or all or the name of a .txt file"),
        ("task.labels=-10", "a whole number of at least 1 or all or the name of a .txt file"),
        ("task.labels=", "a whole number of at least 1 or all or the name of a .txt file"),
        ("steps=0", "a whole number of at least 1"),
        ("steps=-3", "a whole number of at least 1"),
        ("steps=1.5", "a whole number of at least 1"),
        ("protocol.batch=0", "a whole number of at least 1"),
        ("protocol.ratio=0", "a whole number of at least 1"),
        ("protocol.eval_every=0", "a whole number of at least 1"),
        ("task.validation=-1", "a whole number of at least 0"),
        ("task.subset=none", "a whole number of at least 1"),
        ("task.imbalance=100", "a group of options"),
        ("task.balance=nonsense", "equal or proportional or folds"),
        ("engine=fast", "forward or finite_difference or higher"),
        ("precision=float16", "float32 or bfloat16"),
        ("protocol.report=best", "last or median_last_20 or best_on_validation or best_on_test"),
        ("method.tau=high", "a finite number from 0 to 1"),
        ("method.tau=nan", "a finite number from 0 to 1"),
        ("protocol.optimizer.lr=inf", "a finite number of at least 0"),
        ("protocol.optimizer.nesterov=1", "true or false"),
        ("protocol.optimizer=sgd", "a group of options"),
        ("task.augment=null", "a group of options"),
        ("task.augment.mean=0.5", "a list"),
        ("task.name=5", "a name"),
    ],
)
def test_no_such_value(override: str, words: str, refused: Callable[..., str]) -> None:
    key, _, value = override.partition("=")
    assert re.fullmatch(rf"{key}={value} is not possible: it must be {words}", refused(override), re.IGNORECASE)


def test_lists_are_checked_item_by_item(refused: Callable[..., str]) -> None:
    assert "method.hidden=many is not possible" in refused("method=meta_t", "method.hidden=[10,many]")


@pytest.mark.parametrize(
    "overrides",
    [
        ["task.labels=all"],
        ["task.labels=10", "seed=0"],
        ["task.subset=null"],
        ["task.imbalance=null"],
        ["task.imbalance={n1: 5, m1: 9, gamma_l: 2, gamma_u: 2.5}"],
        ["method.tau=1", "protocol.optimizer.lr=1"],  # a whole number is a number
        ["method=meta_t", "method.slope=50.5"],  # and a number whose default is whole need not be
        ["method=meta_t", "method.hidden=[]"],
        ["protocol.optimizer._target_=torch.optim.SGD"],
        ["task=npz", "task.name=own"],
        ["task.balance=folds", "precision=bfloat16", "engine=higher"],
    ],
)
def test_what_is_possible(overrides: list[str]) -> None:
    compose(overrides)


@pytest.mark.parametrize("group", GROUPS)
def test_every_choice_is_possible(group: str) -> None:
    for name in options(group):
        compose([f"{group}={name}", *(["task.name=own"] if name in ("npz", "folder", "texts") else [])])


# ---- what it refuses: things that do not go together


def test_missing_data(refused: Callable[..., str], tmp_path: Path) -> None:
    line = refused("task=cifar10")
    assert line == f'cifar10 is missing from {tmp_path / "data"}, or corrupt there: make data DATASETS="cifar10"'
    assert "to bring your own, make" in refused("task=npz", "task.name=own")
    assert "did you mean 'cifar10'?" in refused("task.name=cifar")
    assert "cannot name a data set" in refused("task.name=../x")
    Path(os.environ["SSL_DATA"], "own.npz").write_bytes(b"no archive")
    assert "is no .npz archive" in refused("task=npz", "task.name=own")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["task.labels=45"], "task.labels=45 is not a multiple of the 10 classes: try task.labels=40"),
        (
            ["task.labels=10000", "task.subset=200"],
            "task.labels=10000, but the data has only 200 labelled inputs: ask for fewer",
        ),
        (["task.labels=10", "task.validation=9999"], "task.validation asks for"),
        (["task.imbalance={n1: 900, m1: 9, gamma_l: 1, gamma_u: 1}"], "the labelled set asks for 900: ask for fewer"),
        (["task.imbalance={n1: 5, m1: 9, gamma_l: -1, gamma_u: 1}"], "gamma_l=-1 is not possible: it must be"),
        (["task.balance=folds"], "digits has no predefined folds: set task.balance=equal"),
        (["method=green_meta_t", "method.k=0"], "method.k=0 is not possible: it must be a whole number of at least 1"),
        (["backbone=resnet50"], "cannot make resnet50: torchvision's ResNet-50 takes 3 channels, got 1: choose"),
        (["backbone=cnn13"], "backbone=cnn13 cannot take inputs of 8x8, choose another: "),
        (["backbone=wrn28_2", "backbone.depth=27"], "cannot make wrn28_2: depth must be 6 n + 4, got 27"),
        (
            ["task.augment.shift=8"],
            "task.augment does not suit images of 8x8: a shift of 8 needs images of more than 8",
        ),
        (["task.augment.mean=[0.5,0.5,0.5]"], "digits has images of 1 channel: give as many numbers to task.augment."),
        (["protocol.optimizer.lr=-1"], "protocol.optimizer.lr=-1 is not possible: it must be"),
        (["protocol.optimizer._target_=torch.optim.Adam"], "unexpected keyword argument 'momentum'"),
        (["protocol.optimizer._target_=torch.optim.Sgd"], "Sgd"),
        (["method=meta_t", "method.optimizer.lr=-1"], "method.optimizer.lr=-1 is not possible"),
        (["method=meta_t", "method.hidden=[-1]"], "method.hidden=-1 is not possible: it must be a whole number of at"),
        (["task.labels=5", "task.balance=proportional"], "has no labelled input: ask for more labels"),
        (
            ["backbone.strides=[2,2,2]", "backbone.widths=[8,8,8]", "protocol.batch=1"],
            "backbone=tiny cannot train on protocol.batch=1 input of 8x8, take more: ",
        ),
        (
            ["method=meta_t", "method.batch_norm=late"],
            "method.batch_norm=late is not possible: it must be split or joint",
        ),
    ],
)
def test_what_does_not_go_together(overrides: list[str], words: str, refused: Callable[..., str]) -> None:
    assert words in refused(*overrides)


def test_grey_images_of_your_own(ask: Ask, refused: Callable[..., str]) -> None:
    own()
    overrides = ["task=npz", "task.name=own", "task.labels=4", "task.subset=null"]
    assert ask(*overrides)[0] == 0  # one number serves for whatever channels there are
    line = refused(*overrides, "task.augment.mean=[0.5,0.5,0.5]")
    assert "own has images of 1 channel" in line
    remedy = line.rpartition("e.g. ")[2]
    assert ask(*overrides, f"task.augment.mean={remedy}", f"task.augment.std={remedy}")[0] == 0


def test_images_of_any_size_but_sizes_in_shares(ask: Ask, refused: Callable[..., str]) -> None:
    own(size=3, channels=3)
    overrides = ["task=npz", "task.name=own", "task.labels=4", "task.subset=null"]
    assert ask(*overrides)[0] == 0
    line = refused(*overrides, "task.augment.shift=4")
    assert line.endswith("task.augment.shift=4 is not possible: it must be a finite number from 0 to 1")


def test_views_that_lose_the_image_are_said(ask: Ask) -> None:
    assert ask()[2] == ""
    status, _, err = ask("task.augment.translate=10", "task.augment.cutout=16")  # FixMatch's, for 32x32
    assert status == 0 and err.count("\n") == 1
    assert err.startswith("warning: a strong view loses 100% of an image of 8x8 on average: lower task.augment.cutout")
    assert ask("method=supervised", "task.augment.translate=10", "task.augment.cutout=16")[2] == "", "it has none"


# ---- what it refuses: surroundings


@pytest.mark.parametrize("name", ["nonsense", "cuda:99"])
def test_no_such_device(name: str, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_DEVICE", name)
    assert refused().startswith(f"cannot use SSL_DEVICE={name}, set it to cpu, cuda or cuda:1: ")


def test_checkpoints_every_so_often(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CHECKPOINT", "often")
    assert refused().startswith("SSL_CHECKPOINT=often is not possible: it must be a number of seconds")


@pytest.mark.parametrize("where", ["file", "n" * 300])
def test_no_place_to_write(
    where: str, refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / where))
    line = refused()
    assert line.startswith(f"cannot make the run folder {tmp_path / where}")
    assert line.endswith("Set SSL_RUNS to a writable folder")


def test_a_corrupt_checkpoint(refused: Callable[..., str]) -> None:
    run = Run(plain(compose(["scale=smoke"])))
    run.make()
    (run / "checkpoint.pt").write_bytes(b"corrupt")
    line = refused()
    assert line.startswith(f"{run.folder}: no sound checkpoint: checkpoint.pt (")
    assert line.endswith("; delete the folder to start over")
    assert (run / "checkpoint.pt").read_bytes() == b"corrupt"


def test_another_runs_checkpoint(ask: Ask, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = (Run(plain(compose(["scale=smoke", f"seed={seed}"]))) for seed in (0, 1))
    other.make()
    checkpoint.save(other, {"w": torch.zeros(1)})
    mine.make()
    (mine / "checkpoint.pt").write_bytes((other / "checkpoint.pt").read_bytes())
    assert f"belongs to run {other.id}: move it away, or delete its folder to start over" in refused()


def test_loss_not_finite(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = ["protocol.optimizer.lr=1e30", "steps=6", "protocol.eval_every=3"]
    run = Run(plain(compose(["scale=smoke", *overrides])))
    words = f"run {run.id}: loss not finite at step 1 ({{}}): lower protocol.optimizer.lr"
    assert refused(*overrides) == words.format("no checkpoint yet")
    assert not list(run.folder.glob("*.pt"))
    assert not run.done

    monkeypatch.setenv("SSL_CHECKPOINT", "0")
    run = Run(plain(compose(["scale=smoke", *overrides, "protocol.eval_every=1"])))
    line = refused(*overrides, "protocol.eval_every=1")
    assert line == f"run {run.id}: loss not finite at step 1 (the last good checkpoint is step 1): " + words[-27:]
    state = checkpoint.load(run)
    assert state is not None
    assert state["parts"]["student"]["step"] == 1


def test_a_fault_of_ours_is_not_made_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line is for what the user can put right; a bug keeps its traceback."""
    monkeypatch.setattr("benchmarks.training.trainer.Trainer.log", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["scale=smoke"])
    assert not issubclass(ZeroDivisionError, UserError)


def test_a_program_whose_reader_has_enough_ends_without_a_word():
    text = "from benchmarks.errors import command\n@command\ndef main(_):\n while True: print('a long table')\n"
    code = f"{text}import sys\nsys.exit(main([]))"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout.readline() == "a long table\n"
        program.stdout.close()
        assert program.stderr.read() == ""
    assert program.returncode == 128 + signal.SIGPIPE
