"""The published numbers: structure, keys, a few values typed from the papers, and clear refusals."""

import csv
import hashlib
import re

import pytest

from reports.paper import published as source
from reports.paper.published import cell, cells, columns_of, errata, higher_is_better, published, std, tables

DIGEST = "8b4477da1a6aebee09b4d916438517ca5556cc3edee6fa7835ff18f219462e62"
NUMBER = re.compile(r"\d+\.\d+")
BACKBONES = {"wrn28_2", "wrn28_8", "wrn37_2", "cnn13", "resnet50", "bert_base"}
UNNAMED = {"SWWAE", "CC-GAN"}  # the paper names no network for these two
LINES = {
    "meta_t/table1": 64,
    "meta_t/table2": 64,
    "meta_t/table3": 72,
    "meta_t/table4": 30,
    "meta_t/table5": 45,
    "meta_semi/table1": 65,
    "meta_semi/table2": 4,
    "meta_semi/table3": 15,
    "meta_semi/table4": 16,
    "meta_semi/table5": 18,
}


def test_both_papers_have_five_tables():
    assert {name: len(published(name)) for name in tables()} == LINES


@pytest.mark.parametrize("name", tables())
def test_structure(name):
    frame = published(name)
    assert list(frame.columns) == [*source.COLUMNS, "mean_text", "std_text"]
    assert not frame.duplicated(["row", "column"]).any()
    assert frame["mean_text"].str.fullmatch(NUMBER).all()
    assert frame["std_text"].map(lambda text: text == "" or NUMBER.fullmatch(text) is not None).all()
    assert frame["mean"].between(0, 100).all()
    assert (frame["std"].isna() == (frame["std_text"] == "")).all()
    assert set(frame["mark"]) <= {"bold", "underline", ""}
    assert (frame["source"] != "").all()
    assert all(text == text.strip() for text in [*frame["row"], *frame["column"]])
    assert set(frame.loc[~frame["row"].isin(UNNAMED), "backbone"]) <= BACKBONES
    assert set(frame.loc[frame["row"].isin(UNNAMED), "backbone"]) <= {""}


def test_the_numbers_were_never_edited():
    """The digest was taken when each value had been compared with the papers; sources and errata may grow."""
    printed = ["row", "column", "mean_text", "std_text", "mark"]
    lines = [(name, *line) for name in tables() for line in published(name)[printed].itertuples(index=False)]
    digest = hashlib.sha256("\n".join("|".join(line) for line in lines).encode()).hexdigest()
    assert (len(lines), digest) == (sum(LINES.values()), DIGEST)


@pytest.mark.parametrize("name", tables())
def test_files_are_plain(name):
    """One line per number, no carriage return, no byte-order mark: what any other reader expects."""
    raw = (source.PAPER / f"{name}.csv").read_bytes()
    assert b"\r" not in raw and raw.endswith(b"\n") and not raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(raw.decode().splitlines()))
    assert tuple(rows[0]) == source.COLUMNS
    assert {len(row) for row in rows} == {len(source.COLUMNS)}


@pytest.mark.parametrize(
    ("table", "row", "column", "mean", "deviation", "mark"),
    [
        ("meta_t/table1", "Meta-T", "CIFAR-10/40", "4.39", "0.28", "bold"),
        ("meta_t/table1", "Meta-T", "CIFAR-10/250", "4.10", "0.20", "bold"),
        ("meta_t/table1", "FixMatch", "CIFAR-10/40", "11.39", "3.37", ""),
        ("meta_t/table1", "FixMatch", "CIFAR-100/400", "48.85", "1.75", ""),
        ("meta_t/table1", "SimMatch", "CIFAR-100/400", "37.81", "2.21", "underline"),
        ("meta_t/table1", "Full-Supervised", "CIFAR-100/2500", "19.30", "0.09", ""),
        ("meta_t/table2", "UDA", "Amazon-5/1000", "50.29", "4.6", ""),
        ("meta_t/table2", "Meta-T", "ImageNet/10% top-1", "75.0", "", ""),
        ("meta_t/table2", "Sup. baseline", "ImageNet/100% top-1", "80.4", "", ""),
        ("meta_t/table3", "FlexMatch", "N1=1500 M1=3000 γ=150", "70.62", "0.30", "underline"),
        ("meta_t/table3", "CReST", "N1=500 M1=4000 γ=50", "76.18", "0.36", ""),
        ("meta_t/table4", "TGN 2C-10-10-1", "CIFAR-100/2500", "25.42", "", ""),
        ("meta_t/table4", "SGD cosine [1e-3, 1e-4]", "CIFAR-10/250", "4.02", "", ""),
        ("meta_t/table5", "FixMatch", "CIFAR-100/400 @last", "38.85", "", ""),
        ("meta_t/table5", "Green Meta-T", "N1=1500 M1=3000 γ=100 @10h", "74.11", "", ""),
        ("meta_semi/table1", "Mean Teacher (WRN-28)", "CIFAR-10/1000", "17.32", "4.00", ""),
        ("meta_semi/table1", "Meta-Semi + ICT", "CIFAR-100/10000", "29.68", "0.05", "bold"),
        ("meta_semi/table2", "SWWAE", "STL-10/1000", "25.70", "", ""),
        ("meta_semi/table3", "SNTG", "SVHN/500", "3.99", "0.24", ""),
        ("meta_semi/table4", "Meta-Semi (WRN-28)", "29.2h", "30.13", "", "bold"),
        ("meta_semi/table5", "Without parameter EMA", "CIFAR-100/10000", "37.15", "1.02", ""),
    ],
)
def test_values_as_printed(table, row, column, mean, deviation, mark):
    frame = published(table).set_index(["row", "column"])
    found = frame.loc[(row, column)]
    assert (found["mean_text"], found["std_text"], found["mark"]) == (mean, deviation, mark)
    assert str(cell(table, row, column)) == mean
    assert found["mean"] == float(mean)
    if deviation:
        assert str(std(table, row, column)) == deviation


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [
        ("meta_t/table1", "CoMatch", "CIFAR-10/4000"),
        ("meta_t/table2", "FlexMatch", "SVHN/250"),
        ("meta_semi/table1", "VAT", "CIFAR-100/4000"),
        ("meta_semi/table1", "Meta-Semi (WRN-28)", "CIFAR-100/4000"),
        ("meta_semi/table3", "VAT", "SVHN/500"),
    ],
)
def test_a_dash_is_no_line(table, row, column):
    assert (row, column) not in cells(table)
    with pytest.raises(LookupError, match="prints nothing"):
        cell(table, row, column)


