"""Guards: they read the source and say where it leaves the house's order. Each is shown to bite.

A guard takes a module's place (its path within `finwise`) and its syntax tree and yields what is wrong with it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePath

import pytest

import finwise
from finwise.entities import CATALOGUE

PACKAGE = Path(finwise.__file__).parent
ROOT = PACKAGE.parent
FLOORS = ("api", "schemas", "domain", "store")

Guard = Callable[[str, ast.Module], Iterator[str]]

# ---- who may know whom ----

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


# ---- the environment ----


def guard_environment(path: str, tree: ast.Module) -> Iterator[str]:
    """config.py alone looks at the environment."""
    if path == "config.py":
        return
    words = {"environ", "environb", "getenv", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in words and ast.unparse(node.value) == "os":
            yield f"reads os.{node.attr}"
    yield from (f"imports {name}" for name in imported(tree) if name in {f"os.{word}" for word in words})


# ---- transactions ----

_TRANSACTION = re.compile(r"\s*(BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b", re.IGNORECASE)
_CONNECTION = re.compile(r"_?(connection|connect|conn|db|database)")


def executed(tree: ast.Module) -> Iterator[ast.expr]:
    """The first argument of every execute() and executemany(): the SQL."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in ("execute", "executemany"):
            yield node.args[0] if node.args else ast.Constant(None)


