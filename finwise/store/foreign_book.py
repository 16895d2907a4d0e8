"""A book in a SQLite file that somebody brought: FinWise's own export, or a table for each entity type.

The file may be made to do harm. So it is opened to be read only, nothing in it is trusted, and only plain columns of
plain tables are read: no view, no virtual table, no generated column.
"""

import math
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from finwise.domain import json_text
from finwise.domain.json_text import Odd
from finwise.errors import Invalid
from finwise.store.views import quote

SQLITE = b"SQLite format 3\0"  # how such a file begins

_OWN_TABLE = "sync_entities"
_MOST_VALUE = 16 * 1024 * 1024  # bytes of a value
_MOST_COLUMNS = 256
_TIMES = {"createdAt": "created_at", "updatedAt": "updated_at"}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d)?", re.ASCII)

Row = tuple[Any, ...]
Table = tuple[str, list[tuple[str, str]]]  # its name, and its columns with their declared types


class ForeignBook:
    """The entities of the file; read once.

    In a table for each entity type a column is a field and NULL a field that is absent. Columns that are declared
    BOOLEAN or JSON hold 0 and 1, or JSON text. `createdAt` and `updatedAt` are the entity's times, in UTC unless they
    say otherwise.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows = 0
        self._read = 0

    @property
    def share(self) -> float:
        """How much of it was read, from 0 to 1."""
        return self._read / self._rows if self._rows else 1.0

    def __iter__(self) -> Iterator[tuple[str, object]]:
        """Each entity with its type. Raises Invalid if the file is damaged, or has no table."""
        with _open(self._file) as connection:
            tables = _tables(connection)
            if not tables:
                raise Invalid("This database has no tables. Nothing was stored.")
            own = dict(tables).get(_OWN_TABLE)
            if own is not None:
                _require_plain(own)
                yield from self._own(connection)
            else:
                yield from self._foreign(connection, tables)

    def _own(self, connection: sqlite3.Connection) -> Iterator[tuple[str, object]]:
        self._rows = _count(connection, _OWN_TABLE)
        for is_deleted, text in connection.execute("SELECT is_deleted, entity FROM sync_entities ORDER BY stamp"):
            self._read += 1
            if not is_deleted:
                yield _own_entity(text)

    def _foreign(self, connection: sqlite3.Connection, tables: list[Table]) -> Iterator[tuple[str, object]]:
        self._rows = sum(_count(connection, name) for name, _ in tables)
        for name, columns in tables:
            fields = [(_TIMES.get(column, column), _reader(column, declared)) for column, declared in columns]
            names = ", ".join(quote(column) for column, _ in columns)
            for row in connection.execute(f"SELECT {names} FROM {quote(name)}"):  # noqa: S608 - names alone, and quote
                self._read += 1
                yield name, _entity(fields, row)


@contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection]:
    """Opens the file to read it. Raises Invalid for any error of SQLite."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_VALUE)
            connection.text_factory = _text
            connection.execute("PRAGMA trusted_schema = OFF").fetchall()
            connection.execute("PRAGMA cell_size_check = ON").fetchall()
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise Invalid("This database is damaged, or none. Nothing was stored.") from error


def _tables(connection: sqlite3.Connection) -> list[Table]:
    names = connection.execute(
        """SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name IN
             (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table') ORDER BY rowid"""
    ).fetchall()
    return [(name, columns) for (name,) in names if (columns := _columns(connection, name))]


def _require_plain(columns: list[tuple[str, str]]) -> None:
    """Raises Invalid if what is read of our own table is no plain column: a generated one may compute without end."""
    if not {"stamp", "is_deleted", "entity"} <= {name for name, _ in columns}:
        raise Invalid("This database is no export of FinWise. Nothing was stored.")


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """The plain columns of a table; none if there is no id among them."""
    columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
    is_book = any(name == "id" for name, _ in columns) or table == _OWN_TABLE
    return [(name, declared.upper()) for name, declared in columns[:_MOST_COLUMNS]] if is_book else []


def _count(connection: sqlite3.Connection, table: str) -> int:
    rows: int = connection.execute(f"SELECT count(*) FROM {quote(table)}").fetchone()[0]  # noqa: S608 - as above
    return rows


def _own_entity(text: Any) -> tuple[str, object]:
    try:
        entity = json_text.parse(text.encode()) if isinstance(text, str) else None
    except Invalid:
        entity = None
    if not (isinstance(entity, dict) and isinstance(entity.get("data"), dict)):
        raise Invalid("This database holds an entity that is damaged. Nothing was stored.")
    own = {name: entity.get(name) for name in ("id", "created_at", "updated_at")}
    return str(entity.get("entity_type")), entity["data"] | own


def _entity(fields: list[tuple[str, Callable[[Any], object]]], row: Row) -> dict[str, object]:
    return {name: read(value) for (name, read), value in zip(fields, row, strict=True) if value is not None}


def _reader(column: str, declared: str) -> Callable[[Any], object]:
    """What makes JSON values of a column's values."""
    if column in _TIMES:
        return _time
    if declared == "BOOLEAN":
        return lambda value: bool(value) if value in (0, 1) else _value(value)
    return _json if declared == "JSON" else _value


def _value(value: Any) -> object:
    if isinstance(value, bytes):
        return Odd("contains bytes, which are no JSON value")
    if isinstance(value, float) and not math.isfinite(value):
        return Odd("contains NaN or an infinity")
    return value


def _json(value: Any) -> object:
    try:
        return json_text.parse(value.encode()) if isinstance(value, str) else _value(value)
    except Invalid:
        return value


def _time(value: Any) -> object:
    """A time as the protocol spells it; one that cannot be read stays as it is."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return f"{match[1]}T{match[2]}{match[3] or 'Z'}" if match else _value(value)


def _text(raw: bytes) -> object:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return Odd("contains text that is not UTF-8")
