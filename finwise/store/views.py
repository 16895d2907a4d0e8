"""A view per entity type, so that any SQLite tool can read a tenant's file: living entities, fields as columns."""

from collections.abc import Mapping
from hashlib import sha256

from finwise.store.connection import Connection

Columns = Mapping[str, Mapping[str, str]]  # entity_type -> name of a field -> what its column shows: a key of _SHOWN


class Views:
    """The views of a catalogue. Names come from the catalogue, never from a request."""

    def __init__(self, columns: Columns) -> None:
        self._statements = [_statement(name, fields) for name, fields in columns.items()]
        self._fingerprint = sha256("\n".join(self._statements).encode()).hexdigest()

    def are_in(self, connection: Connection) -> bool:
        """Whether the file's views are these."""
        views: str = connection.execute("SELECT views FROM sync_book").fetchone()[0]
        return views == self._fingerprint

    def update(self, connection: Connection) -> None:
        """Makes the file's views these, within the caller's transaction."""
        if self.are_in(connection):
            return
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
            connection.execute(f"DROP VIEW {quote(name)}")
        for statement in self._statements:
            connection.execute(statement)
        connection.execute("UPDATE sync_book SET views = ?", (self._fingerprint,))


_SHOWN = {  # of a field's value: the value itself, or NULL for one that the column is not meant for
    "value": "{value}",
    "id": "CASE WHEN {value} NOT GLOB '*[^-A-Za-z0-9_.:]*' AND length({value}) BETWEEN 1 AND 64 THEN {value} END "
    "/* NULL: none, or no id */",
    "day": "CASE WHEN date({value}, '+0 days') = {value} THEN {value} END /* NULL: none, or no day of the calendar */",
    "number": "CASE WHEN typeof({value}) <> 'text' THEN {value} END /* NULL: none, or no number */",
}


def _statement(name: str, fields: Mapping[str, str]) -> str:
    own = [f"json_extract(entity, '$.{name}') AS {name}" for name in ("id", "created_at", "updated_at")]
    columns = [_column(field, shown) for field, shown in fields.items()]
    return (
        f"CREATE VIEW {quote(name)} AS SELECT {', '.join([*own, *columns])} "  # noqa: S608 - a view has no bound values; all names are the catalogue's
        f"FROM sync_entities WHERE entity_type = '{name}' AND NOT is_deleted"
    )


def _column(field: str, shown: str) -> str:
    value = f"json_extract(entity, '$.data.{field}')"
    return f"{_SHOWN[shown].format(value=value)} AS {quote(field)}"


def quote(name: str) -> str:
    """A name as it stands in SQL."""
    return '"' + name.replace('"', '""') + '"'
