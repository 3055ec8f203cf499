"""Sentences of the two papers that their own tables can check, as data.

A claim is one entry of `CLAIMS`: an id, the section, a few quoted words, a check and, if there is one,
the erratum. A check is one of the functions below applied to keys of the published tables. Numbers are
compared as printed, in exact decimals: a claimed difference holds within 0.005, half a unit of its second
decimal. Where a sentence is vague, `reading` states how it was made checkable. Every bold or underlined
cell is a claim as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import ParamSpec

from reports.published import cell, cells, columns_of, higher_is_better, marks, std, tables

TOLERANCE = Decimal("0.005")
REFERENCE = {"Full-Supervised"}  # trained on all labels: printed beside the methods, never ranked with them
Ref = tuple[str, str, str]  # table, row, column
P = ParamSpec("P")


@dataclass(frozen=True)
class Verdict:
    """What the paper says, what its tables say, and whether the two agree."""

    claimed: str
    recomputed: str
    holds: bool


@dataclass(frozen=True)
class Claim:
    """One checkable sentence (or mark)."""

    paper: str
    id: str
    where: str
    quote: str
    check: Callable[[], Verdict]
    errata: str = ""
    reading: str = ""


def check(judge: Callable[P, Verdict]) -> Callable[P, Callable[[], Verdict]]:
    """Let a function be called in the register with its arguments, and judge only when the audit runs."""
    return lambda *args, **kwargs: partial(judge, *args, **kwargs)


def margin(table: str, better: str, worse: str, column: str) -> Decimal:
    """By how much `better` leads, in the direction of the column."""
    lead = cell(table, worse, column) - cell(table, better, column)
    return -lead if higher_is_better(column) else lead


def ranked(table: str, column: str, wrn: bool = False) -> list[str]:
    """The rows that compete in a column, best first; Meta-Semi's Table 1 mixes two networks."""
    rows = [r for r, c in cells(table) if c == column and r not in REFERENCE and ("(WRN-28)" in r) == wrn]
    return sorted(rows, key=lambda row: cell(table, row, column), reverse=higher_is_better(column))


def peers(table: str, row: str, column: str) -> list[str]:
    """`ranked`, on the network of this row."""
    return ranked(table, column, wrn="(WRN-28)" in row)


def meets(value: Decimal, claimed: str) -> bool:
    """`claimed` is a number, '<number' or '>number'."""
    if claimed.startswith("<"):
        return value < Decimal(claimed[1:])
    if claimed.startswith(">"):
        return value > Decimal(claimed[1:])
    return abs(value - Decimal(claimed)) <= TOLERANCE


@check
def gain(table: str, better: str, worse: str, column: str, claimed: str) -> Verdict:
    """`better` leads `worse` by the claimed amount."""
    lead = margin(table, better, worse, column)
    high, low = sorted((cell(table, better, column), cell(table, worse, column)), reverse=True)
    told = f"{high} - {low} = {lead}" if lead >= 0 else f"-({high} - {low}) = {lead}"
    return Verdict(claimed, told, meets(lead, claimed))


@check
def mean_gain(table: str, better: str, worse: str, columns: Sequence[str], claimed: str) -> Verdict:
    """`better` leads `worse` by the claimed amount on average over columns."""
    leads = [margin(table, better, worse, column) for column in columns]
    mean = sum(leads, Decimal(0)) / len(leads)
    return Verdict(claimed, f"mean of {', '.join(map(str, leads))} = {mean:.3f}", meets(mean, claimed))


@check
def growing(table: str, row: str, columns: Sequence[str], rival: str = "") -> Verdict:
    """The lead of `row` over `rival` (default: over the best of the others) grows from column to column."""
    rivals = [rival or next(r for r in peers(table, row, c) if r != row) for c in columns]
    leads = [margin(table, row, r, c) for r, c in zip(rivals, columns, strict=True)]
    told = ", ".join(f"{lead} ({r})" for lead, r in zip(leads, rivals, strict=True))
    return Verdict("lead grows", told, all(one < two for one, two in pairwise(leads)))


