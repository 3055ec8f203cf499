"""The audit of the published claims: known verdicts, fair checks, a stable page."""

import os
import re
import subprocess
import sys
from collections import Counter

import pytest
from conftest import ROOT

from benchmarks.config import resolve
from benchmarks.store.run import PSEUDO, Run
from reports.audit import checks, store
from reports.audit.__main__ import main
from reports.audit.checks import CHECKS, place
from reports.audit.claims import Claim, mark_claims, register, sentences
from reports.audit.judge import judge, markdown, summary
from reports.paper.published import PAPERS, errata, published, tables

T1, T3 = "meta_t/table1", "meta_t/table3"


@pytest.fixture(scope="module")
def verdicts():
    return {(claim.paper, claim.id): verdict for claim, verdict in judge()}


def test_the_register_is_large_and_well_formed():
    known = set(errata()["id"])
    assert sum(1 for paper in PAPERS for _ in sentences(paper)) >= 40
    assert Counter((claim.paper, claim.id) for claim in register()).most_common(1)[0][1] == 1
    for claim in register():
        assert claim.paper in PAPERS
        assert claim.id and claim.where and claim.quote
        assert len(claim.quote.split()) <= 16, "a quotation of a few words"
        assert set(filter(None, claim.errata.split(";"))) <= known
        prefix = "T" if claim.paper == "meta_t" else "S"
        assert all(name.startswith(prefix) for name in filter(None, claim.errata.split(";")))


def test_every_check_has_a_claim():
    used = {claim.check.func for paper in PAPERS for claim in sentences(paper)}
    assert used == set(CHECKS.values())


def test_what_differs_from_claim_to_claim_of_one_sentence():
    found = {claim.id: claim for claim in sentences("meta_t")}
    first, second = found["last-FixMatch-CIFAR-100/400"], found["last-Meta-T-CIFAR-100/400"]
    assert (first.quote, first.errata, second.errata) == (second.quote, "T16", "")
    assert first.reading == "'Last' of FixMatch on CIFAR-100/400 is Table 1's number"
    assert first.check.keywords["other"] == ("meta_t/table5", "FixMatch", "CIFAR-100/400 @last")


def test_every_mark_is_a_claim():
    marked = sum((published(name)["mark"] != "").sum() for name in tables())
    assert len(mark_claims()) == marked == 52


@pytest.mark.parametrize(
    ("name", "holds", "ending"),
    [
        ("dash-c10", False, "= 4.77"),  # T10
        ("dash-c100", True, "= 8.66"),  # T11, and the next three
        ("simmatch-400", True, "= 1.64"),
        ("yelp-gain", True, "= 0.57"),
        ("imagenet-gain", True, "= 0.5"),
        ("simmatch-gap", False, "mean of 0.05, 0.74, 0.16 = 0.317"),  # T12
        ("threshold-cifar", True, "22 of 22"),
        ("threshold-svhn-250", False, "where Dash has 2.17 and Meta-T 2.29"),  # T13
        ("threshold-amazon", False, "where FlexMatch has 42.34 and Meta-T 42.60"),
        ("biased-500", False, "where FlexMatch has 78.69 and Meta-T 78.41"),
        ("biased-1500", True, "9 of 9"),
        ("adsh-100", True, "= 1.43"),  # T14
        ("adsh-150", True, "= 2.42"),
        ("adsh-second-100", False, "place 2 is FlexMatch 71.80, 0.60 behind Meta-T"),
        ("adsh-second-150", False, "place 2 is FlexMatch 62.85, 1.61 behind Meta-T"),
        ("ours-left-CIFAR-10/40", False, "4.39 against 4.21"),  # T8
        ("ours-left-CIFAR-10/250", True, "4.10 and 4.10"),
        ("ours-right-CIFAR-100/2500", False, "26.27 against 25.81"),
        ("adam-CIFAR-10/250", True, "0.08 behind"),  # T9
        ("width-CIFAR-100/400", True, "0.81 behind"),
        ("width-CIFAR-100/2500", False, "0.85 behind"),
        ("width-CIFAR-10/40", True, "0 behind"),
        ("few-labels-cifar", False, "not CIFAR-100/400, 1.64 before SimMatch, std 2.21"),  # T40
        ("adsh-50-only", False, "place 2 is FlexMatch 78.69, 0.58 behind Adsh"),  # T35
        ("underline-table2-ImageNet", False, "not CoMatch 91.6 under ImageNet/10% top-5"),  # T39
        ("last-FixMatch-CIFAR-100/400", False, "48.85 against 38.85"),  # T16
        ("last-Meta-T-CIFAR-100/400", True, "36.17 and 36.17"),
        ("majority", False, "best in 3 of 6"),
        ("imbalanced", True, "best in 5 of 6"),
        ("green-early", True, "9 of 9"),
        ("underline-3-FlexMatch-N1=1500 M1=3000 γ=150", False, "place 2 is Dash 72.29, 0.78 behind Meta-T"),
        ("underline-3-Dash-N1=1500 M1=3000 γ=150", True, "place 2 (72.29)"),
        ("underline-2-FlexMatch-Yelp-5/1000", True, "place 2 (39.01)"),
    ],
)
def test_meta_t(verdicts, name, holds, ending):
    verdict = verdicts["meta_t", name]
    assert (verdict.holds, verdict.recomputed.endswith(ending)) == (holds, True), verdict


