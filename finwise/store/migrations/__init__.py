"""The schemas, as numbered SQL files; `PRAGMA user_version` is the number of the last one that was run.

One folder per kind of database: `users` for users.db, `tenant` for the tenants' files.
"""

import sqlite3
from functools import cache
from importlib.resources import files

from finwise.domain.events import tell
from finwise.errors import NewerSchema
from finwise.store.checksum import checksum_of_bytes, entity_checksum, old_checksum, row_crc
from finwise.store.id_hash import id_hash

TENANT = "tenant"  # the kind of the tenants' files


@cache
def scripts(kind: str) -> tuple[tuple[str, ...], ...]:
    """The migrations of a kind of database in their order, each as its single statements."""
    folder = files(__name__) / kind
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return tuple(_statements((folder / name).read_text(encoding="utf-8")) for name in names)


def is_current(connection: sqlite3.Connection, kind: str) -> bool:
    """Whether nothing is left to migrate. Raises NewerSchema for a file that a newer FinWise has written."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(scripts(kind)):
        raise NewerSchema(
            "This file was written by a newer FinWise. Nothing was changed; update the server.", retry_after=3600
        )
    return version == len(scripts(kind))


def migrate(connection: sqlite3.Connection, kind: str, until: int | None = None) -> None:
    """Brings the schema up to date, or to an older version, within the caller's transaction. Raises NewerSchema.

    Its statements may call the functions of checksum.py (`row_checksum` is `old_checksum`) and `id_hash` (id_hash.py).
    """
    if is_current(connection, kind):
        return
    connection.create_function("row_checksum", -1, old_checksum, deterministic=True)
    connection.create_function("checksum_of_bytes", -1, checksum_of_bytes, deterministic=True)
    connection.create_function("entity_checksum", 2, entity_checksum, deterministic=True)
    connection.create_function("row_crc", 3, row_crc, deterministic=True)
    connection.create_function("id_hash", 1, id_hash, deterministic=True)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, statements in enumerate(scripts(kind)[version:until], start=version + 1):
        for statement in statements:  # one by one: executescript() would commit the transaction
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number:d}")  # a pragma takes no bound value
    if version:  # a new file has none
        _, _, file = connection.execute("PRAGMA database_list").fetchone()
        newest = connection.execute("PRAGMA user_version").fetchone()[0]
        tell("database.migrated", file=file, from_version=version, to_version=newest)


def _statements(script: str) -> tuple[str, ...]:
    statements, lines = [], ""
    for line in script.splitlines(keepends=True):
        lines += line
        if sqlite3.complete_statement(lines):
            statements.append(lines.strip())
            lines = ""
    return tuple(statements)