@check
def beats(table: str, row: str, rivals: Sequence[str] = (), columns: Sequence[str] = ()) -> Verdict:
    """`row` is better than each rival (default: all others) in every column (default: all) that both have."""
    if unknown := [rival for rival in rivals if not columns_of(table, rival)]:
        raise LookupError(f"{table} has no row {', '.join(unknown)}")
    mine = {c: cell(table, row, c) for c in columns or columns_of(table, row)}
    pairs = [(r, c) for c in mine for r in rivals or peers(table, row, c)]
    pairs = [(r, c) for r, c in pairs if r != row and (r, c) in cells(table)]
    lost = [f"{c}, where {r} has {cell(table, r, c)} and {row} {mine[c]}"
            for r, c in pairs if margin(table, row, r, c) <= 0]  # fmt: skip
    return _all_but(lost, len(pairs), claimed=f"{row} better, ")


@check
def place(table: str, row: str, column: str, claimed: int, best: int | None = None) -> Verdict:
    """`row` has the claimed place in its column, or one from `best` to it; equal numbers share a place."""
    order, best = peers(table, row, column), claimed if best is None else best
    mine = 1 + sum(margin(table, other, row, column) > 0 for other in order)
    told = f"place {mine} ({cell(table, row, column)})"
    if not best <= mine <= claimed:
        holder = order[claimed - 1]
        told += f"; place {claimed} is {holder} {cell(table, holder, column)}"
        told += f", {margin(table, order[0], holder, column)} behind {order[0]}" if claimed > 1 else ""
    wanted = f"place {claimed}" if best == claimed else f"place {best} to {claimed}"
    return Verdict(wanted, told, best <= mine <= claimed)


@check
def majority(table: str, row: str) -> Verdict:
    """`row` is best in more than half of its columns."""
    columns = columns_of(table, row)
    won = sum(peers(table, row, column)[0] == row for column in columns)
    return Verdict("best in most columns", f"best in {won} of {len(columns)}", 2 * won > len(columns))


@check
def same(one: Ref, two: Ref) -> Verdict:
    """Two cells that are one result print one number."""
    a, b = cell(*one), cell(*two)
    return Verdict("the same number", f"{a} {'and' if a == b else 'against'} {b}", a == b)


@check
def within_std(one: Ref, two: Ref) -> Verdict:
    """Two cells differ by no more than the larger of their printed stds."""
    gap, larger = abs(cell(*one) - cell(*two)), max(std(*one), std(*two))
    return Verdict("within one std", f"differ by {gap}, std {larger}", gap <= larger)


@check
def spread(table: str, rows: Sequence[str], column: str, sign: str, yardstick: Ref) -> Verdict:
    """The best and the worst of these rows lie further apart ('>'), or less far ('<'), than a printed std."""
    values = sorted(cell(table, row, column) for row in rows)
    apart, claimed = values[-1] - values[0], f"{sign}{std(*yardstick)}"
    return Verdict(claimed, f"{values[-1]} - {values[0]} = {apart}", meets(apart, claimed))


@check
def improves(table: str, rows: Sequence[str], columns: Sequence[str]) -> Verdict:
    """Each row gets better from column to column."""
    steps = [(row, pair) for row in rows for pair in pairwise(columns)]
    worse = [f"{row}, {two}: {cell(table, row, one)} to {cell(table, row, two)}" for row, (one, two) in steps
             if (cell(table, row, two) > cell(table, row, one)) != higher_is_better(two)]  # fmt: skip
    return _all_but(worse, len(steps), claimed="better with time, ")


@check
def marked(table: str, mark: str, columns: Sequence[str]) -> Verdict:
    """In each column the best (bold) or the second best (underline) row carries the mark."""
    holders = [(ranked(table, column)[mark == "underline"], column) for column in columns]
    bare = [f"{r} {cell(table, r, c)} under {c}" for r, c in holders if marks(table).get((r, c)) != mark]
    return _all_but(bare, len(columns), claimed="marked, ")


@check
def below(value: str, table: str, rivals: Sequence[str], column: str) -> Verdict:
    """An error that only the text prints is below those of the rivals."""
    least = min(cell(table, rival, column) for rival in rivals)
    return Verdict(f"{value} below all", f"the least is {least}", Decimal(value) < least)


@check
def prints(table: str, row: str, column: str, claimed: str) -> Verdict:
    """The text repeats a cell."""
    return Verdict(claimed, str(cell(table, row, column)), cell(table, row, column) == Decimal(claimed))


