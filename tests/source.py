"""The package's source, read by the guards of its layout.

A guard takes a module's path within `finwise` and its syntax tree, and yields what is wrong with it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePath

import finwise

PACKAGE = Path(finwise.__file__).parent
ROOT = PACKAGE.parent

Guard = Callable[[str, ast.Module], Iterator[str]]


@cache
def modules() -> dict[str, ast.Module]:
    """The syntax trees of all modules, by their paths."""
    found = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    found["wsgi.py"] = ROOT / "wsgi.py"
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in sorted(found.items())}


def found_by(guard: Guard) -> list[str]:
    """All that a guard finds wrong, each with its module."""
    return [f"{path} {wrong}" for path, tree in modules().items() for wrong in guard(path, tree)]


def place_of(path: str) -> str:
    """The floor of a module, or the module itself where it stands on none."""
    return PurePath(path).parts[0].removesuffix(".py")


def imported(tree: ast.Module) -> Iterator[str]:
    """The full names of all that a module imports, wherever in it; one that cannot be known is "?"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "?" if node.level else node.module or "?"
            yield from (f"{start}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("__import__", "import_module"):
            yield "?"


def called(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