@pytest.mark.parametrize(
    ("name", "holds", "ending"),
    [
        ("ict-4000", True, "= 0.13"),
        ("ict-1000", True, "= 2.17"),
        ("ict-c100", True, "= 2.46"),
        ("plus-ict-2000", True, "= 1.37"),
        ("stl-2", True, "= 2.15"),
        ("sota-svhn", False, "where SNTG has 3.86 and Meta-Semi 3.92"),  # S5
        ("comparable-SVHN/500", True, "differ by 0.13, std 0.24"),
        ("capped-last-ICT", True, "32.24 and 32.24"),  # S4
        ("capped-last-Meta-Semi (CNN-13)", False, "30.51 against 30.84"),
        ("validation-baselines", True, "the least is 11.74"),  # S11
        ("validation-cost", False, "differ by 0.69, std 0.66"),
        ("plus-ict-cifar", False, "4 of 5; not CIFAR-100/4000, 0.49 before Meta-Semi, std 0.59"),  # S17
        ("slightly-CIFAR-10/1000", False, "differ by 2.17, std 0.66"),  # S18
        ("fewer-labels-wrn", False, "0.14 (MixMatch (WRN-28)), 0.45 (MixMatch (WRN-28)), 0.41 (MixMatch (WRN-28))"),
        ("ema-10000", True, "= 6.64"),
        ("mixup-10000", True, "= 5.60"),
        ("bold-table1", True, "10 of 10"),
        ("bold-table1-wrn", True, "4 of 4"),
        ("bold-table3", True, "2 of 2"),
        ("sota-cifar-wrn", True, "7 of 7"),
        ("bold-3-Meta-Semi + ICT-SVHN/500", True, "place 1 (3.98)"),  # S14
        ("bold-1-Meta-Semi-CIFAR-10/4000", True, "place 2 (7.05)"),
        ("bold-1-Meta-Semi (WRN-28)-CIFAR-10/4000", True, "place 1 (6.10)"),
    ],
)
def test_meta_semi(verdicts, name, holds, ending):
    verdict = verdicts["meta_semi", name]
    assert (verdict.holds, verdict.recomputed.endswith(ending)) == (holds, True), verdict


def test_what_does_not_hold_is_an_erratum():
    bare = [claim.id for claim, verdict in judge() if not (verdict.holds or claim.errata)]
    assert not bare


def test_full_supervision_is_not_ranked():
    assert "Full-Supervised" not in checks.ranked(T1, "CIFAR-10/250")
    assert checks.ranked(T1, "CIFAR-10/250")[0] == "Meta-T"
    assert checks.ranked(T3, "N1=500 M1=4000 γ=50")[:3] == ["Adsh", "FlexMatch", "Meta-T"]


def test_a_claimed_difference_holds_within_half_a_unit():
    def gain(claimed):
        return checks.gain(T1, "Meta-T", "Dash", "CIFAR-10/40", claimed).holds

    assert gain("4.77") and gain("4.775") and gain("4.765")
    assert not gain("4.776") and not gain("4.76")
    assert gain("<4.78") and gain(">4.76")
    assert not gain("<4.77") and not gain(">4.77")