@check
def datasets(names: Sequence[str], claimed: int) -> Verdict:
    """The tables cover this many data sets."""
    found = dict.fromkeys(column.split("/")[0] for table in names for _, column in cells(table))
    return Verdict(str(claimed), f"{len(found)}: {', '.join(found)}", len(found) == claimed)


def _all_but(exceptions: list[str], total: int, claimed: str) -> Verdict:
    told = "; ".join([f"{total - len(exceptions)} of {total}", *(f"not {text}" for text in exceptions)])
    return Verdict(f"{claimed}{total} of {total}", told, total > 0 and not exceptions)


# ---- the register: one entry per claim ----

T1, T2, T3, T4, T5 = (f"meta_t/table{n}" for n in range(1, 6))
S1, S2, S3, S4, S5 = (f"meta_semi/table{n}" for n in range(1, 6))
t, s = partial(Claim, "meta_t"), partial(Claim, "meta_semi")
# fmt: off

THRESHOLD = ["Pseudo-Labeling", "FixMatch", "Dash", "FlexMatch"]
OTHERS = ["Π-Model", "VAT", "MixMatch", "UDA"]
SIMMATCH_AHEAD = ["CIFAR-10/4000", "CIFAR-100/2500", "CIFAR-100/10000"]
IMAGENET = ["ImageNet/1% top-1", "ImageNet/1% top-5", "ImageNet/10% top-1", "ImageNet/10% top-5"]
MANY = [f"N1=1500 M1=3000 γ={g}" for g in (50, 100, 150)]
FEW = [f"N1=500 M1=4000 γ={g}" for g in (50, 100, 150)]
CIFAR = columns_of(T1, "Meta-T")
ERRORS = [c for c in columns_of(T2, "Meta-T") if c not in IMAGENET]
SETTINGS = ["CIFAR-10/250", "CIFAR-100/400", MANY[1]]
TIMED = ["FixMatch", "Meta-T", "Green Meta-T"]
HOURS = ["1h", "5h", "10h", "20h", "last"]
H100, ADAM = "TGN 2C-100-1 (ours)", "Adam 1e-3 (ours)"
TGNS = ["TGN 2C-10-1", H100, "TGN 2C-1000-1", "TGN 2C-10-10-1", "TGN 2C-100-100-1"]
OPTIMISERS = [ADAM, "Adam 5e-4", "SGD cosine [1e-3, 1e-4]", "SGD multi-step [1e-3, 5e-4, 1e-4]",
              "as FlexMatch"]

CONSTANTLY = "On all tested benchmarks, Meta-T constantly outperforms them"
BIASED = "state-of-the-art performance on the biased SSL setting"
GROWS = "with the imbalanced ratio increasing, the performance ... becomes more significant"
SECOND = "Compared to the second best performance (i.e., Adsh)"
UNDERLINED, BOLD = "underline indicates the second-best result", "Bold indicates the best result"
BEST_OF_FIVE = "the setting adopted is the best of the five"

CNN13 = ["Supervised", "Supervised + MixUp", "Π-Model", "Temp-ensemble", "Mean Teacher", "VAT", "SNTG",
         "Learning to Reweight", "MT + Fast SWA", "ICT"]
SVHN = ["VAT", "Π-Model", "Temp-ensemble", "Mean Teacher", "ICT", "SNTG"]
WRN, MIXMATCH = "Meta-Semi (WRN-28)", "MixMatch (WRN-28)"
WRN28 = ["Mean Teacher (WRN-28)", MIXMATCH]
C10 = ["CIFAR-10/1000", "CIFAR-10/2000", "CIFAR-10/4000"]
C100 = ["CIFAR-100/4000", "CIFAR-100/10000"]
ALTERED = ["Without parameter EMA", "One-hot pseudo labels", "MixUp on unlabeled data only",
           "MixUp on labeled data only", "Without MixUp", "Reweighting with the constant 1",
           "Reweighting with -1 and 1"]

SIGNIFICANTLY = "outperforms state-of-the-art SSL algorithms significantly"
SLIGHTLY = "achieves slightly better performance than them on CIFAR-10"
IMPROVED = "able to be significantly improved by integrating consistency regularization"
CONSISTENTLY = "consistently outperforms state-of-the-art SSL algorithms"
COMPARABLE = "is comparable with state-of-the-art SSL algorithms on SVHN"
CAPPED = "a fixed amount of training time, it still outperforms the others"
IMPORTANT = "parameter EMA and performing MixUp on unlabeled data are both important"
CONSTANT = "weighted by the constant 1 ... also shows effective performance"
FOUR = "On four competitive datasets ... state-of-the-art performance"

