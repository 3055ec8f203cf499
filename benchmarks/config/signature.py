"""What a constructor's signature says of its options, read from the source: nothing is imported, torch least of all."""

import ast
import math
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

Parameters = dict[str, tuple[str, ast.expr | None]]  #: name -> the module that declares it, its annotation


class Range(NamedTuple):
    """What `methods.options.Range` says in a source: least <= x <= most, above < x < below; None: no such bound."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def has(self, x: float) -> bool:
        least, most, above, below = (
            side * math.inf if bound is None else bound for bound, side in zip(self, (-1, 1, -1, 1), strict=True)
        )
        return least <= x <= most and above < x < below

    def __str__(self) -> str:
        if self.least is not None and self.most is not None:
            return f"from {self.least} to {self.most}"
        words = {"of at least": self.least, "above": self.above, "of at most": self.most, "below": self.below}
        return " and ".join(f"{word} {bound}" for word, bound in words.items() if bound is not None)


@cache
def choices(target: str) -> Mapping[str, tuple[Any, ...]]:
    """The values that parameters of the class or function `target` may take, of those annotated with a `Literal`.

    Empty for what pip installed (torch.optim.SGD): no choice of ours is declared there.
    """
    found = {name: _literals(module, node) for name, (module, node) in parameters(target).items()}
    return {name: values for name, values in found.items() if values}


@cache
def bounds(target: str) -> Mapping[str, Range]:
    """The range of the numbers that parameters of the class or function `target` may be, of those that declare one.

    `Annotated[float, Range(0, 1)]`, a name for it, or a sequence of it, the range then being that of its parts.
    """
    found = {name: _range(module, node) for name, (module, node) in parameters(target).items()}
    return {name: value for name, value in found.items() if value}


@cache
def parameters(target: str) -> Parameters:
    """The parameters of a class or function, those included that `**kwargs` hands on to a base class."""
    module, _, name = target.rpartition(".")
    return _parameters(module, name)


def _parameters(module: str, name: str) -> Parameters:
    home, node = _find(module, name)
    if isinstance(node, ast.FunctionDef):
        return {a.arg: (home, a.annotation) for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    if not isinstance(node, ast.ClassDef):
        return {}
    inits = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    found: Parameters = {}
    if not inits or inits[0].args.kwarg:
        for base in reversed(node.bases):
            found |= _parameters(home, base.id) if isinstance(base, ast.Name) else {}
    for init in inits:
        own = (*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs)[1:]
        found |= {a.arg: (home, a.annotation) for a in own}
    return found


def _literals(module: str, node: ast.expr | None) -> tuple[Any, ...]:
    """The values of an annotation that allows nothing else; a name may stand for it."""
    match node:
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal"), slice=ast.Tuple(elts=parts)):
            return tuple(ast.literal_eval(part) for part in parts)
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal"), slice=part):
            return (ast.literal_eval(part),)
        case ast.BinOp(op=ast.BitOr(), left=left, right=ast.Constant(value=None)):
            values = _literals(module, left)
            return (*values, None) if values else ()
        case ast.Constant(value=str(text)):
            return _literals(module, ast.parse(text, mode="eval").body)
        case ast.Name(id=name):
            home, found = _find(module, name)
            return _literals(home, found.value) if isinstance(found, ast.Assign) else ()
    return ()


def _range(module: str, node: ast.expr | None) -> Range | None:
    match node:
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[_, ast.Call() as said])):
            more = {part.arg: ast.literal_eval(part.value) for part in said.keywords if part.arg}
            return Range(*map(ast.literal_eval, said.args), **more)
        case ast.Subscript(value=ast.Name(id="Sequence"), slice=part):
            return _range(module, part)
        case ast.BinOp(op=ast.BitOr(), left=left, right=ast.Constant(value=None)):
            return _range(module, left)
        case ast.Name(id=name):
            home, found = _find(module, name)
            return _range(home, found.value) if isinstance(found, ast.Assign) else None
    return None


def _find(module: str, name: str) -> tuple[str, ast.stmt | None]:
    """The statement that defines a name at the top of a module, and the module: another one where it is imported."""
    node = _names(module).get(name)
    if not isinstance(node, ast.ImportFrom):
        return module, node
    above = module.rsplit(".", node.level)[0] if node.level else ""
    original = next(alias.name for alias in node.names if name == (alias.asname or alias.name))
    return _find(".".join(part for part in (above, node.module) if part), original)


@cache
def _names(module: str) -> dict[str, ast.stmt]:
    path = _file(module)
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body if path else ():
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
                found[name] = node
            case ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name: node for alias in names}
    return found


def _file(module: str) -> Path | None:
    """Where a module of ours lies; None for what pip installed, and for what is not there."""
    for folder in (Path(folder) for folder in sys.path):
        if "site-packages" not in folder.parts and module:
            path = folder.joinpath(*module.split("."))
            for file in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
                if file.is_file():
                    return file
    return None
