"""A baseline's own numbers per data set, where its authors give several; its YAML holds those of CIFAR-10."""

from collections.abc import Mapping

OWN = {  # (method, task) -> overrides
    ("mixmatch", "cifar100"): "method.w_match=150.0",  # google-research/mixmatch, runs/table1.sh
    ("mixmatch", "svhn"): "method.w_match=250.0",  # there, table6.sh
    ("mixmatch", "stl10"): "method.w_match=50.0",  # there, table2.sh
    ("temporal_ensembling", "cifar100"): "method.w_max=100.0",  # Laine & Aila 2017, App. A
    ("temporal_ensembling", "svhn"): "method.w_max=100.0",
    ("sntg", "cifar100"): "method.w_max=100.0",  # on temporal ensembling
    ("sntg", "svhn"): "method.w_max=100.0",
    ("vat", "svhn"): "method.eps=3.5",  # takerum/vat_tf, README
    ("ict", "svhn"): "method.beta=0.1",  # Verma et al. 2019
    ("meta_semi_ict", "svhn"): "method.regulariser.beta=0.1",
}


def tuned(rows: Mapping[str, str | None], columns: Mapping[str, str | None]) -> dict[tuple[str, str], str]:
    """(row, column) -> what the row's method needs on the column's data set: for `Sweep.single`."""
    found = {}
    for row, how in rows.items():
        for column, where in columns.items():
            own = OWN.get((_value("method", how), _value("task", where)))
            if own:
                found[row, column] = own
    return found


def _value(group: str, overrides: str | None) -> str:
    """`name` of group=name; the last one counts."""
    return {o.partition("=")[0]: o.partition("=")[2] for o in (overrides or "").split()}.get(group, "")