CLAIMS: list[Claim] = [
    # Meta-T, 5.2: balanced data
    t("benchmarks", "abstract, 1", "five image classification benchmarks and three text classification",
      datasets([T1, T2], 8)),
    t("majority", "5.2", "outperforms previous methods in the majority of settings", majority(T1, "Meta-T")),
    t("few-labels-cifar", "5.2", "extremely small size of the labeled set, the superiority",
      beats(T1, "Meta-T", columns=["CIFAR-10/40", "CIFAR-100/400"])),
    t("few-labels-svhn", "5.2", "extremely small size of the labeled set, the superiority",
      beats(T2, "Meta-T", columns=["SVHN/40"])),
    t("simmatch-400", "5.2", "1.64% Top-1 accuracy improvements on CIFAR-100 with only 4 samples",
      gain(T1, "Meta-T", "SimMatch", "CIFAR-100/400", "1.64"), "T11"),
    t("simmatch-ahead", "5.2", "slightly underperforms a previous state-of-the-art method SimMatch",
      beats(T1, "SimMatch", ["Meta-T"], SIMMATCH_AHEAD), "T12"),
    t("simmatch-gap", "5.2", "the average accuracy gap is smaller than 0.3%",
      mean_gain(T1, "SimMatch", "Meta-T", SIMMATCH_AHEAD, "<0.3"), "T12"),
    *(t(f"contrastive-{row}", "5.2", "CoMatch and SimMatch ... thus achieve greater performance",
        beats(T1, row, OTHERS), reading="better than the other methods without a threshold")
      for row in ("CoMatch", "SimMatch")),
    t("threshold-cifar", "5.2", CONSTANTLY, beats(T1, "Meta-T", THRESHOLD), "T13"),
    t("threshold-svhn-40", "5.2", CONSTANTLY, beats(T2, "Meta-T", THRESHOLD, ["SVHN/40"]), "T13"),
    t("threshold-svhn-250", "5.2", CONSTANTLY, beats(T2, "Meta-T", THRESHOLD, ["SVHN/250"]), "T13"),
    t("threshold-stl", "5.2", CONSTANTLY, beats(T2, "Meta-T", THRESHOLD, ["STL-10/1000"]), "T13"),
    t("threshold-imagenet", "5.2", CONSTANTLY, beats(T2, "Meta-T", THRESHOLD, IMAGENET), "T13"),
    t("threshold-imdb", "5.2", CONSTANTLY, beats(T2, "Meta-T", THRESHOLD, ["IMDb/100"]), "T13"),
    t("threshold-amazon", "5.2", CONSTANTLY, beats(T2, "Meta-T", THRESHOLD, ["Amazon-5/1000"]), "T13"),
    t("threshold-yelp", "5.2", CONSTANTLY, beats(T2, "Meta-T", THRESHOLD, ["Yelp-5/1000"]), "T13"),
    t("dash-c10", "5.2", "compared to Dash ... improvement of 5.21% on CIFAR-10 with 40 labeled data",
      gain(T1, "Meta-T", "Dash", "CIFAR-10/40", "5.21"), "T10"),
    t("dash-c100", "5.2", "and 8.66% on CIFAR-100 with 400 labeled data",
      gain(T1, "Meta-T", "Dash", "CIFAR-100/400", "8.66"), "T11"),
    t("imagenet", "5.2", "outperforms previous methods in two settings",
      beats(T2, "Meta-T", columns=IMAGENET)),
    t("imagenet-value", "5.2", "attains 67.7% top-1 accuracy", prints(T2, "Meta-T", IMAGENET[0], "67.7")),
    t("imagenet-second", "5.2", "Compared to the previous state-of-the-art method SimMatch",
      place(T2, "SimMatch", IMAGENET[0], 2)),
    t("imagenet-gain", "5.2", "the obtained improvement of 0.5%",
      gain(T2, "Meta-T", "SimMatch", IMAGENET[0], "0.5"), "T11"),
    t("text", "5.2", "IMBb and Yelp-5, our method consistently achieves the best top-1 accuracy",
      beats(T2, "Meta-T", columns=["IMDb/100", "Yelp-5/1000"])),
    t("yelp-second", "5.2", "the second-best method FlexMatch", place(T2, "FlexMatch", "Yelp-5/1000", 2)),
    t("yelp-gain", "5.2", "outperforms the second-best method FlexMatch with 0.57%",
      gain(T2, "Meta-T", "FlexMatch", "Yelp-5/1000", "0.57"), "T11"),
    # Meta-T, 5.3 and 5.4: imbalanced data
    t("imbalanced", "5.3", "achieves the state-of-the-art performance in most cases", majority(T3, "Meta-T")),
    t("grows-1500", "5.3", GROWS, growing(T3, "Meta-T", MANY), reading="lead over the best other, N1=1500"),
    t("grows-500", "5.3", GROWS, growing(T3, "Meta-T", FEW), reading="lead over the best other, N1=500"),
    t("grows-adsh-1500", "5.3", GROWS, growing(T3, "Meta-T", MANY, "Adsh"),
      reading="lead over Adsh, N1=1500"),
    t("grows-adsh-500", "5.3", GROWS, growing(T3, "Meta-T", FEW, "Adsh"),
      reading="lead over Adsh, N1=500"),
    t("adsh-100", "5.3", "1.43% ... under γ = 100", gain(T3, "Meta-T", "Adsh", FEW[1], "1.43"), "T14"),
    t("adsh-150", "5.3", "2.42% ... under γ = 150", gain(T3, "Meta-T", "Adsh", FEW[2], "2.42"), "T14"),
    t("adsh-second-100", "5.3", SECOND, place(T3, "Adsh", FEW[1], 2), "T14", "γ = 100"),
    t("adsh-second-150", "5.3", SECOND, place(T3, "Adsh", FEW[2], 2), "T14", "γ = 150"),
    t("adsh-50", "5.3", "slightly lower than that of Adsh on the case N1 = 500 ... γ = 50",
      beats(T3, "Adsh", ["Meta-T"], FEW[:1])),
    t("biased-1500", "5.4", BIASED, beats(T3, "Meta-T", THRESHOLD[1:], MANY), "T13",
      "against threshold-based methods, N1=1500"),
    t("biased-500", "5.4", BIASED, beats(T3, "Meta-T", THRESHOLD[1:], FEW), "T13",
      "against threshold-based methods, N1=500"),
    # Meta-T, 5.5: the threshold network
    *(t(f"ours-left-{c}", "Table 4", "2C - 100 - 1 (Ours)", same((T1, "Meta-T", c), (T4, H100, c)), "T8",
        f"Table 1's Meta-T on {c}") for c in columns_of(T4, H100)),
    *(t(f"ours-right-{c}", "Table 4", "Adam w/ 1e-3 (Ours)", same((T4, H100, c), (T4, ADAM, c)), "T8",
        f"the left half's 'ours' on {c}") for c in columns_of(T4, ADAM)),
    *(t(f"architecture-{c}", "5.5", "varying (five) MLP settings have substantial effects",
        spread(T4, TGNS, c, ">", (T1, "Meta-T", c)), "T9", "further apart than Table 1's std of Meta-T")
      for c in columns_of(T4, H100)),
    *(t(f"width-{c}", "5.5", "adopt the simple yet effective one, i.e., {2C, 100, 1}",
        beats(T4, H100, TGNS, [c]), "T8;T9", BEST_OF_FIVE) for c in columns_of(T4, H100)),
    *(t(f"insensitive-{c}", "5.5", "insensitive to the hyperparameter β",
        spread(T4, OPTIMISERS, c, "<", (T1, "Meta-T", c)), "T9", "closer than Table 1's std of Meta-T")
      for c in columns_of(T4, ADAM)),
    *(t(f"adam-{c}", "5.5", "a normal setting, i.e., Adam optimizer with 1e-3 learning rate",
        beats(T4, ADAM, OPTIMISERS, [c]), "T9", BEST_OF_FIVE) for c in columns_of(T4, ADAM)),
    # Meta-T, 5.6: training time
    *(t(f"last-{row}-{c}", "Table 5", "until total convergence",
        same((table, row, c), (T5, row, f"{c} @last")),
        "T16" if (row, c) == ("FixMatch", "CIFAR-100/400") else "",
        f"'Last' of {row} on {c} is Table {table[-1]}'s number")
      for row in ("FixMatch", "Meta-T") for table, c in zip((T1, T1, T3), SETTINGS, strict=True)),
    *(t(f"converges-{c}", "Table 5", "until total convergence",
        improves(T5, TIMED, [f"{c} @{h}" for h in HOURS]),
        reading="no row gets worse with time") for c in SETTINGS),
    t("green-early", "5.6", "consistently outperform that of Meta-T ... before the first 10 hours",
      beats(T5, "Green Meta-T", ["Meta-T"], [f"{c} @{h}" for c in SETTINGS for h in HOURS[:3]])),
    t("last-best", "5.6", "Meta-T further improves and achieves SOTA results",
      beats(T5, "Meta-T", columns=[f"{c} @last" for c in SETTINGS])),
    *(t(f"green-loss-{c}", "1", "with only slight loss of accuracy",
        gain(T5, "Meta-T", "Green Meta-T", f"{c} @last", "<1"), reading=f"less than one point on {c}")
      for c in SETTINGS),
    # Meta-T: what its captions say of the marks
    t("bold-table1", "Table 1", BOLD, marked(T1, "bold", CIFAR)),
    t("bold-table3", "Table 3", BOLD, marked(T3, "bold", MANY + FEW)),
    t("underline-table1", "Table 1", UNDERLINED, marked(T1, "underline", CIFAR)),
    t("underline-table2", "Table 2", UNDERLINED, marked(T2, "underline", ERRORS),
      reading="in the error rates"),
    t("underline-table3", "Table 3", UNDERLINED, marked(T3, "underline", MANY + FEW), "T14"),

    # Meta-Semi, abstract to 3
    s("cifar100", "abstract", SIGNIFICANTLY, beats(S1, "Meta-Semi", CNN13, C100)),
    s("cifar100-wrn", "abstract", SIGNIFICANTLY, beats(S1, WRN, WRN28, C100[1:])),
    s("stl", "abstract", SIGNIFICANTLY, beats(S2, "Meta-Semi")),
    s("cifar10-ict", "1", SLIGHTLY, beats(S1, "Meta-Semi", ["ICT"], C10)),
    s("cifar10-mixmatch", "1", SLIGHTLY, beats(S1, WRN, [MIXMATCH], C10)),
    s("l2rw", "2", "directly applying the method in [36] to SSL leads to inferior results",
      beats(S1, "Meta-Semi", ["Learning to Reweight"])),
    s("plus-ict-cifar", "3.3, 4.2", IMPROVED, beats(S1, "Meta-Semi + ICT", ["Meta-Semi"])),
    s("plus-ict-svhn", "3.3, 4.2", IMPROVED, beats(S3, "Meta-Semi + ICT", ["Meta-Semi"])),
    # Meta-Semi, 4.2: main results
    s("consistently", "4.2", CONSISTENTLY, beats(S1, "Meta-Semi", CNN13)),
    s("consistently-wrn", "4.2", CONSISTENTLY, beats(S1, WRN, WRN28)),
    s("fewer-labels-c10", "4.2", "especially with relatively less labeled data",
      growing(S1, "Meta-Semi", C10[::-1], "ICT"), reading="lead over ICT on CIFAR-10, ever fewer labels"),
    s("fewer-labels-c100", "4.2", "especially with relatively less labeled data",
      growing(S1, "Meta-Semi", C100[::-1], "ICT"), reading="lead over ICT on CIFAR-100, ever fewer labels"),
    s("more-classes", "4.2", "and larger numbers of classes",
      growing(S1, "Meta-Semi", [C10[2], C100[0]], "ICT"),
      reading="lead over ICT, 4,000 labels, 10 to 100 classes"),
    s("ict-4000", "4.2", "ICT, by 0.13% in absolute error", gain(S1, "Meta-Semi", "ICT", C10[2], "0.13")),
    s("ict-1000", "4.2", "more significant improvements of 2.17%",
      gain(S1, "Meta-Semi", "ICT", C10[0], "2.17")),
    s("ict-c100", "4.2", "and 2.46%, respectively", gain(S1, "Meta-Semi", "ICT", C100[0], "2.46")),
    s("mixmatch", "4.2", "but Meta-Semi outperforms it in terms of test accuracy",
      beats(S1, WRN, [MIXMATCH])),
    s("plus-ict-2000", "4.2", "Meta-Semi + ICT outperforms Meta-Semi by 1.37%",
      gain(S1, "Meta-Semi + ICT", "Meta-Semi", C10[1], "1.37")),
    s("stl-2", "4.2", "outperforms MixMatch by more than 2% on STL-10",
      gain(S2, "Meta-Semi", "MixMatch", "STL-10/1000", ">2")),
    *(s(f"comparable-{c}", "4.2", COMPARABLE, within_std((S3, "Meta-Semi", c), (S3, "SNTG", c)), "S5",
        f"within one std of SNTG on {c}") for c in columns_of(S3, "SNTG")),
    # Meta-Semi, 4.4 and 4.5: time and ablation
    s("capped-cnn", "4.4", CAPPED, beats(S4, "Meta-Semi (CNN-13)", ["ICT"])),
    s("capped-wrn", "4.4", CAPPED, beats(S4, WRN, [MIXMATCH])),
    *(s(f"capped-last-{row}", "Table 4", "Performance ... with fixed amount of training time",
        same((S1, row.removesuffix(" (CNN-13)"), C100[1]), (S4, row, hours)), "S4",
        f"the last column of {row} is Table 1's number")
      for row, hours in (("ICT", "12.6h"), ("Meta-Semi (CNN-13)", "12.6h"), (MIXMATCH, "29.2h"),
                         (WRN, "29.2h"))),
    *(s(f"full-{row}-{c}", "Table 5", row, same((S1, row, c), (S5, row, c)),
        reading=f"Table 1's number on {c}")
      for row in ("Meta-Semi", "Meta-Semi + ICT") for c in C100),
    s("ablation", "4.5", "removing or altering the components", beats(S5, "Meta-Semi", ALTERED),
      reading="each alteration costs accuracy"),
    s("ema", "4.5", IMPORTANT, gain(S5, "Meta-Semi", "Without parameter EMA", C100[0], ">5"),
      reading="without the average: more than five points"),
    s("mixup", "4.5", IMPORTANT, gain(S5, "Meta-Semi", "MixUp on labeled data only", C100[0], ">5"),
      reading="without MixUp on unlabelled data: more than five points"),
    *(s(f"constant-{c}", "4.5", CONSTANT,
        within_std((S5, "Reweighting with the constant 1", c), (S1, "ICT", c)),
        reading=f"within one std of ICT on {c}") for c in C100),
    # Meta-Semi, 5 and appendix C
    s("sota-cifar", "5", FOUR, beats(S1, "Meta-Semi", CNN13)),
    s("sota-stl", "5", FOUR, beats(S2, "Meta-Semi")),
    s("sota-svhn", "5", FOUR, beats(S3, "Meta-Semi", SVHN), "S5"),
    s("sota-svhn-ict", "5", FOUR, beats(S3, "Meta-Semi + ICT"), "S5", "with ICT added"),
    s("validation-value", "App. C", "the 10.27 ± 0.66% of using",
      prints(S1, "Meta-Semi", C10[0], "10.27"), "S11"),
    s("validation-baselines", "App. C", "10.96 ± 0.56% ... still significantly outperforms baselines",
      below("10.96", S1, CNN13, C10[0]), "S11"),
]
# fmt: on

MARK_ERRATA = {(T3, "FlexMatch", MANY[2]): "T14", (S3, "Meta-Semi + ICT", "SVHN/500"): "S14"}


def mark_claims() -> list[Claim]:
    """Bold says best of the column (one of the best two: CNN-13 in Meta-Semi's Table 1), underline second."""
    found = []
    for table in tables():
        paper, number = table.split("/table")
        for (row, column), mark in marks(table).items():
            last = 2 if mark == "underline" or (table == S1 and "(WRN-28)" not in row) else 1
            judge = place(table, row, column, last, last if mark == "underline" else 1)
            where, name = f"Table {number}, {mark}", f"{mark}-{number}-{row}-{column}"
            erratum = MARK_ERRATA.get((table, row, column), "")
            found.append(Claim(paper, name, where, f"{row}, {column}", judge, erratum))
    return found


def register() -> list[Claim]:
    """Every claim: the sentences, then the marks."""
    return CLAIMS + mark_claims()
