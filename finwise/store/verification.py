"""Whether a tenant's file is intact: SQLite's check, and ours, because flipped bits pass SQLite's."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from finwise.domain import digest
from finwise.domain.change import Key, read_entity
from finwise.errors import Quarantined
from finwise.store import migrations
from finwise.store.book import Connections, read_version, row_of
from finwise.store.checksum import checksum
from finwise.store.connection import connect
from finwise.store.databases import KIND
from finwise.store.litestream import TABLES
from finwise.store.users_database import UsersDatabase


class Content(NamedTuple):
    """What an intact file holds; `digest`: entity_type -> 16 hex digits."""

    epoch: str
    last_stamp: int
    entities: int
    digest: dict[str, str]


class Wholeness:
    """Checks files, each in one snapshot, without changing them."""

    def __init__(self, users_database: UsersDatabase, databases: Connections) -> None:
        self._users_database = users_database
        self._databases = databases

    def damages(self, tenant_id: str) -> list[str]:
        with self._databases.read(tenant_id) as connection:
            return damages(connection)

    def damages_of_users(self) -> list[str]:
        try:
            with self._users_database.read() as connection:
                return damages_of_users(connection)
        except Quarantined as error:
            return [error.detail]


def damages_of_users(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with a users.db, a sentence each."""
    lines = connection.execute("PRAGMA integrity_check(10)").fetchall()
    strays = connection.execute("PRAGMA foreign_key_check").fetchall()
    found = [f"SQLite's check: {line}" for (line,) in lines if line != "ok"]
    return [*found, *(f"A row of {table} belongs to nothing." for table, *_ in strays)]


def damages(connection: sqlite3.Connection) -> list[str]:
    """What is wrong with the file that the caller reads in one snapshot, a sentence each; nothing if it is whole."""
    try:
        found = [
            f"SQLite's check: {line}"
            for (line,) in connection.execute("PRAGMA integrity_check(10)").fetchall()
            if line != "ok"
        ]
        found = found or [*strange_objects(connection), *_wrong_rows(connection)]
        return found or list(_wrong_book(connection))  # its sums are over the rows
    except (
        sqlite3.DatabaseError,
        OverflowError,
        TypeError,
        ValueError,
    ) as error:  # text that is no UTF-8, a blob for a time
        return [f"It cannot be read: {error}."]


def strange_objects(connection: sqlite3.Connection) -> list[str]:
    """Names tables, columns, indexes and triggers that FinWise did not create; it creates views again."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    with closing(connect(":memory:")) as model:
        migrations.migrate(model, KIND, version)
        if version >= 0 and _objects(connection) == _objects(model):
            return []
    return ["It has tables, columns, indexes or triggers that are not FinWise's."]


def content(connection: sqlite3.Connection) -> Content:
    """What an intact file holds."""
    epoch, last_stamp, digests = connection.execute("SELECT epoch, last_stamp, digests FROM sync_book").fetchone()
    (entities,) = connection.execute("SELECT count(*) FROM sync_entities WHERE NOT is_deleted").fetchone()
    return Content(epoch, last_stamp, entities, dict(sorted(json.loads(digests).items())))


def _objects(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    """All that stands in the schema, column by column; without views, SQLite's own tables and Litestream's two."""
    objects: set[tuple[object, ...]] = set(
        connection.execute(
            """SELECT type, name, tbl_name, rootpage = 0 FROM sqlite_schema
               WHERE type <> 'view' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"""
        ).fetchall()
    )
    columns = connection.execute(
        """SELECT tables.name, columns.name, columns.type, columns."notnull", columns.pk, columns.hidden
           FROM sqlite_schema AS tables, pragma_table_xinfo(tables.name) AS columns WHERE tables.type = 'table'
           AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"""
    ).fetchall()
    theirs = {("table", name, name, 0) for name in TABLES}
    return (objects - theirs) | {column for column in columns if column[0] not in TABLES}


def _wrong_rows(connection: sqlite3.Connection) -> Iterator[str]:
    entities = connection.execute(
        "SELECT stamp, id_hash, is_deleted, entity, change_id, device_id, checksum FROM sync_entities"
    )
    conflicts = connection.execute(
        """SELECT reason, kept_at, entity_type, id, created_at, updated_at, data, change_id, device_id, checksum
           FROM sync_conflicts"""
    )
    wrong_entities = sum(not _is_as_stored(row) for row in entities)
    wrong_conflicts = sum(checksum(*values) != kept for *values, kept in conflicts)
    for what, wrong in (("entities", wrong_entities), ("conflicts", wrong_conflicts)):
        if wrong:
            yield f"{wrong} {what} are not what was stored: their checksums differ."


def _is_as_stored(row: tuple[Any, ...]) -> bool:
    stamp, _, _, text, change_id, device_id, _ = row
    try:
        return row_of(read_version((stamp, text, change_id, device_id))) == row
    except Quarantined:
        return False


def _wrong_book(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT epoch, last_stamp, horizon, digests, checksum FROM sync_book").fetchall()
    if len(rows) != 1:
        yield "It does not say which life of the file this is."
        return
    epoch, last_stamp, horizon, digests, kept = rows[0]
    if checksum(epoch, last_stamp, horizon) != kept:
        yield "Epoch, last stamp or horizon are not what was stored: their checksum differs."
    (greatest,) = connection.execute("SELECT coalesce(max(stamp), 0) FROM sync_entities").fetchone()
    if max(greatest, horizon) > last_stamp:
        yield "An entity was stored after the last stamp."
    sums, repeated = _sums(connection)
    if repeated:
        yield f"{repeated} entities stand in it more than once."
    stored = dict(json.loads(digests))
    for entity_type in sorted(sums.keys() | stored.keys()):
        if digest.add(digest.ZERO, sums[entity_type]) != stored.get(entity_type, digest.ZERO):
            yield f"The digest of {entity_type} does not belong to its entities: some were lost or added."


def _sums(connection: sqlite3.Connection) -> tuple[dict[str, int], int]:
    """The digests of the entities by type, before they are written out, and how many rows are of one that has another.

    Those of one entity have one hash, so that the names of one hash alone are in memory.
    """
    sums: dict[str, int] = defaultdict(int)
    names: set[Key] = set()
    repeated, last_hash = 0, None
    for hashed, *row in connection.execute("SELECT id_hash, stamp, entity FROM sync_entities ORDER BY id_hash"):
        entity = read_entity((row[0], row[1]))
        sums[entity.entity_type] += digest.weight(entity)
        if hashed != last_hash:
            names, last_hash = set(), hashed
        name = (entity.entity_type, entity.id)
        repeated += name in names
        names.add(name)
    return sums, repeated
