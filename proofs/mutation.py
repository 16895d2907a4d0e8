"""Edits of a program's syntax tree: one place of one function becomes another.

`python -m proofs.mutation` says which edits of mutants.toml do not find their place, and ends with 1 if there are any.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).with_name("mutants.toml")

Scope = ast.Module | ast.ClassDef | ast.FunctionDef


class Misplaced(Exception):
    """The edit's place is not there, or is there several times; the text says which."""


class Edit(NamedTuple):
    """`replace` becomes `by` in the function `at`; both are an expression, statements, or an operator such as ">".

    Without `replace`, `by` becomes the function's whole body. `at` may be a module.
    """

    at: str
    by: str
    replace: str = ""


class Mutant(NamedTuple):
    """A bug. `proof`: who has to notice, a proof or a file of tests. `scale`: that of the proof."""

    name: str
    proof: str
    edits: list[Edit]
    scale: float = 0.3


def mutants() -> list[Mutant]:
    """All of them."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return [Mutant(**told | {"edits": [Edit(**edit) for edit in told["edits"]]}) for told in listed["mutant"]]


def misplaced() -> list[str]:
    """A sentence for each mutant that does not find its place in `finwise/`."""
    return [said for mutant in mutants() if (said := _misplaced(mutant))]


def apply(edit: Edit, root: Path) -> None:
    """Rewrites the file below `root`; comments are lost. Raises Misplaced unless the place is there exactly once."""
    file, tree, scope = _find(edit, root)
    _change(edit, scope)
    file.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")


def _misplaced(mutant: Mutant) -> str | None:
    try:
        for edit in mutant.edits:
            _change(edit, _find(edit, ROOT)[2])
    except Misplaced as reason:
        return f"{mutant.name}: {reason}"
    return None


def _find(edit: Edit, root: Path) -> tuple[Path, ast.Module, Scope]:
    """The file, its tree, and the module, class or function in it that `at` names."""
    names = edit.at.split(".")
    for length in range(len(names), 0, -1):
        file = root.joinpath(*names[:length]).with_suffix(".py")
        if file.is_file():
            tree = ast.parse(file.read_text(encoding="utf-8"))
            return file, tree, _inner(tree, names[length:], edit)
    raise Misplaced(f"{edit.at} is in no file")


def _inner(tree: ast.Module, names: list[str], edit: Edit) -> Scope:
    scope: Scope = tree
    for name in names:
        found = [node for node in scope.body if isinstance(node, Scope) and getattr(node, "name", "") == name]
        if len(found) != 1:
            raise Misplaced(f"{edit.at} is there {len(found)} times")
        scope = found[0]
    return scope


def _change(edit: Edit, scope: Scope) -> None:
    by = ast.parse(edit.by).body if edit.replace not in _OPERATORS else []
    if not edit.replace:
        scope.body = by
        return
    places = list(_places(edit, scope))
    if len(places) != 1:
        raise Misplaced(f"{edit.replace!r} is {len(places)} times in {edit.at}")
    parent, name, place = places[0]
    there = getattr(parent, name)
    if place is None:
        setattr(parent, name, _expression(by))
    elif isinstance(there[place], ast.stmt):
        there[place : place + 1] = by
    else:
        there[place] = _OPERATORS[edit.by]() if edit.replace in _OPERATORS else _expression(by)


def _places(edit: Edit, scope: Scope) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Where `replace` stands: a node, the name of its field, and the place in it if the field is a list."""
    wanted = _wanted(edit.replace)
    for parent in ast.walk(scope):
        for name, value in ast.iter_fields(parent):
            each = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            yield from (
                (parent, name, place) for place, node in each if isinstance(node, ast.AST) and ast.dump(node) == wanted
            )


def _wanted(text: str) -> str:
    if text in _OPERATORS:
        return ast.dump(_OPERATORS[text]())
    (statement,) = ast.parse(text).body
    return ast.dump(statement.value if isinstance(statement, ast.Expr) else statement)


def _expression(statements: list[ast.stmt]) -> ast.expr:
    (statement,) = statements
    if not isinstance(statement, ast.Expr):
        raise Misplaced(f"{ast.unparse(statement)!r} is no expression")
    return statement.value


_OPERATORS: dict[str, type[ast.cmpop]] = {
    ">": ast.Gt,
    ">=": ast.GtE,
    "<": ast.Lt,
    "<=": ast.LtE,
    "==": ast.Eq,
    "!=": ast.NotEq,
}

if __name__ == "__main__" and (said := misplaced()):
    sys.exit("\n".join(said))
