"""Which module may import what, read the environment, and be called what. Each guard is shown to bite."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePath

import pytest

from finwise.entities import CATALOGUE
from tests.source import Guard, found_by, imported, modules, place_of

FLOORS = ("api", "schemas", "domain", "store")

EVERYTHING = None
MAY_IMPORT: Mapping[str, set[str] | None] = {
    "api": {"api", "schemas", "domain", "entities", "config", "errors", "version", "demo", "turns"},
    "schemas": {"schemas", "domain", "entities", "kinds", "errors", "version"},
    "store": {"store", "domain", "errors", "turns"},
    "domain": {"domain", "errors", "version"},  # a backup says which FinWise made it
    "entities": {"kinds", "domain"},
    "kinds": {"domain"},
    "config": {"domain", "errors"},  # what a setting may be
    "passwords": {"errors"},
    "errors": set(),
    "version": set(),
    "demo": {"domain", "errors"},
    "maintenance_thread": {"domain", "errors"},
    "logs": set(),
    "turns": set(),
    "connections": set(),
    "cli": EVERYTHING,
    "__init__": EVERYTHING,
    "__main__": {"cli"},
}
# Libraries, and the places that know them. What is not of the standard library and not here is known to nobody.
KNOWN_TO: Mapping[str, set[str]] = {
    "flask": {"api", "__init__", "cli", "wsgi"},
    "flask_smorest": {"api"},
    "werkzeug": {"api"},
    "webargs": {"api"},
    "marshmallow": {"schemas", "entities", "kinds"},
    "sqlite3": {"store", "logs"},  # the log tells its errors from others
    "argon2": {"passwords"},
    "orjson": {"domain"},  # json_text.py alone, and only to write
    "click": {"cli"},
    "granian": {"cli"},
}


def guard_imports(path: str, tree: ast.Module) -> Iterator[str]:
    """Floors import those below them; every library is known in its place only."""
    place = place_of(path)
    if place not in MAY_IMPORT and place != "wsgi":
        yield f"nobody decided whom {place} may import"
        return
    may = MAY_IMPORT.get(place, EVERYTHING)
    for name in imported(tree):
        first, _, rest = name.partition(".")
        if first == "?":
            yield "imports in a way that does not show what"
        elif first == "finwise":
            if may is not None and rest.partition(".")[0] not in may:
                yield f"imports {name}"
        elif (first not in sys.stdlib_module_names or first in KNOWN_TO) and place not in KNOWN_TO.get(first, set()):
            yield f"imports {name}"


def guard_environment(path: str, tree: ast.Module) -> Iterator[str]:
    """config.py alone looks at the environment."""
    if path == "config.py":
        return
    words = {"environ", "environb", "getenv", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in words and ast.unparse(node.value) == "os":
            yield f"reads os.{node.attr}"
    yield from (f"imports {name}" for name in imported(tree) if name in {f"os.{word}" for word in words})


NO_ROOMS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "core",
    "manager",
    "managers",
    "service",
    "services",
}
CATALOGUES = ("entities.py", "demo.py")


def guard_names(path: str, tree: ast.Module) -> Iterator[str]:
    """A module is named by a noun that says what is in it."""
    for part in PurePath(path).with_suffix("").parts:
        if part in NO_ROOMS:
            yield f"{part} is no noun of this house"


def guard_entity_types(path: str, tree: ast.Module) -> Iterator[str]:
    """An entity type is spelled in the catalogue, in the demo book and in examples; nowhere else."""
    if path in CATALOGUES:
        return
    examples = {node for example in _examples(tree) for node in ast.walk(example)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and node not in examples else None
        if isinstance(text, str) and set(text.split(",")) & set(CATALOGUE):
            yield f"spells {text!r}"


def _examples(tree: ast.Module) -> Iterator[ast.expr]:
    """Values that are examples in the OpenAPI document, by the name they are given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "example"
            )
        elif isinstance(node, ast.keyword) and node.arg == "example":
            yield node.value
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if all(isinstance(target, ast.Name) and target.id.endswith("_EXAMPLE") for target in targets):
                yield node.value


@pytest.mark.parametrize(
    "guard", [guard_imports, guard_environment, guard_names, guard_entity_types], ids=lambda guard: guard.__name__
)
def test_the_house_is_in_order(guard: Guard) -> None:
    assert found_by(guard) == []