def test_a_claim_on_an_absent_cell_is_an_error():
    with pytest.raises(LookupError, match="prints nothing"):
        checks.gain(T1, "CoMatch", "Dash", "CIFAR-100/400", "1.0")
    with pytest.raises(LookupError, match="has no row Dahs"):
        checks.beats(T1, "Meta-T", ["Dash", "Dahs"])
    with pytest.raises(LookupError, match="prints nothing"):
        checks.beats(T1, "CoMatch", columns=["CIFAR-100/400"])
    assert not checks.beats(T1, "CoMatch", ["Pseudo-Labeling"], ["CIFAR-10/40"]).holds, "no comparison, no claim"


def test_page():
    judged = judge()
    page = markdown(judged)
    assert markdown(judge()) == page
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| id ")]
    assert len(lines) == len(judged)
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 8 for line in lines)
    for title in PAPERS.values():
        section = [line for line in lines if f"| {title} |" in line]
        failing = ["does not hold" in line for line in section]
        assert failing == sorted(failing, reverse=True), "failing first"
    links, anchors = (set(re.findall(p, page)) for p in (r"\(#(\w+)\)", r'<a id="(\w+)">'))
    assert links == anchors


def test_a_bar_or_an_angle_in_a_claim_does_not_break_the_page():
    claim = Claim(
        paper="meta_t",
        id="x",
        where="1",
        quote="a | b <c",
        check=lambda: place(T1, "Meta-T", "CIFAR-10/40", 1),
    )
    assert "a \\| b &lt;c" in markdown(judge([claim]))


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    out = tmp_path / "new" / "audit.md"
    assert main([f"out={out}"]) == 0
    first = out.read_bytes()
    claims, runs = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+ claims: \d+ hold, \d+ do not \(.*\)", claims)
    assert claims.startswith(summary(judge()))
    assert runs.endswith("0 whole, 0 unfinished, 0 broken")
    assert main([f"out={out}"]) == 0
    assert out.read_bytes() == first
    assert main(["claims"]) == 2


def finished(seed: int) -> Run:
    run = Run(resolve([f"seed={seed}"]))
    run.open({})
    for step, error in ((200, 9.0), (400, 8.0)):
        run.append({"step": step, "seconds": 1.0, "error": error})
    run.write("pseudo.csv.gz", {name: [1] for name in PSEUDO})
    error = {"last": 8.0, "median_last_20": 8.5, "best_on_test": 8.0}
    run.finish({"report": "last", "error": error, "steps": 400, "seconds": 1.0})
    return run


def test_the_store_is_checked(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SSL_RUNS", str(tmp_path / "runs"))
    whole, begun, other, cut = finished(0), Run(resolve(["seed=1"])), finished(2), finished(3)
    begun.open({})
    assert store.audit() == (f"4 runs in {tmp_path / 'runs'}: 3 whole, 1 unfinished, 0 broken", [])
    result = (other / "result.json").read_text()
    (other / "result.json").write_text(result.replace('"last": 8.0', '"last": 7.0'))
    (cut / "pseudo.csv.gz").write_bytes((cut / "pseudo.csv.gz").read_bytes()[:-9])
    said, faults = store.audit()
    assert said.endswith("1 whole, 1 unfinished, 2 broken")
    assert sorted(whole.id in fault for fault in faults) == [False, False]
    assert any("error.last is 7.0, its rows give 8.0" in fault for fault in faults)
    assert any(str(cut / "pseudo.csv.gz") in fault for fault in faults)
    assert main([f"out={tmp_path / 'audit.md'}"]) == 1
    assert capsys.readouterr().err.count("\n") == 2


def test_it_runs_as_a_module_and_needs_no_training_code(tmp_path):
    out = tmp_path / "audit.md"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reports.audit", f"out={out}"],
        cwd=ROOT,
        env=os.environ | {"SSL_RUNS": str(tmp_path / "runs")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(summary(judge()))
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"torch", "benchmarks.training", "methods", "matplotlib"}