def guard_transactions(path: str, tree: ast.Module) -> Iterator[str]:
    """Transactions begin and end in store/connection.py alone, and by words that everybody can see."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) == "executescript":
            yield "executescript() commits an open transaction"
        if isinstance(node, ast.Call) and called(node) in ("commit", "rollback"):
            yield f"{called(node)}(): `transaction` ends a transaction"
        if isinstance(node, ast.With):
            for item in node.items:
                subject = item.context_expr
                name = called(subject) if isinstance(subject, ast.Call) else ast.unparse(subject).rpartition(".")[2]
                if _CONNECTION.fullmatch(name) and not ast.unparse(subject).startswith("self._pool.connection("):
                    yield f"`with {ast.unparse(subject)}` neither begins a transaction nor closes the connection"
    if path != "store/connection.py":
        for sql in executed(tree):
            for text in ast.walk(sql):
                if isinstance(text, ast.Constant) and _TRANSACTION.match(str(text.value)):
                    yield f"executes {text.value!r}"
        for text in ast.walk(tree):
            if isinstance(text, ast.Constant) and text.value in ("BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"):
                yield f"spells {text.value!r}"


# ---- SQL ----

# SQL that is not a literal, by the file and the expression, and why it may be.
OTHER_SQL = {
    ("store/views.py", "statement"),  # views have no bound values; their names are the catalogue's
    ("store/views.py", "f'DROP VIEW {quoted(name)}'"),
    ("store/restores.py", "f'DROP VIEW {quoted(name)}'"),  # of the file's own schema: a name cannot be bound
    ("store/restores.py", "f'DROP TABLE IF EXISTS {quoted(name)}'"),  # of Litestream's two names
    ("store/connection.py", "pragma"),  # of literals in lines nearby, as the two below
    ("store/connection.py", "f'PRAGMA {name}'"),  # name: a literal wherever it is asked for
    ("store/databases.py", "pragma"),
    ("store/migrations/__init__.py", "statement"),  # from our own .sql files
    ("store/foreign_book.py", "f'SELECT {names} FROM {quoted(name)}'"),  # of a file that was brought, read only
    ("store/foreign_book.py", "f'SELECT count(*) FROM {quoted(table)}'"),
}


def guard_sql(path: str, tree: ast.Module) -> Iterator[str]:
    """SQL is a literal where it runs; its values are bound. A pragma takes none, so numbers may be written into it."""
    for sql in executed(tree):
        literal = isinstance(sql, ast.Constant) and type(sql.value) is str
        if not literal and not _is_pragma_with_numbers(sql) and (path, ast.unparse(sql)) not in OTHER_SQL:
            yield f"executes {ast.unparse(sql)}"


def _is_pragma_with_numbers(sql: ast.expr) -> bool:
    if not isinstance(sql, ast.JoinedStr) or not ast.unparse(sql)[2:].startswith("PRAGMA "):
        return False
    numbers = [part for part in sql.values if isinstance(part, ast.FormattedValue)]
    return all(part.format_spec is not None and ast.unparse(part.format_spec) in ("f'd'", 'f"d"') for part in numbers)


# ---- files ----

# What the store may do to files. Opening a database other than through SQLite drops SQLite's locks, and with them
# acknowledged commits; so every name here is one that opens nothing, or a whole call that opens what nobody uses.
_WORDS_OF_PATHS = {word for word in set(dir(Path)) - set(dir(PurePath)) if not word.startswith("_")}
FILE_WORDS_OF_STORE: Mapping[str, set[str]] = {
    "store/backups.py": {
        "mkdir",
        "rename",  # of a whole backup's folder, once it is complete
        "os.fsync",
        "(archive / MANIFEST).open('w', encoding='utf-8')",
        "(archive / MANIFEST).read_bytes()",
        "(archive / f'tenant_{tenant_id}.db').unlink(missing_ok=True)",  # a copy that is not whole
        "iterdir",
        "stat",
        "exists",
        "shutil.rmtree(left, ignore_errors=True)",  # a backup that died, as its name and its age say
    },
    "store/connection.py": {
        "absolute",
        "database.touch(mode=384, exist_ok=False)",
    },  # 0o600: of a file that is not there
    "store/copies.py": {  # the bytes of copies that are complete and that no connection has open
        "file.open('rb')",
        "stat",
        "os.open(target, os.O_RDWR)",
        "os.fsync",
        "os.close",
    },
    "store/databases.py": {"exists", "shutil.disk_usage"},
    "store/foreign_book.py": {"absolute"},
    "store/folding.py": {"exists", "stat"},  # of a log, whose size tells whether there is something to fold
    "store/folder.py": {
        "exists",
        "glob",
        "mkdir",
        "os.access",
        "os.scandir",
        "os.open(folder, os.O_RDONLY)",  # to make its names last; a folder is no database
        "os.fsync",
        "os.close",
        "source.replace(target)",  # moved and removed under the tenant's lock, after the file was marked
        "each.unlink(missing_ok=True)",
    },
    "store/installation.py": {  # of folders
        "absolute",
        "exists",
        "is_dir",
        "os.stat",
        "os.geteuid",
        "os.listdir",
        "os.chmod(folder, stat.S_IRWXU)",
    },
    "store/litestream.py": {"absolute"},
    "store/marks.py": {"os.open", "os.read", "os.write", "os.close", "self._path(tenant_id).unlink(missing_ok=True)"},
    "store/locks.py": {"os.open", "os.close"},  # of lock files
    "store/migrations/__init__.py": {"iterdir", "read_text"},  # our own .sql files
    "store/permissions.py": {
        "os.access",
        "os.chown",  # of what was made just now
        "os.chmod",
        "os.geteuid",
        "os.stat",
        "os.statvfs",
    },
    "store/pool.py": {"os.getpid", "os.stat"},
    "store/restores.py": {
        "absolute",
        "exists",
        "is_file",
        "glob",
        "partial.replace(staged)",  # a copy that only this process has written
        "staged.replace(file)",  # it takes the tenant's place under the lock, after the present file was moved away
    },
    "store/trash.py": {
        "exists",
        "shutil.rmtree(self._folder.path / f'.tenant_{name}-litestream', ignore_errors=True)",  # Litestream's folder
    },
    "store/uploads.py": {  # of a file that this request alone has
        "file.touch(mode=384, exist_ok=False)",
        "file.open('wb')",
        "file.open('rb')",
        "stat",
    },
    "store/views.py": {"replace"},  # of a text
    "store/write_back.py": {"os.stat"},  # of a log
}
_LIBRARIES_OF_FILES = {"shutil", "io", "mmap", "zipfile", "tarfile", "gzip", "codecs", "subprocess"}


def guard_files(path: str, tree: ast.Module) -> Iterator[str]:
    """The store touches files by few words, and opens no database other than through SQLite."""
    if place_of(path) != "store":
        return
    allowed = FILE_WORDS_OF_STORE.get(path, set())
    yield from (f"calls {call}" for word, call in file_calls(tree) if not {word, call} & allowed)
    for name in imported(tree):
        library, _, word = name.partition(".")
        if library in _LIBRARIES_OF_FILES and (word or not any(each.startswith(f"{name}.") for each in allowed)):
            yield f"imports {name}"
        if library == "os" and word.islower():
            yield f"imports {name}, which then does not show where it is called"


def file_calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Every call that may touch a file: the word by which it does, and the whole call as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (word := _file_word(node)):
            yield word, ast.unparse(node)


def _file_word(call: ast.Call) -> str | None:
    """The word by which a call may touch a file: `open`, `os.…`, `shutil.…`, or a method that paths have."""
    function = ast.unparse(call.func)
    if function == "open" or function.startswith(("os.", "shutil.")):
        return function
    return called(call) if isinstance(call.func, ast.Attribute) and called(call) in _WORDS_OF_PATHS else None


# ---- names ----

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


GUARDS: list[Guard] = [
    guard_imports,
    guard_environment,
    guard_transactions,
    guard_sql,
    guard_files,
    guard_names,
    guard_entity_types,
]


@cache
def modules() -> dict[str, ast.Module]:
    found = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    found["wsgi.py"] = ROOT / "wsgi.py"
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in sorted(found.items())}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_the_house_is_in_order(guard: Guard) -> None:
    assert [f"{path} {wrong}" for path, tree in modules().items() for wrong in guard(path, tree)] == []


def test_the_guards_see_the_whole_package() -> None:
    seen = {place_of(path) for path in modules()}
    assert seen - {"wsgi"} == set(MAY_IMPORT)
    assert seen >= set(FLOORS)


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
        (guard_transactions, "store/book.py", "connection.executescript('SELECT 1')"),
        (guard_transactions, "store/connection.py", "connection.executescript('SELECT 1')"),
        (guard_transactions, "store/book.py", "with connection:\n    pass"),
        (guard_transactions, "store/book.py", "with self._connection as c:\n    pass"),
        (guard_transactions, "store/book.py", "with connect(path) as c:\n    pass"),
        (guard_transactions, "store/book.py", "with sqlite3.connect(path) as c:\n    pass"),
        (guard_transactions, "store/book.py", "with locked(path), self._connection(path):\n    pass"),
        (guard_transactions, "store/book.py", "connection.execute('BEGIN')"),
        (guard_transactions, "store/book.py", "connection.execute('begin immediate')"),
        (guard_transactions, "store/book.py", "connection.execute(' commit;')"),
        (guard_transactions, "store/book.py", "connection.execute(f'SAVEPOINT {name}')"),
        (guard_transactions, "store/book.py", "END = 'COMMIT'\nconnection.execute(END)"),
        (guard_transactions, "store/book.py", "connection.commit()"),
        (guard_transactions, "store/connection.py", "connection.rollback()"),
        (guard_sql, "store/book.py", "connection.execute(f'SELECT {name}')"),
        (guard_sql, "store/book.py", "connection.execute('SELECT ' + name)"),
        (guard_sql, "store/book.py", "connection.execute('SELECT %s' % name)"),
        (guard_sql, "store/book.py", "connection.execute('SELECT {}'.format(name))"),
        (guard_sql, "store/book.py", "connection.execute(sql)"),
        (guard_sql, "store/book.py", "connection.executemany(sql, rows)"),
        (guard_sql, "store/book.py", "connection.execute(sql='SELECT 1')"),
        (guard_sql, "store/book.py", "connection.execute(statement)"),
        (guard_sql, "store/book.py", "connection.execute(f'PRAGMA user_version = {version}')"),
        (guard_sql, "store/book.py", "connection.execute(f'PRAGMA user_version = {version!r}')"),
        (guard_sql, "store/book.py", "connection.execute(f'SELECT {version:d}')"),
        (guard_sql, "store/views.py", "connection.execute(f'DROP VIEW {name}')"),
        (guard_files, "store/databases.py", "open(path)"),
        (guard_files, "store/databases.py", "path.open()"),
        (guard_files, "store/databases.py", "path.read_bytes()"),
        (guard_files, "store/databases.py", "path.write_text('')"),
        (guard_files, "store/databases.py", "path.unlink()"),
        (guard_files, "store/databases.py", "os.open(path, os.O_RDONLY)"),
        (guard_files, "store/folder.py", "os.open(folder, os.O_RDWR)"),
        (guard_files, "store/folder.py", "file.unlink()"),
        (guard_files, "store/folder.py", "target.replace(source)"),
        (guard_files, "store/copies.py", "os.open(source, os.O_RDWR)"),
        (guard_files, "store/copies.py", "source.read_bytes()"),
        (guard_files, "store/backups.py", "(archive / name).read_bytes()"),
        (guard_files, "store/databases.py", "os.remove(path)"),
        (guard_files, "store/databases.py", "os.link(path, other)"),
        (guard_files, "store/databases.py", "from os import open as look"),
        (guard_files, "store/databases.py", "import shutil\nshutil.copyfile(path, other)"),
        (guard_files, "store/databases.py", "import shutil\nshutil.rmtree(path)"),
        (guard_files, "store/trash.py", "import shutil\nshutil.rmtree(path)"),
        (guard_files, "store/book.py", "import shutil"),
        (guard_files, "store/book.py", "import io"),
        (guard_files, "store/databases.py", "from shutil import copyfile"),
        (guard_files, "store/databases.py", "from io import FileIO"),
        (guard_files, "store/book.py", "path.stat()"),
        (guard_files, "store/attic.py", "path.touch()"),
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
        (guard_transactions, "store/connection.py", "connection.execute('COMMIT')"),
        (guard_transactions, "store/book.py", "with transaction(connection), translated():\n    pass"),
        (guard_transactions, "store/book.py", "connection.execute('SELECT 1')\n'The block ends; COMMIT was said'"),
        (guard_sql, "store/book.py", "connection.execute('SELECT ?', (name,))"),
        (guard_sql, "store/book.py", "connection.execute(f'PRAGMA user_version = {version:d}')"),
        (guard_files, "store/folder.py", "os.open(folder, os.O_RDONLY)\npath.exists()\nsource.replace(target)"),
        (guard_files, "store/databases.py", "import shutil\nshutil.disk_usage(folder)"),
        (guard_names, "domain/book.py", ""),
        (guard_entity_types, "api/sync.py", "PUSH_EXAMPLE = {'entity_type': 'accounts'}"),
        (guard_entity_types, "schemas/sync.py", "fields.String(metadata={'example': 'accounts,tags'})"),
        (guard_entity_types, "entities.py", "entity('accounts')"),
        (guard_entity_types, "api/sync.py", "'keeps accounts'"),
    ],
)
def test_the_guard_lets_pass_what_is_in_order(guard: Guard, path: str, source: str) -> None:
    assert list(guard(path, ast.parse(source))) == []


@pytest.mark.parametrize("script", sorted(PACKAGE.rglob("*.sql")), ids=lambda path: path.name)
def test_migrations_leave_transactions_to_those_who_run_them(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if _TRANSACTION.match(line)] == []


def test_every_exception_that_was_made_is_still_needed() -> None:
    used = {(path, ast.unparse(sql)) for path, tree in modules().items() for sql in executed(tree)}
    assert used >= OTHER_SQL
    for path, words in FILE_WORDS_OF_STORE.items():
        assert words <= {said for call in file_calls(modules()[path]) for said in call}, path
