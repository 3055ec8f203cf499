"""Command-line overrides -> one resolved configuration. Hydra composes the groups, once per choice of them."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import split_key
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from omegaconf.grammar.gen.OmegaConfGrammarParser import OmegaConfGrammarParser
from omegaconf.grammar_parser import parse as parse_grammar

from benchmarks.arguments import nearest
from benchmarks.config import files, resolvers
from benchmarks.config.check import fit, leaves, unknown
from benchmarks.config.ids import plain
from benchmarks.errors import UserError, one_line

resolvers.register()


class Choice(NamedTuple):
    """What the groups' files say together. Never changed."""

    node: DictConfig  #: before its interpolations are resolved
    values: dict[str, Any]  #: after
    followed: frozenset[str]  #: the keys that interpolations refer to; "" where that depends on another value


def compose(overrides: Sequence[str] = ()) -> DictConfig:
    """The configuration of one run, all interpolations resolved. Raises UserError in one line for a bad override."""
    cfg = OmegaConf.create(resolve(overrides))
    OmegaConf.set_struct(cfg, True)
    return cfg


def resolve(overrides: Iterable[str] = ()) -> dict[str, Any]:
    """The same as plain dictionaries, the caller's own. Of one choice of groups it makes thousands a second."""
    parsed = [_parse(override) for override in overrides]
    groups = {
        o.key_or_group: str(o.input_line) for o in parsed if o.key_or_group in files.GROUPS
    }  # the last one counts
    choice = _choose(files.CONF, tuple(sorted(groups.values())))
    given = [o for o in parsed if o.key_or_group not in files.GROUPS]
    return fit(_quickly(choice, given) or _merged(choice, given), choice.values)


def _quickly(choice: Choice, given: Sequence[Override]) -> dict[str, Any] | None:
    """By hand: where every override is of one value that is there, and no other value follows it; None elsewhere."""
    config = choice.values
    for override in given:
        if _follows(choice, override):
            return None
        try:
            config = _put(config, override.key_or_group.split("."), override.value())
        except LookupError:
            return None
    return config


def _put(config: Any, path: Sequence[str], value: Any) -> dict[str, Any]:
    """The configuration with another value there. Raises LookupError where there is none yet, or one to merge with."""
    if not isinstance(config, dict) or (len(path) == 1 and isinstance(config[path[0]], dict)):
        raise LookupError
    head, *rest = path
    return config | {head: _put(config[head], rest, value) if rest else value}


def _follows(choice: Choice, override: Override) -> bool:
    """Does some other value follow what is set here, or this one another?"""
    key = f"{override.key_or_group}."
    return "${" in str(override.input_line) or any(
        not other or key.startswith(f"{other}.") or f"{other}.".startswith(key) for other in choice.followed
    )


def _merged(choice: Choice, given: Sequence[Override]) -> dict[str, Any]:
    """By OmegaConf: whatever the overrides are."""
    cfg = deepcopy(choice.node)
    for override in given:
        key = override.key_or_group
        try:
            OmegaConf.update(cfg, key, override.value(), merge=True)
        except (ConfigAttributeError, ConfigKeyError) as error:
            raise unknown(key, {*files.GROUPS, *leaves(choice.values)}) from error
    try:
        return plain(cfg)
    except OmegaConfBaseException as error:
        raise UserError(one_line(error)) from error


@cache
def _parse(text: str) -> Override:
    try:
        override = OverridesParser.create().parse_override(text)
        if override.package:
            raise HydraException("no run moves a group to another place")
    except HydraException as error:
        raise UserError(f'cannot read the override "{text}": write key=value, e.g. task.labels=40') from error
    if override.type is not OverrideType.CHANGE:
        raise UserError(f'"{text}": options are neither added nor taken away; write key=value')
    if override.is_sweep_override():
        raise UserError(f'"{text}": a run has one value of each option; a list is written key=[1,2]')
    return override


@cache
def _choose(conf: Path, choices: tuple[str, ...]) -> Choice:
    """The files of these `group=name` and of the defaults of the others."""
    for choice in choices:
        group, _, name = choice.partition("=")
        if name not in files.options(group):
            raise UserError(f'unknown {group} "{name}".{nearest(name, files.options(group))}')
    try:
        with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
            node = hydra_compose("config", list(choices))
    except HydraException as error:
        raise UserError(one_line(error)) from error
    return Choice(node, plain(node), frozenset(_followed(OmegaConf.to_container(node, resolve=False))))


def _followed(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The keys that the interpolations in `value`, at `path`, refer to."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _followed(part, (*path, str(key)))
    elif isinstance(value, str) and "${" in value:
        for name in _references(parse_grammar(value)):
            dots = len(name) - len(name.lstrip("."))  # one: beside this value; two: a level up
            start = path[:-dots] if dots else ()
            yield "" if "${" in name else ".".join((*start, *split_key(name.lstrip("."))))


def _references(tree: Any) -> Iterator[str]:
    """a.b of every ${a.b} in a parsed string."""
    if isinstance(tree, OmegaConfGrammarParser.InterpolationNodeContext):
        yield tree.getText()[2:-1].strip()
    for child in getattr(tree, "children", None) or ():
        yield from _references(child)
