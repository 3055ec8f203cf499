"""What a cluster is asked for: its own options, and how much at a time. sbatch is a script that keeps what it gets."""

from pathlib import Path

import pytest

from benchmarks.errors import UserError
from sweeps import arrays, launch, slurm, submission
from sweeps.asked import distinct
from sweeps.settings import settings

SBATCH = """#!/bin/sh
cp "$1" "{folder}/$(ls {folder}/*.sh 2>/dev/null | wc -l).sh"
echo Submitted batch job 77
"""
REFUSES = """#!/bin/sh
echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2
exit 1
"""


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what was submitted."""
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "submitted"
    folder.mkdir()
    script(tmp_path / "bin", "sbatch", SBATCH.format(folder=folder))
    script(tmp_path / "bin", "srun", "#!/bin/sh\n")  # submitit looks for it
    script(tmp_path / "bin", "scontrol", "#!/bin/sh\necho MaxArraySize = 1001\n")
    script(tmp_path / "bin", "squeue", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return folder


def script(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


SMOKE = ("meta_t/table1", "scale=smoke", "row=FixMatch", "launcher=slurm")


def asked(folder: Path) -> set[str]:
    """Every #SBATCH line of the first submission, without the word."""
    return {
        line.removeprefix("#SBATCH --")
        for line in (folder / "0.sh").read_text().splitlines()
        if line.startswith("#SBATCH")
    }


def test_options_that_nobody_foresaw(sbatch, tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text("default: {sbatch: {exclude: node7, mail-type: END}}\ntiny: {sbatch: {mail-type: FAIL}}\n")
    more = ("sbatch.gres=gpu:a100:1", "tiny.sbatch.exclusive=true", f"settings={site}", "memory_gb=null")
    assert launch.main([*SMOKE, *more, "sbatch.mem-per-cpu=3G"]) == 0
    found = asked(sbatch)
    assert {"gres=gpu:a100:1", "exclude=node7", "mail-type=FAIL", "exclusive", "mem-per-cpu=3G", "requeue"} <= found
    assert not any(line.startswith(("wckey", "mem=")) for line in found)


def test_one_of_ours_is_replaced_or_taken_away(sbatch):
    assert launch.main([*SMOKE, "sbatch.cpus-per-task=null", "sbatch.time=3-00:00", "gpus=1"]) == 0
    found = asked(sbatch)
    assert "time=3-00:00" in found and "gpus-per-node=1" in found
    assert not any(line.startswith("cpus-per-task") for line in found)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sbatch.array": "1-5"}, "sbatch.array cannot be given"),
        ({"sbatch": "gres"}, "sbatch.gres=gpu:1"),
        ({"submit_limit": "0"}, "not a positive number"),
        ({"workers": "1.5"}, "not a whole number"),
    ],
)
def test_bad_options_are_one_line(given, said):
    with pytest.raises(UserError, match=said):
        settings("tiny", None, given)


def test_a_class_that_is_not_there(sbatch, capsys):
    assert launch.main([*SMOKE, "wrn99.sbatch.gres=gpu:1"]) == 2
    assert "wrn99: no run has this resource class" in capsys.readouterr().err


def test_no_more_than_the_limit_leaves_room_for(sbatch, tmp_path, capsys):
    assert launch.main([*SMOKE, "submit_limit=1", "runs_per_gpu=1"]) == 0
    out = capsys.readouterr().out
    assert "1 runs in 1 tasks" in out and "held back by submit_limit: 1 runs" in out
    script(tmp_path / "bin", "squeue", "#!/bin/sh\nprintf '1_0\\n1_1\\n'\n")
    every = arrays.arrays(distinct(*SMOKE[:1], "smoke", "FixMatch"), None, {"submit_limit": "2"}, None)
    assert slurm.queued() == 2 and arrays.fitting(every, slurm.queued()) == []
    assert [len(array.tasks) for array in arrays.fitting(every, 1)] == [1]


def test_waves_go_out_as_the_queue_empties_each_run_once(sbatch, monkeypatch, capsys):
    monkeypatch.setattr(submission, "PAUSE", 0)
    assert launch.main([*SMOKE, "submit_limit=1", "runs_per_gpu=1", "--wait"]) == 0
    assert capsys.readouterr().out.count("job 77") == 2
    assert (sbatch / "0.sh").exists() and (sbatch / "1.sh").exists()
    assert not (sbatch / "2.sh").exists()


def test_a_refusal_for_a_limit_names_the_remedy(sbatch, tmp_path, capsys):
    script(tmp_path / "bin", "sbatch", REFUSES)
    assert launch.main([*SMOKE]) == 2
    line = capsys.readouterr().err.splitlines()[-1]  # below what sbatch itself said
    assert line.startswith("error: ") and "QOSMaxSubmitJobPerUserLimit" in line and "submit_limit=N" in line
