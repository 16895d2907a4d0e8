"""The SQL of a tenant's book."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from finwise.domain.book import KeptConflict, Remembered
from finwise.domain.change import Key, Version
from finwise.domain.cursor import Position
from finwise.domain.digest import hex_text


class Connections(Protocol):
    """Opens a tenant's database: `Databases` or `MemoryDatabases`."""

    def read(self, tenant_id: str) -> AbstractContextManager[sqlite3.Connection]: ...
    def transact(self, tenant_id: str) -> AbstractContextManager[sqlite3.Connection]: ...


class Books:
    """The books of all tenants (domain/book.py says what is promised)."""

    def __init__(self, databases: Connections) -> None:
        self._databases = databases

    @contextmanager
    def read(self, tenant_id: str) -> Iterator["Book"]:
        with self._databases.read(tenant_id) as connection:
            yield Book(connection)

    @contextmanager
    def transact(self, tenant_id: str) -> Iterator["Book"]:
        with self._databases.transact(tenant_id) as connection:
            yield Book(connection)


class Book:
    """One tenant's book within a snapshot or a transaction.

    Rows are always fetched whole: a half-read cursor would hold its snapshot open.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find_position(self) -> Position:
        row = self._connection.execute("SELECT epoch, last_stamp, horizon FROM sync_book").fetchone()
        return Position(*row)

    def list_stored_between(
        self, after: int, until: int, entity_types: Collection[str] | None, limit: int
    ) -> list[Version]:
        rows = self._connection.execute(
            """SELECT stamp, entity_type, id, created_at, updated_at, data, change_id, device_id FROM sync_entities
               WHERE stamp > :after AND stamp <= :until
                 AND (:types IS NULL OR entity_type IN (SELECT value FROM json_each(:types)))
               ORDER BY stamp LIMIT :limit""",
            {"after": after, "until": until, "types": _json_list(entity_types), "limit": limit},
        )
        return [Version(*row) for row in rows.fetchall()]

    def list_living_after(self, after: int, entity_types: Collection[str] | None, limit: int) -> list[Version]:
        rows = self._connection.execute(
            """SELECT stamp, entity_type, id, created_at, updated_at, data, change_id, device_id FROM sync_entities
               WHERE stamp > :after AND data IS NOT NULL
                 AND (:types IS NULL OR entity_type IN (SELECT value FROM json_each(:types)))
               ORDER BY stamp LIMIT :limit""",
            {"after": after, "types": _json_list(entity_types), "limit": limit},
        )
        return [Version(*row) for row in rows.fetchall()]

    def list_digests(self) -> dict[str, int]:
        rows = self._connection.execute("SELECT entity_type, digest FROM sync_digests").fetchall()
        return {entity_type: int(digest, 16) for entity_type, digest in rows}

    def list_versions(self, keys: Collection[Key]) -> dict[Key, Version]:
        ids: dict[str, list[str]] = defaultdict(list)
        for entity_type, entity_id in keys:
            ids[entity_type].append(entity_id)
        found: dict[Key, Version] = {}
        for entity_type, wanted in ids.items():
            rows = self._connection.execute(
                """SELECT stamp, entity_type, id, created_at, updated_at, data, change_id, device_id FROM sync_entities
                   WHERE entity_type = ? AND id IN (SELECT value FROM json_each(?))""",
                (entity_type, _json_list(wanted)),
            )
            for row in rows.fetchall():
                found[row[1], row[2]] = Version(*row)
        return found

    def list_remembered(self, change_ids: Collection[str]) -> set[tuple[Key, str]]:
        rows = self._connection.execute(
            """SELECT entity_type, id, change_id FROM sync_change_ids
               WHERE change_id IN (SELECT value FROM json_each(?))""",
            (_json_list(change_ids),),
        )
        return {((entity_type, entity_id), change_id) for entity_type, entity_id, change_id in rows.fetchall()}

    def put_versions(self, versions: Collection[Version]) -> None:
        self._connection.executemany(
            """INSERT INTO sync_entities (stamp, entity_type, id, created_at, updated_at, data, change_id, device_id)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT (entity_type, id) DO UPDATE SET
                 stamp = excluded.stamp, created_at = excluded.created_at, updated_at = excluded.updated_at,
                 data = excluded.data, change_id = excluded.change_id, device_id = excluded.device_id""",
            versions,
        )

    def add_remembered(self, remembered: Collection[Remembered]) -> None:
        self._connection.executemany(
            """INSERT INTO sync_change_ids (change_id, entity_type, id, since) VALUES (?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            [(change_id, *key, since) for key, change_id, since in remembered],
        )

    def add_conflicts(self, conflicts: Collection[KeptConflict]) -> None:
        self._connection.executemany(
            """INSERT INTO sync_conflicts (reason, kept_at, entity_type, id, created_at, updated_at, data, change_id,
                 device_id)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            [(reason, kept_at, *loser[1:]) for reason, kept_at, loser in conflicts],
        )

    def put_digests(self, digests: Mapping[str, int]) -> None:
        self._connection.executemany(
            """INSERT INTO sync_digests (entity_type, digest) VALUES (?, ?)
               ON CONFLICT (entity_type) DO UPDATE SET digest = excluded.digest""",
            [(entity_type, hex_text(digest)) for entity_type, digest in digests.items()],
        )

    def put_last_stamp(self, stamp: int) -> None:
        self._connection.execute("UPDATE sync_book SET last_stamp = ?", (stamp,))


def _json_list(values: Collection[str] | None) -> str | None:
    """Any number of values as one bound parameter, for json_each()."""
    return None if values is None else json.dumps(list(values))
