"""Every claim of the papers with its verdict, and the page that lists them, failing claims first."""

from collections.abc import Sequence

from reports.audit.checks import TOLERANCE, Verdict
from reports.audit.claims import Claim, register
from reports.paper.published import PAPERS, errata

HEAD = "| id | paper | claim | claimed | recomputed | verdict | errata |\n|---|---|---|---|---|---|---|"
Judged = list[tuple[Claim, Verdict]]


def judge(claims: Sequence[Claim] | None = None) -> Judged:
    """Every claim with its verdict."""
    return [(claim, claim.check()) for claim in (register() if claims is None else claims)]


def summary(judged: Judged) -> str:
    """'N claims: H hold, D do not'."""
    holding = sum(verdict.holds for _, verdict in judged)
    return f"{len(judged)} claims: {holding} hold, {len(judged) - holding} do not"


def markdown(judged: Judged) -> str:
    """The audit as a page: a table per paper, then the errata it cites."""
    parts = ["# Audit of the published claims", f"{summary(judged)}.", _how_to_read()]
    for paper, title in PAPERS.items():
        own = [pair for pair in judged if pair[0].paper == paper]
        own.sort(key=lambda pair: pair[1].holds)  # stable: the register's order within each half
        parts += [f"## {title}", f"{summary(own)}.", "\n".join([HEAD, *(_line(*pair) for pair in own)])]
    cited = {name for claim, _ in judged for name in _ids(claim)}
    notes = [
        f'- <a id="{e.id.lower()}"></a>**{e.id}** {e.finding} *{e.decision}*'
        for e in errata().itertuples()
        if e.id in cited
    ]
    return "\n\n".join([*parts, "## Errata cited", "\n".join(notes)]) + "\n"


def _how_to_read() -> str:
    return (
        f"Each line is a sentence, or a bold or underlined cell, that the paper's own tables can check. "
        f"Differences are exact and hold within {TOLERANCE}; places are computed from the printed means, "
        f"rows trained on all labels aside. *Read as* says how a vague sentence was made checkable: "
        f"a verdict then depends on that reading. Errata ids lead to the end of this page."
    )


def _line(claim: Claim, verdict: Verdict) -> str:
    sentence = f"{claim.where}: “{claim.quote}”" + (f" *Read as: {claim.reading}.*" if claim.reading else "")
    outcome = "holds" if verdict.holds else "**does not hold**"
    links = ", ".join(f"[{name}](#{name.lower()})" for name in _ids(claim))
    cells = [claim.id, PAPERS[claim.paper], sentence, verdict.claimed, verdict.recomputed, outcome, links]
    return "| " + " | ".join(_plain(text) for text in cells) + " |"


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "\\|")


def _ids(claim: Claim) -> list[str]:
    return [name for name in claim.errata.split(";") if name]
