"""Command-line overrides -> one resolved configuration -> the id of its run. Imports `arguments`, and nothing heavy.

composer   `group=name` and `key=value` -> the configuration
check      is each value possible?
signature  what constructors say of their options
ids        the configuration -> the run's id
files      where the YAML lies
resolvers  what the YAML may compute
"""

from benchmarks.arguments import nearest
from benchmarks.config.check import NAMES, fit
from benchmarks.config.composer import compose, resolve
from benchmarks.config.files import CONF, GROUPS, options
from benchmarks.config.ids import plain, run_id

__all__ = ["CONF", "GROUPS", "NAMES", "compose", "fit", "nearest", "options", "plain", "resolve", "run_id"]
