"""Tables of fixed time, trained anew for each time: how long a training is, and that a variant of one keeps to it."""

from collections.abc import Iterable

import pytest

from benchmarks.config import resolve
from benchmarks.errors import UserError
from reports.table import build, notes
from sweeps.anew import operations
from sweeps.grid import load
from sweeps.sweep import Cell


def steps(cells: Iterable[Cell]) -> dict[tuple[str, str], int]:
    return {(cell.row, cell.column): cell.config["steps"] for cell in cells}


def test_a_time_is_that_share_of_the_references_operations() -> None:
    """400 steps of 32 + 96 images: FixMatch takes 96 + 3 * 128 passes of an image, Meta-T 96 + 7 * 128 + 3 * 32."""
    found = steps(load("meta_t/table5_anew").cells("demo"))
    assert [found["FixMatch", f"digits/40 @{time}"] for time in ("0.25x", "1x", "2x", "last")] == [100, 400, 800, 400]
    assert found["Meta-T", "digits/40 @1x"] == round(400 * 480 / 1088)
    assert found["Green Meta-T", "digits/40 @1x"] == round(400 * 480 / ((480 + 1088) / 2))
    assert found["Meta-T", "digits/40 @last"] == 400


def test_at_paper_scale_hours_are_shares_of_the_references_whole() -> None:
    """FixMatch has 2^20 steps of 64 + 448 images, Meta-T steps of 32 + 192 (canonical.md A)."""
    found = steps(load("meta_t/table5_anew").cells("paper"))
    assert found["FixMatch", "CIFAR-10/250 @20h"] == 2**20
    assert found["FixMatch", "CIFAR-10/250 @5h"] == 2**18
    passes = 448 + 3 * 512
    assert found["Meta-T", "CIFAR-10/250 @5h"] == round(2**18 * passes / (192 + 7 * 224 + 3 * 32))
    found = steps(load("meta_semi/table4_anew").cells("paper"))
    assert found["ICT", "12.6h"] == 280_000
    assert found["Meta-Semi (CNN-13)", "12.6h"] == round(280_000 * 19 / 26)  # 25 + 75 images
    assert found["Meta-Semi (WRN-28)", "29.2h"] == round(2**20 * 27 / 26)


def test_the_schedule_ends_with_the_time() -> None:
    cell = next(c for c in load("meta_t/table5_anew").cells("demo") if c.column == "digits/40 @0.25x")
    whole = next(c for c in load("meta_t/table5").cells("demo") if c.column == "digits/40 @0.25x")
    assert cell.run.id != whole.run.id
    assert "steps=100" in cell.overrides
    assert "steps=100" not in whole.overrides


def test_a_variant_trains_as_long_as_its_table_says() -> None:
    name = 'meta_t/table5_anew row=Meta-T "column=digits/40 @1x" method.slope=10,30 seed=0'
    assert steps(load(name).cells("demo")) == {(f"Meta-T, slope={s}", "digits/40 @1x"): 176 for s in (10, 30)}
    name = 'meta_t/table5_anew "row=Green Meta-T" "column=digits/40 @1x" method.k=4 seed=0'
    (found,) = steps(load(name).cells("demo")).values()
    assert found == round(400 * 480 / (480 + (1088 - 480) / 4))  # one step in four is Meta-T's
    name = 'meta_t/table5_anew row=Meta-T "column=digits/40 @1x" steps=7 seed=0'
    (found,) = steps(load(name).cells("demo")).values()
    assert found == 7


def test_a_method_without_a_count_is_named() -> None:
    with pytest.raises(UserError, match="vat"):
        operations(resolve(("method=vat",)))


@pytest.mark.parametrize(
    ("name", "of"), [("meta_t/table5_anew", "FixMatch"), ("meta_semi/table4_anew", "ICT, MixMatch (WRN-28)")]
)
def test_the_table_stands_beside_the_papers_and_says_what_it_is(
    name: str, of: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setenv("SSL_RUNS", str(tmp_path))
    made = build.build(name, "paper")
    assert made.cells["printed"].ne("").any()
    assert any(f"operations of {of}'s whole" in note for note in made.notes)
    assert not any("All times are of one run" in note for note in made.notes)
    assert "nothing here is the paper's data" in notes.caption(load(name), name, "demo")
