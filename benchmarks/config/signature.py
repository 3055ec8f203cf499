"""What a constructor's signature says of its options, read from the source: nothing is imported, torch least of all."""

import ast
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

Parameters = dict[str, tuple[str, ast.expr | None]]  #: name -> the module that declares it, its annotation


@cache
def choices(target: str) -> Mapping[str, tuple[Any, ...]]:
    """The values that parameters of the class or function `target` may take, of those annotated with a `Literal`.

    Empty for what pip installed (torch.optim.SGD): no choice of ours is declared there.
    """
    found = {name: _literals(module, node) for name, (module, node) in parameters(target).items()}
    return {name: values for name, values in found.items() if values}


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
