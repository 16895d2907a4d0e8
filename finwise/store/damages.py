"""What is wrong with a file: SQLite's own check finds some of it, and ours what flipped bits leave legal to SQLite."""

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
from finwise.store.checksum import checksum
from finwise.store.connection import connect
from finwise.store.entity_rows import intact_version, row_of, weight
from finwise.store.litestream import TABLES
from finwise.store.migrations import TENANT


class Content(NamedTuple):
    """What an intact file holds."""

    epoch: str
    last_stamp: int
    entities: int
    digest: dict[str, str]  # entity_type -> 16 hex digits


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
    version = migrations.version_of(connection)
    if version in (0, *migrations.schemas(TENANT).made) and _objects(connection) == _objects_of(TENANT, version):
        return []
    return ["It has tables, columns, indexes or triggers that are not FinWise's."]


def lacks_objects(connection: sqlite3.Connection, kind: str) -> bool:
    """Whether a file of the present schema lacks a table, a column or an index; there may be others."""
    return not _objects_of(kind, migrations.schemas(kind).present) <= _objects(connection)


def content(connection: sqlite3.Connection) -> Content:
    """What an intact file holds."""
    epoch, last_stamp, digests = connection.execute("SELECT epoch, last_stamp, digests FROM sync_book").fetchone()
    (entities,) = connection.execute("SELECT count(*) FROM sync_entities WHERE NOT is_deleted").fetchone()
    return Content(epoch, last_stamp, entities, dict(sorted(json.loads(digests).items())))


def _objects_of(kind: str, version: int) -> set[tuple[object, ...]]:
    with closing(connect(":memory:")) as model:
        migrations.make(model, kind, version)
        return _objects(model)


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
        """SELECT stamp, id_hash, is_deleted, checksum, crc, entity, change_id, device_id
           FROM sync_entities"""
    )
    conflicts = connection.execute(
        """SELECT conflict_id, reason, kept_at, entity_type, id, created_at, updated_at, data, change_id, device_id,
             checksum
           FROM sync_conflicts"""
    )
    devices = connection.execute(
        "SELECT token_id, last_contact, device_id, cursor, clock_skew, checksum FROM sync_devices"
    )
    wrong_entities = sum(not _is_as_stored(row) for row in entities)
    wrong_conflicts = sum(checksum(*values) != kept for *values, kept in conflicts)
    wrong_devices = sum(checksum(*values) != kept for *values, kept in devices)
    for what, wrong in (("entities", wrong_entities), ("conflicts", wrong_conflicts), ("devices", wrong_devices)):
        if wrong:
            yield f"{wrong} {what} are not what was stored: their checksums differ."


def _is_as_stored(row: tuple[Any, ...]) -> bool:
    stamp, _, is_deleted, kept, crc, text, *change = row
    try:
        return row_of(intact_version((stamp, is_deleted, kept, crc, text.encode(), *change))) == row
    except Quarantined:
        return False


def _wrong_book(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute(
        "SELECT epoch, last_stamp, horizon, writes, conflicts, digests, sums, checksum FROM sync_book"
    ).fetchall()
    if len(rows) != 1:
        yield "It does not say which life of the file this is."
        return
    _, last_stamp, horizon, _, conflicts, digests, sums, _ = rows[0]
    if checksum(*rows[0][:-1]) != rows[0][-1]:
        yield "Epoch, last stamp, horizon, digests or sums are not what was stored: their checksum differs."
    if connection.execute("SELECT count(*) FROM sync_conflicts").fetchone()[0] != conflicts:
        yield "Conflicts were lost or added."
    (greatest,) = connection.execute("SELECT coalesce(max(stamp), 0) FROM sync_entities").fetchone()
    if max(greatest, horizon) > last_stamp:
        yield "An entity was stored after the last stamp."
    found, repeated = _sums(connection)
    if repeated:
        yield f"Entities that stand in it more than once: {repeated}."
    stored_digests, stored_sums = dict(json.loads(digests)), dict(json.loads(sums))
    for entity_type in sorted(found.keys() | stored_digests.keys() | stored_sums.keys()):
        of_type = found[entity_type]
        if digest.add(digest.ZERO, of_type.digest) != stored_digests.get(entity_type, digest.ZERO):
            yield f"The digest of {entity_type} does not belong to its entities: some were lost or added."
        if of_type.weight != stored_sums.get(entity_type, 0):
            yield f"The sum of {entity_type} does not belong to its entities: some were lost or added."


class _Sums:
    """Over the entities of a type: the digest before it is written out, and what a first load compares."""

    digest = 0
    weight = 0


def _sums(connection: sqlite3.Connection) -> tuple[dict[str, _Sums], int]:
    """The sums by type, and how many rows are of an entity that has another.

    Those of one entity have one hash, so that the names of one hash alone are in memory.
    """
    sums: dict[str, _Sums] = defaultdict(_Sums)
    names: set[Key] = set()
    repeated, last_hash = 0, None
    rows = connection.execute(
        "SELECT id_hash, is_deleted, checksum, stamp, CAST(entity AS BLOB) FROM sync_entities ORDER BY id_hash"
    )
    for hashed, is_deleted, kept, stamp, text in rows:
        entity = read_entity(text)
        sums[entity.entity_type].digest += digest.weight(entity)
        sums[entity.entity_type].weight += weight(stamp, is_deleted, kept)
        if hashed != last_hash:
            names, last_hash = set(), hashed
        name = (entity.entity_type, entity.id)
        repeated += name in names
        names.add(name)
    return sums, repeated