def test_one_number_over_three_columns_says_so():
    frame = published("meta_t/table1").query("row == 'Full-Supervised'")
    assert len(frame) == 6
    assert frame["source"].str.contains("one number spans the three columns").all()


def test_mixed_and_suspicious_cells_are_flagged():
    first, last = (published(f"meta_t/table{n}").set_index(["row", "column"]) for n in (1, 5))
    assert first.loc[("FixMatch", "CIFAR-10/40"), "errata"] == "T15"
    assert first.loc[("FixMatch", "CIFAR-10/40"), "source"].startswith("mixed: ")
    assert first.loc[("Meta-T", "CIFAR-100/400"), "errata"] == "T8;T19"
    assert last.loc[("FixMatch", "CIFAR-100/400 @last"), "errata"] == "T16"


def test_only_the_authors_rows_are_their_runs():
    frame = published("meta_t/table1")
    assert set(frame.loc[frame["source"] == "authors' run", "row"]) == {"Meta-T"}


def test_errata_register():
    frame = errata()
    assert list(frame.columns) == ["id", "paper", "finding", "decision"]
    wanted = [f"T{n}" for n in range(1, 42)] + [f"S{n}" for n in range(1, 20)]
    assert list(frame["id"]) == wanted
    assert (frame["paper"] == ["meta_t"] * 41 + ["meta_semi"] * 19).all()
    assert (frame != "").all(axis=None)
    assert not frame.map(lambda text: "\n" in text).any(axis=None)


@pytest.mark.parametrize("name", tables())
def test_cells_cite_errata_of_their_own_paper(name):
    known = errata().query("paper == @name.split('/')[0]")["id"]
    cited = {one for ids in published(name)["errata"] for one in ids.split(";") if one}
    assert cited <= set(known)


def test_direction():
    assert higher_is_better("ImageNet/1% top-1")
    assert higher_is_better("N1=500 M1=4000 γ=50")
    assert higher_is_better("N1=1500 M1=3000 γ=100 @1h")
    assert not higher_is_better("CIFAR-10/40")
    assert not higher_is_better("12.6h")


def test_columns_of_keeps_the_printed_order():
    assert columns_of("meta_t/table1", "Meta-T")[:3] == ["CIFAR-10/40", "CIFAR-10/250", "CIFAR-10/4000"]


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(LookupError, match=r"'meta_t/tabel1'; did you mean 'meta_t/table1'\?"):
        published("meta_t/tabel1")
    with pytest.raises(LookupError, match=r"no published table 'zzz'; known: meta_t/table1, "):
        published("zzz")
    with pytest.raises(LookupError, match=r"no row 'FixMach'; did you mean 'FixMatch'\?"):
        cell("meta_t/table1", "FixMach", "CIFAR-10/40")
    with pytest.raises(LookupError, match=r"under 'CIFAR-10/400'; did you mean "):
        cell("meta_t/table1", "Dash", "CIFAR-10/400")
    with pytest.raises(LookupError, match="prints no std"):
        std("meta_semi/table2", "SWWAE", "STL-10/1000")


def test_a_frame_is_the_callers_own():
    mine = published("meta_semi/table2")
    mine["mean"] = 0.0
    assert published("meta_semi/table2")["mean"].min() > 8


def test_a_file_with_other_columns_is_refused(tmp_path, monkeypatch):
    (tmp_path / "meta_t").mkdir()
    (tmp_path / "meta_t" / "table9.csv").write_text("row,column,value\na,b,1.0\n")
    monkeypatch.setattr(source, "PAPER", tmp_path)
    with pytest.raises(ValueError, match=r"meta_t/table9\.csv has columns row, column, value; expected row, "):
        published("meta_t/table9")
