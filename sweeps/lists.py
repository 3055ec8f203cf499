"""Lists on a command line: of values, of seeds, of names."""

import re
from collections.abc import Mapping
from typing import Any

from benchmarks.arguments import nearest
from benchmarks.errors import UserError


def some(kind: str, text: str, known: Mapping[str, Any]) -> list[str]:
    """Known names with commas between them, of which a name may have some itself. Raises UserError."""
    found = []
    while text:
        fits = [name for name in known if f"{text},".startswith(f"{name},")]
        if not fits:
            raise UserError(f'unknown {kind} "{text}".{nearest(text, known)}')
        found.append(max(fits, key=len))
        text = text[len(found[-1]) + 1 :].lstrip()
    return found


def values(text: str) -> list[str]:
    """'0.5,1,2' -> ['0.5', '1', '2'], '0..2' -> ['0', '1', '2']; what is in brackets is one value."""
    parts = re.findall(r"(?:\[[^]]*\]|\{[^}]*\}|\([^)]*\)|[^,])+", text) or [text]
    found: list[str] = []
    for part in parts:
        ends = re.fullmatch(r"(\d+)\.\.(\d+)", part)
        found += map(str, range(int(ends[1]), int(ends[2]) + 1)) if ends else [part]
    return list(dict.fromkeys(found))


def seeds(text: str) -> list[int]:
    """'0..4' -> [0, 1, 2, 3, 4]. Raises UserError."""
    try:
        return [int(value) for value in values(text)]
    except ValueError as error:
        raise UserError(f"seed={text} is not possible: write a number, 0,1,2 or 0..4") from error
