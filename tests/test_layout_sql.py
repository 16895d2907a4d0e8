"""Where transactions begin and end, and which SQL is executed. Each guard is shown to bite."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source import PACKAGE, Guard, called, found_by, modules

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


# SQL that is not a literal, by the file and the expression, and why it may be.
OTHER_SQL = {
    ("store/views.py", "statement"),  # views have no bound values; their names are the catalogue's
    ("store/views.py", "f'DROP VIEW {quote(name)}'"),
    ("store/restores.py", "f'DROP VIEW {quote(name)}'"),  # of the file's own schema: a name cannot be bound
    ("store/restores.py", "f'DROP TABLE IF EXISTS {quote(name)}'"),  # of Litestream's two names
    ("store/connection.py", "pragma"),  # of literals in lines nearby, as the two below
    ("store/connection.py", "f'PRAGMA {name}'"),  # name: a literal wherever it is asked for
    ("store/databases.py", "pragma"),
    ("store/migrations/__init__.py", "statement"),  # from our own .sql files
    ("store/foreign_book.py", "f'SELECT {names} FROM {quote(name)}'"),  # of a file that was brought, read only
    ("store/foreign_book.py", "f'SELECT count(*) FROM {quote(table)}'"),
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


@pytest.mark.parametrize("guard", [guard_transactions, guard_sql], ids=lambda guard: guard.__name__)
def test_the_house_is_in_order(guard: Guard) -> None:
    assert found_by(guard) == []


@pytest.mark.parametrize(
    ("guard", "path", "source"),
    [
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
    ],
)
def test_the_guard_bites(guard: Guard, path: str, source: str) -> None:
    assert list(guard(path, ast.parse(source)))


@pytest.mark.parametrize(
    ("guard", "path", "source"),
    [
        (guard_transactions, "store/connection.py", "connection.execute('COMMIT')"),
        (guard_transactions, "store/book.py", "with transaction(connection), translated():\n    pass"),
        (guard_transactions, "store/book.py", "connection.execute('SELECT 1')\n'The block ends; COMMIT was said'"),
        (guard_sql, "store/book.py", "connection.execute('SELECT ?', (name,))"),
        (guard_sql, "store/book.py", "connection.execute(f'PRAGMA user_version = {version:d}')"),
    ],
)
def test_the_guard_lets_pass_what_is_in_order(guard: Guard, path: str, source: str) -> None:
    assert list(guard(path, ast.parse(source))) == []


@pytest.mark.parametrize("script", sorted(PACKAGE.rglob("*.sql")), ids=lambda path: path.name)
def test_migrations_leave_transactions_to_those_who_run_them(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if _TRANSACTION.match(line)] == []


def test_every_exception_for_sql_is_still_needed() -> None:
    assert {(path, ast.unparse(sql)) for path, tree in modules().items() for sql in executed(tree)} >= OTHER_SQL
