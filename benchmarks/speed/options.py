"""What a benchmark is asked for on its command line."""

from typing import Any

from benchmarks.errors import UserError


def parse(arguments: list[str], rest: bool = False, **defaults: Any) -> tuple[dict[str, Any], list[str]]:
    """name=value ... -> values of the defaults' types; and other ones, overrides of a run, if there may be a `rest`.

    Raises UserError.
    """
    found, others = dict(defaults), []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and name in defaults:
            kind = type(defaults[name])
            try:
                found[name] = kind(value)
            except ValueError as error:
                raise UserError(f"{argument} is not possible: {name} is a number, e.g. {defaults[name]}") from error
        elif equals and rest:
            others.append(argument)
        else:
            raise UserError(
                f'unknown option "{argument}": there are {", ".join(f"{k}={v}" for k, v in defaults.items())}'
            )
    return found, others
