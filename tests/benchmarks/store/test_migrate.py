"""The suite grows, and older runs keep their places."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from outcomes import outcome, stopped

from benchmarks.config import compose, plain, run_id
from benchmarks.run import execute
from benchmarks.store import checkpoint, migrate, schema
from benchmarks.store.run import Run

pytestmark = pytest.mark.usefixtures("store")
SMALL = ("scale=smoke", "steps=6", "protocol.eval_every=2")


@pytest.fixture
def cfg():
    return compose(SMALL)


@pytest.fixture
def reference(cfg, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("SSL_RUNS", str(tmp_path / "peace"))
        return outcome(execute(cfg))


def grow(monkeypatch, tmp_path, changes):
    """A later version: its configuration has `changes`, whose schemas count from 2 as if this version's were 1."""
    changes = [change | {"schema": schema.latest() - 1 + change["schema"]} for change in changes]
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "schema.yaml").write_text(yaml.safe_dump({"changes": changes}))
    monkeypatch.setattr(schema, "CONF", conf)
    schema.latest.cache_clear()


@pytest.fixture(autouse=True)
def _forget():
    yield
    schema.latest.cache_clear()


def test_an_added_option_does_not_orphan_runs(cfg, reference, store, tmp_path, monkeypatch, capsys):
    done, half = execute(cfg), stopped(compose([*SMALL, "seed=1"]))
    other = execute(compose([*SMALL, "method=supervised"]))
    whole = outcome(done)
    grow(
        monkeypatch,
        tmp_path,
        [
            {"schema": 2, "add": {"protocol.clip": None}},
            {"schema": 3, "move": {"protocol.average": "protocol.ema"}, "drop": ["engine"]},
            {"schema": 4, "add": {"method.warm": 0}, "where": {"method.name": "fixmatch"}},
        ],
    )

    def newly(run):
        config = json.loads(json.dumps(run.config))
        config["protocol"] |= {"clip": None, "ema": config["protocol"].pop("average")}
        del config["engine"]
        config["method"] |= {"warm": 0} if config["method"]["name"] == "fixmatch" else {}
        return Run(config)

    assert not newly(done).done
    before = sorted(path.name for path in store.iterdir())
    assert migrate.main([]) == 0
    assert sorted(path.name for path in store.iterdir()) == before, "dry run first"
    assert "3 runs to rename" in capsys.readouterr().out
    assert migrate.main(["--apply"]) == 0
    for run in (done, half, other):
        assert newly(run).folder.exists() and not run.folder.exists()
    assert outcome(newly(done)) == whole and newly(other).done
    assert checkpoint.load(newly(half)) is not None, "its checkpoint knows it under the old name"
    assert newly(half).recorded["formerly"] == [half.id] and newly(half).recorded["schema"] == schema.latest()
    capsys.readouterr()
    assert migrate.main([]) == 0
    assert "0 runs to rename" in capsys.readouterr().out


def test_a_migration_stopped_half_way_is_finished(cfg, tmp_path, monkeypatch):
    run = execute(cfg)
    grow(monkeypatch, tmp_path, [{"schema": 2, "move": {"protocol.average": "protocol.ema"}}])
    for call in ("rename", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, call, lambda *a: (_ for _ in ()).throw(OSError(5, "Input/output error")))
            assert migrate.main(["--apply"]) == 2
    assert migrate.main(["--apply"]) == 0
    (left,) = run.folder.parent.glob("[!.]*")
    config = yaml.safe_load((left / "config.yaml").read_text())
    assert Run(config).folder == left and Run(config).done and "ema" in config["protocol"]


def test_a_taken_name_is_left_alone(cfg, tmp_path, monkeypatch, capsys):
    run = execute(cfg)
    grow(monkeypatch, tmp_path, [{"schema": 2, "add": {"new": 1}}])
    Run(run.config | {"new": 1}).folder.mkdir()
    assert migrate.main(["--apply"]) == 0
    assert "is there already" in capsys.readouterr().out
    assert run.done


def test_the_command(store):
    for arguments, status in (([], 0), (["--aply"], 2), (["--help"], 0)):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.store.migrate", *arguments], cwd=ROOT, capture_output=True
        )
        assert done.returncode == status


def test_the_declared_schema_is_in_order():
    schemas = [change["schema"] for change in schema.changes()]
    assert schemas == sorted(schemas) and set(schemas) == set(range(2, schemas[-1] + 1))


def older(config):
    """A configuration of before protocols said what is decayed, and Meta-T what its look-ahead descends."""
    old = copy.deepcopy(config)
    del old["protocol"]["decayed"]
    old["method"].pop("labelled_ahead", None)
    return old


@pytest.mark.parametrize("name", ["meta_t", "green_meta_t", "meta_t_sgd_cosine", "fixmatch", "meta_semi", "supervised"])
def test_runs_of_the_first_schema_keep_their_places(name):
    """Before there were lagged updates, a choice of batch norm, and statistics of the average's own."""
    new = plain(compose([f"method={name}", *(["method.average_statistics=copied"] if name == "meta_semi" else [])]))
    old = older(new)
    for option in ("batch_norm", "average_statistics"):
        old["method"].pop(option, None)
    assert run_id(migrate.upgrade(old, 1, schema.changes())) == run_id(new)
    assert (old["method"] == new["method"]) == (name == "supervised")


def test_a_lagged_run_is_one_of_the_lagged_method():
    new = plain(compose(["method=meta_t_lagged", "protocol=fixmatch"]))
    old = older(new)
    old["method"] |= {"name": "meta_t", "_target_": "methods.meta_t.MetaT", "update": "lagged"}
    old["method"].pop("batch_norm")
    assert run_id(migrate.upgrade(old, 3, schema.changes())) == run_id(new)


def test_dash_was_torchssl_s():
    new = plain(compose(["method=dash_torchssl"]))
    old = older(new)
    old["method"] |= {"name": "dash", "_target_": "methods.dash.Dash"}
    assert run_id(migrate.upgrade(old, 4, schema.changes())) == run_id(new)
