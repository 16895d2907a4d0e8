"""The schemas of the files, as SQL. `PRAGMA user_version` is a file's version; a new file has version 0.

One folder per kind of database: `users` for users.db, `tenant` for the tenants' files. `schema_N.sql` makes a new file
of version N; the newest is the present one, and older ones say what files look like that can be brought up to date.
`from_N_to_M.sql` does that.
"""

import re
import sqlite3
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from finwise.domain.events import tell
from finwise.errors import NewerSchema, OlderSchema
from finwise.store.checksum import checksum_of_bytes, entity_checksum, row_crc

TENANT = "tenant"  # the kind of the tenants' files

_NAME = re.compile(r"(?:schema|from_(\d+)_to)_(\d+)\.sql")


class Schemas(NamedTuple):
    """The scripts of a kind of database, each as its single statements."""

    made: dict[int, tuple[str, ...]]  # by version: what makes an empty file of it
    steps: dict[int, tuple[int, tuple[str, ...]]]  # by version: the version above it, and what leads there

    @property
    def present(self) -> int:
        """The version of this FinWise."""
        return max(self.made)


@cache
def schemas(kind: str) -> Schemas:
    """The scripts of a kind of database."""
    found = Schemas({}, {})
    for file in (files(__name__) / kind).iterdir():
        if match := _NAME.fullmatch(file.name):
            statements, version = _statements(file.read_text(encoding="utf-8")), int(match[2])
            if match[1] is None:
                found.made[version] = statements
            else:
                found.steps[int(match[1])] = version, statements
    return found


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a file."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def is_current(connection: sqlite3.Connection, kind: str) -> bool:
    """Whether nothing is left to migrate.

    Raises NewerSchema for a file that a newer FinWise wrote, OlderSchema for one that is too old.
    """
    version, known = version_of(connection), schemas(kind)
    if version > known.present:
        raise NewerSchema(
            "This file was written by a newer FinWise. Nothing was changed; update the server.", retry_after=3600
        )
    if version not in (0, known.present, *known.steps):
        raise OlderSchema(
            "This file was written by a development version of FinWise. Nothing was changed. Export the book with that "
            "version, and import it here.",
            retry_after=3600,
        )
    return version == known.present


def migrate(connection: sqlite3.Connection, kind: str) -> None:
    """Brings the schema up to date, within the caller's transaction. Raises NewerSchema, OlderSchema."""
    if is_current(connection, kind):
        return
    before = version_of(connection)
    if not before:
        make(connection, kind, schemas(kind).present)
        return
    connection.create_function("checksum_of_bytes", -1, checksum_of_bytes, deterministic=True)
    connection.create_function("entity_checksum", 2, entity_checksum, deterministic=True)
    connection.create_function("row_crc", 3, row_crc, deterministic=True)
    while not is_current(connection, kind):
        _run(connection, *schemas(kind).steps[version_of(connection)])
    _, _, file = connection.execute("PRAGMA database_list").fetchone()
    tell("database.migrated", file=file, from_version=before, to_version=version_of(connection))


def make(connection: sqlite3.Connection, kind: str, version: int) -> None:
    """Makes what an empty file of a version has, within the caller's transaction; of version 0, nothing."""
    if version:
        _run(connection, version, schemas(kind).made[version])


def _run(connection: sqlite3.Connection, version: int, statements: tuple[str, ...]) -> None:
    for statement in statements:  # one by one: executescript() would commit the transaction
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version:d}")  # a pragma takes no bound value


def _statements(script: str) -> tuple[str, ...]:
    statements, lines = [], ""
    for line in script.splitlines(keepends=True):
        lines += line
        if sqlite3.complete_statement(lines):
            statements.append(lines.strip())
            lines = ""
    return tuple(statements)