@pytest.mark.parametrize(
    ("guard", "path", "source"),
    [
        (guard_imports, "api/users.py", "from finwise.store.users import UserStore"),
        (guard_imports, "api/users.py", "import finwise.store"),
        (guard_imports, "api/users.py", "from finwise import store"),
        (guard_imports, "domain/users.py", "from finwise import config"),
        (guard_imports, "api/users.py", "from finwise import create_app"),
        (guard_imports, "api/users.py", "import finwise"),
        (guard_imports, "api/users.py", "import sqlite3"),
        (guard_imports, "api/sync.py", "from marshmallow import ValidationError"),
        (guard_imports, "api/users.py", "def view():\n    from finwise.store import users_database"),
        (guard_imports, "api/users.py", "from ..store import users_database"),
        (guard_imports, "api/users.py", "import importlib\nimportlib.import_module('finwise.store')"),
        (guard_imports, "api/users.py", "__import__('sqlite3')"),
        (guard_imports, "schemas/users.py", "from flask import request"),
        (guard_imports, "schemas/users.py", "from finwise.api import context"),
        (guard_imports, "schemas/users.py", "from finwise.store import users"),
        (guard_imports, "store/users.py", "from finwise.api.errors import STATUS"),
        (guard_imports, "store/users.py", "from finwise.entities import CATALOGUE"),
        (guard_imports, "store/users.py", "import flask.json"),
        (guard_imports, "domain/users.py", "from finwise.store.users import UserStore"),
        (guard_imports, "domain/users.py", "from finwise.entities import CATALOGUE"),
        (guard_imports, "domain/users.py", "import marshmallow"),
        (guard_imports, "domain/users.py", "import sqlite3"),
        (guard_imports, "domain/users.py", "import argon2"),
        (guard_imports, "domain/users.py", "import requests"),
        (guard_imports, "domain/access.py", "if TYPE_CHECKING:\n    from finwise.store.users import UserStore"),
        (guard_imports, "entities.py", "from finwise.schemas.fields import Uuid"),
        (guard_imports, "kinds.py", "from finwise.entities import CATALOGUE"),
        (guard_imports, "config.py", "from finwise.store import users_database"),
        (guard_imports, "passwords.py", "from finwise.domain.logins import PasswordHasher"),
        (guard_imports, "errors.py", "from finwise.version import __version__"),
        (guard_imports, "demo.py", "import flask"),
        (guard_imports, "maintenance_thread.py", "from finwise.store.trash import Trash"),
        (guard_imports, "domain/backups.py", "from finwise.store.backups import Archives"),
        (guard_imports, "wsgi.py", "import sqlite3"),
        (guard_imports, "attic.py", ""),
        (guard_imports, "attic/users.py", ""),
        (guard_environment, "api/users.py", "import os\nos.environ['X']"),
        (guard_environment, "cli/serving.py", "import os\nos.getenv('X')"),
        (guard_environment, "store/users_database.py", "from os import environ"),
        (guard_environment, "__init__.py", "from os import getenv as setting"),
        (guard_names, "domain/utils.py", ""),
        (guard_names, "common/users.py", ""),
        (guard_names, "store/manager.py", ""),
        (guard_names, "service.py", ""),
        (guard_entity_types, "domain/sync.py", "if entity_type == 'accounts': pass"),
        (guard_entity_types, "api/sync.py", "TYPES = ['accounts']"),
        (guard_entity_types, "api/sync.py", "route(description='accounts')"),
        (guard_entity_types, "store/views.py", "{'planning_transactions': 1}"),
        (guard_entity_types, "schemas/sync.py", "split('accounts,tags')"),
    ],
)
def test_the_guard_bites(guard: Guard, path: str, source: str) -> None:
    assert list(guard(path, ast.parse(source)))


@pytest.mark.parametrize(
    ("guard", "path", "source"),
    [
        (guard_imports, "api/users.py", "from finwise.domain.users import User\nfrom flask import g\nimport json"),
        (guard_imports, "schemas/users.py", "from marshmallow import fields\nfrom finwise.kinds import Text"),
        (guard_imports, "store/users.py", "import sqlite3\nfrom finwise.domain.users import User"),
        (guard_imports, "domain/users.py", "from __future__ import annotations\nfrom typing import Any"),
        (guard_environment, "config.py", "import os\nos.environ"),
        (guard_environment, "store/locks.py", "import os\nos.open"),
        (guard_names, "domain/book.py", ""),
        (guard_entity_types, "api/sync.py", "PUSH_EXAMPLE = {'entity_type': 'accounts'}"),
        (guard_entity_types, "schemas/sync.py", "fields.String(metadata={'example': 'accounts,tags'})"),
        (guard_entity_types, "entities.py", "entity('accounts')"),
        (guard_entity_types, "api/sync.py", "'keeps accounts'"),
    ],
)
def test_the_guard_lets_pass_what_is_in_order(guard: Guard, path: str, source: str) -> None:
    assert list(guard(path, ast.parse(source))) == []


def test_the_guards_see_the_whole_package() -> None:
    seen = {place_of(path) for path in modules()}
    assert seen - {"wsgi"} == set(MAY_IMPORT)
    assert seen >= set(FLOORS)
