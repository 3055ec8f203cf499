"""What a program is asked for on its command line: one reader for all programs but runs, whose grammar is Hydra's."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple

from benchmarks.errors import UserError


class Asked(NamedTuple):
    words: list[str]  #: arguments without "=", in their order
    options: dict[str, Any]  #: a value for each option that the program has
    rest: list[str]  #: key=value of other keys, as they were written


def nearest(name: str, known: Iterable[str]) -> str:
    """' Did you mean "x"?' or the short names there are, for the end of an error message."""
    known = list(known)
    close = get_close_matches(name, known, n=1) or get_close_matches(name.lower(), known, n=1)
    return f' Did you mean "{close[0]}"?' if close else f" Known: {', '.join(k for k in known if '.' not in k)}."


def read(
    arguments: Iterable[str], rest: Callable[[str], bool] = lambda key: False, also: Iterable[str] = (), **defaults: Any
) -> Asked:
    """word ... key=value ... -> what is asked for. Raises UserError.

    defaults: each option's default, of whose type its value is (None: text); a tuple lists the values it may have, the
    default first. rest: which other keys may be given; also: some of these, to suggest where a key is unknown.
    """
    words, others = [], []
    options = {key: default[0] if isinstance(default, tuple) else default for key, default in defaults.items()}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not equals:
            words.append(argument)
        elif key in defaults:
            options[key] = _value(key, text, defaults[key])
        elif rest(key):
            others.append(argument)
        else:
            raise UserError(f'unknown option "{argument}".{nearest(key, [*defaults, *also])}')
    return Asked(words, options, others)


def _value(key: str, text: str, default: Any) -> Any:
    if isinstance(default, tuple):
        if text not in default:
            raise UserError(f'unknown {key} "{text}".{nearest(text, default)}')
        return text
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise UserError(f"{key}={text} is not possible: it must be true or false")
        return text == "true"
    try:
        return text if default is None else type(default)(text)
    except ValueError as error:
        raise UserError(f"{key}={text} is not possible: {key} is a number, e.g. {default}") from error
