"""The SQL of a tenant's book."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

from finwise.domain import json_text
from finwise.domain.book import Contact, KeptConflict, Purged, Remembered, StoredConflict
from finwise.domain.change import Key, Row, Version, entity_text, read_entity
from finwise.domain.cursor import Position
from finwise.domain.limits import MAX_TEXT
from finwise.domain.times import parse_micros
from finwise.errors import quarantined
from finwise.store.checksum import checksum, checksum_of
from finwise.store.connection import Connection
from finwise.store.id_hash import id_hash
from finwise.store.page_limit import lift_page_limit

_FEW = 32  # rows fetched at once; each may have the size of a change, 256 KiB


class Connections(Protocol):
    """Opens a tenant's database, as `Databases` does."""

    def read(self, tenant_id: str) -> AbstractContextManager[Connection]: ...
    def transact(
        self, tenant_id: str, *, wait: bool = True, max_bytes: int | None = None
    ) -> AbstractContextManager[Connection]: ...


class Books:
    """The books of all tenants (domain/book.py has the contract)."""

    def __init__(self, databases: Connections) -> None:
        self._databases = databases

    def read(self, tenant_id: str) -> "_Block":
        return _Block(self._databases.read(tenant_id))

    def transact(self, tenant_id: str, *, wait: bool = True, max_bytes: int | None = None) -> "_Block":
        return _Block(self._databases.transact(tenant_id, wait=wait, max_bytes=max_bytes))


class _Block:
    """A block with a book in it; a class, as the blocks of connection.py."""

    __slots__ = ("_block", "_connection")

    def __init__(self, block: AbstractContextManager[Connection]) -> None:
        self._block = block

    def __enter__(self) -> "Book":
        self._connection = self._block.__enter__()
        return Book(self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)


class Book:
    """One tenant's book within a snapshot or a transaction.

    Rows are always read to the last: a half-read cursor would hold its snapshot open. An entity's text begins as
    `entity_text` writes it, so that its type is found without reading the JSON.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cache = connection.cache

    def find_position(self) -> Position:
        def find() -> Position:
            *position, kept = self._connection.execute(
                "SELECT epoch, last_stamp, horizon, checksum FROM sync_book"
            ).fetchone()
            if (
                checksum(*position) != kept
            ):  # before anything is derived from it, or the damage would get a valid checksum
                raise quarantined()
            return Position(*position)

        return self._cache.recall("position", find)

    def list_stored_between(
        self, after: int, until: int, entity_types: Collection[str] | None, limit: int
    ) -> tuple[list[Row], bool]:
        rows = self._connection.execute(
            """SELECT stamp, entity FROM sync_entities
               WHERE stamp > :after AND stamp <= :until
                 AND (:types IS NULL
                      OR substr(entity, 17, instr(entity, '","id":') - 17) IN (SELECT value FROM json_each(:types)))
               ORDER BY stamp LIMIT :limit""",
            {"after": after, "until": until, "types": _json_list(entity_types), "limit": limit},
        )
        return _bounded(rows)

    def list_living_after(self, after: int, entity_types: Collection[str] | None, limit: int) -> list[Row]:
        rows = self._connection.execute(
            """SELECT stamp, entity FROM sync_entities
               WHERE stamp > :after AND NOT is_deleted
                 AND (:types IS NULL
                      OR substr(entity, 17, instr(entity, '","id":') - 17) IN (SELECT value FROM json_each(:types)))
               ORDER BY stamp LIMIT :limit""",
            {"after": after, "types": _json_list(entity_types), "limit": limit},
        )
        return _bounded(rows)[0]

    def list_digests(self) -> Mapping[str, str]:
        def find() -> dict[str, str]:
            (text,) = self._connection.execute("SELECT digests FROM sync_book").fetchone()
            digests: dict[str, str] = json_text.read_own(text)
            return digests

        return self._cache.recall("digests", find)

    def list_versions(self, keys: Collection[Key]) -> dict[Key, Version]:
        hashes = {id_hash(entity_id) for _, entity_id in keys}
        if len(hashes) == 1:  # as in most pushes; a table of values takes longer
            rows = self._connection.execute(
                """SELECT stamp, entity, change_id, device_id, is_deleted, checksum
                   FROM sync_entities WHERE id_hash = ?""",
                tuple(hashes),
            )
        else:  # CROSS JOIN: as the hashes come, each by the index; for IN, SQLite would sort them first
            rows = self._connection.execute(
                """SELECT stamp, entity, change_id, device_id, is_deleted, checksum
                   FROM json_each(?) AS wanted CROSS JOIN sync_entities ON id_hash = wanted.value""",
                (json_text.write(list(hashes)),),
            )
        wanted, found = set(keys), {}
        for version in map(_intact, rows):  # one by one, for there may be many that have a hash
            if (key := (version.entity_type, version.id)) in wanted:
                found[key] = version
        return found

    def list_remembered(self, change_ids: Collection[str]) -> set[tuple[Key, str]]:
        if len(change_ids) == 1:  # as above
            rows = self._connection.execute(
                "SELECT entity_type, id, change_id FROM sync_change_ids WHERE change_id = ?", tuple(change_ids)
            )
        else:
            rows = self._connection.execute(
                """SELECT entity_type, known.id, change_id FROM json_each(?) AS wanted
                   CROSS JOIN sync_change_ids AS known ON change_id = wanted.value""",
                (_json_list(change_ids),),
            )
        return {((entity_type, entity_id), change_id) for entity_type, entity_id, change_id in rows.fetchall()}

    def add_versions(self, versions: Collection[Version]) -> None:
        written = self._connection.executemany(
            """INSERT INTO sync_entities (stamp, id_hash, is_deleted, entity, change_id, device_id, checksum)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            map(row_of, versions),
        )
        self._cache.told(written)

    def replace_versions(self, versions: Mapping[int, Version]) -> None:
        written = self._connection.executemany(
            """UPDATE sync_entities
               SET stamp = ?, id_hash = ?, is_deleted = ?, entity = ?, change_id = ?, device_id = ?, checksum = ?
               WHERE stamp = ?""",
            [(*row_of(version), stamp) for stamp, version in versions.items()],
        )
        self._cache.told(written)

    def add_remembered(self, remembered: Collection[Remembered]) -> None:
        written = self._connection.executemany(
            """INSERT INTO sync_change_ids (change_id, entity_type, id, since) VALUES (?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            [(change_id, *key, since) for key, change_id, since in remembered],
        )
        self._cache.told(written)

    def add_conflicts(self, conflicts: Collection[KeptConflict]) -> None:
        written = self._connection.executemany(
            """INSERT INTO sync_conflicts (reason, kept_at, entity_type, id, created_at, updated_at, data, change_id,
                 device_id, checksum)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            [
                (reason, kept_at, *loser[1:], checksum(reason, kept_at, *loser[1:]))
                for reason, kept_at, loser in conflicts
            ],
        )
        self._cache.told(written)

    def put_state(self, last_stamp: int, digests: Mapping[str, str]) -> None:
        epoch, _, horizon = self.find_position()
        position, digests = Position(epoch, last_stamp, horizon), {**self.list_digests(), **digests}
        written = self._connection.execute(
            "UPDATE sync_book SET last_stamp = ?, digests = ?, checksum = ?",
            (last_stamp, json_text.write(digests), checksum(*position)),
        )
        self._cache.told(written, {"position": position, "digests": digests})

    def list_conflicts_after(self, place: int, limit: int) -> list[StoredConflict]:
        rows = self._connection.execute(
            """SELECT rowid, conflict_id, reason, kept_at, 0, entity_type, id, created_at, updated_at, data, change_id,
                 device_id, checksum
               FROM sync_conflicts WHERE rowid > ? ORDER BY rowid LIMIT ?""",
            (place, limit),
        ).fetchall()
        rows = [_intact_conflict(row, 2) for row in rows]
        stored = self.list_versions({(row[5], row[6]) for row in rows})
        return [
            StoredConflict(
                row[0], row[1], KeptConflict(row[2], row[3], Version(*row[4:])), stored.get((row[5], row[6]))
            )
            for row in rows
        ]

    def find_conflict(self, conflict_id: str) -> KeptConflict | None:
        row = self._connection.execute(
            """SELECT reason, kept_at, 0, entity_type, id, created_at, updated_at, data, change_id, device_id, checksum
               FROM sync_conflicts WHERE conflict_id = ?""",
            (conflict_id,),
        ).fetchone()
        if row is None:
            return None
        reason, kept_at, *loser = _intact_conflict(row, 0)
        return KeptConflict(reason, kept_at, Version(*loser))

    def delete_conflict(self, conflict_id: str) -> bool:
        deleted = self._connection.execute("DELETE FROM sync_conflicts WHERE conflict_id = ?", (conflict_id,))
        return deleted.rowcount == 1

    def list_contacts(self) -> list[Contact]:
        rows = self._connection.execute(
            """SELECT token_id, last_contact, device_id, cursor, clock_skew FROM sync_devices
               ORDER BY last_contact DESC, token_id"""
        ).fetchall()
        return [Contact(*row) for row in rows]

    def find_contact(self, token_id: str) -> Contact | None:
        def find() -> Contact | None:
            row = self._connection.execute(
                "SELECT token_id, last_contact, device_id, cursor, clock_skew FROM sync_devices WHERE token_id = ?",
                (token_id,),
            ).fetchone()
            return Contact(*row) if row else None

        return self._cache.recall(("contact", token_id), find)

    def put_contact(self, contact: Contact) -> None:
        self._connection.execute(
            """INSERT INTO sync_devices (token_id, last_contact, device_id, cursor, clock_skew) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (token_id) DO UPDATE SET
                 device_id = coalesce(excluded.device_id, device_id), cursor = coalesce(excluded.cursor, cursor),
                 clock_skew = coalesce(excluded.clock_skew, clock_skew), last_contact = excluded.last_contact""",
            contact,
        )
        if contact.device_id is not None:
            self._connection.execute(
                "DELETE FROM sync_devices WHERE device_id = ? AND token_id <> ?", (contact.device_id, contact.token_id)
            )

    def lift_limit(self) -> None:
        lift_page_limit(self._connection)

    def is_full(self, beyond: int = 0) -> bool:
        return self._connection.is_longer and self.size() > self._connection.max_bytes + beyond

    def size(self) -> int:
        pages, unused = self._connection.pragma("page_count"), self._connection.pragma("freelist_count")
        return (pages - unused) * self._connection.page_size

    def purge(self, forgotten_before: int, conflicts_before: int, now: int) -> Purged:
        epoch, last_stamp, horizon = self.find_position()  # which is checked: the new horizon is derived from it
        execute = self._connection.execute
        change_ids = execute("DELETE FROM sync_change_ids WHERE since < ?", (forgotten_before,)).rowcount
        old = execute(
            "SELECT stamp, entity, change_id, device_id FROM sync_entities WHERE stamp < ? AND is_deleted",
            (forgotten_before,),
        )
        # The horizon never lies above the last stamp, or no cursor would be valid. So the tombstone of an edit that is
        # dated later, after many edits at once, waits until something else is stored.
        purged = [version for version in map(read_version, old) if _latest_moment(version) <= last_stamp]
        self.add_remembered([Remembered((each.entity_type, each.id), each.change_id, now) for each in purged])
        self._connection.executemany("DELETE FROM sync_entities WHERE stamp = ?", [(each.stamp,) for each in purged])
        horizon = max([horizon, *map(_latest_moment, purged)])
        execute("UPDATE sync_book SET horizon = ?, checksum = ?", (horizon, checksum(epoch, last_stamp, horizon)))
        conflicts = execute("DELETE FROM sync_conflicts WHERE kept_at < ?", (conflicts_before,)).rowcount
        devices = execute("DELETE FROM sync_devices WHERE last_contact < ?", (forgotten_before,)).rowcount
        return Purged(len(purged), change_ids, conflicts, devices)


def row_of(version: Version) -> tuple[int | str | bytearray | None, ...]:
    """What stands in a version's row of sync_entities.

    Numbers, texts and bytearrays sqlite3 binds as they are; of bytes, None and booleans it asks who adapts them, and
    that takes 0.3 µs each.
    """
    stamp, _, entity_id, _, _, data, change_id, device_id = version
    text = entity_text(version)
    kept = _checksum_of(stamp, text, change_id, device_id)
    return stamp, id_hash(entity_id), 1 if data is None else 0, text, change_id, device_id, bytearray(kept)


def read_version(row: tuple[int, str, str, str | None]) -> Version:
    """The version of a row, of which these are stamp, entity, change_id and device_id. Raises Quarantined."""
    stamp, text, change_id, device_id = row
    return Version(*read_entity((stamp, text)), change_id, device_id)


def _latest_moment(version: Version) -> int:
    """When a version was stored or dated, whichever is later; in µs."""
    return max(version.stamp, parse_micros(version.updated_at) or 0)


def _intact(row: tuple[int, str, str, str | None, int, bytes]) -> Version:
    """The version of a row, with `is_deleted` and checksum at its end. Raises Quarantined if it is damaged.

    If a damaged version were judged against or kept as a conflict, it would get a new, valid checksum.
    """
    stamp, text, change_id, device_id, is_deleted, kept = row
    version = read_version((stamp, text, change_id, device_id))
    if _checksum_of(stamp, text, change_id, device_id) != kept or (version.data is None) != bool(is_deleted):
        raise quarantined()
    return version


def _checksum_of(stamp: int, text: str, change_id: str, device_id: str | None) -> bytes:
    """Of a row of sync_entities; the text says the rest."""
    return checksum_of(f"{stamp}\0{text}\0{change_id}\0{device_id}")


def _intact_conflict(row: tuple[Any, ...], begin: int) -> tuple[Any, ...]:
    """A row from its reason at `begin` on, without the checksum at its end. Raises Quarantined if it is damaged."""
    *values, kept = row
    reason, kept_at, _stamp, *loser = values[begin:]
    if checksum(reason, kept_at, *loser) != kept:
        raise quarantined()
    return tuple(values)


def _bounded(rows: sqlite3.Cursor) -> tuple[list[Row], bool]:
    """The rows up to the one that reaches MAX_TEXT characters, and whether there are more; the cursor ends with it."""
    found: list[Row] = []
    size = 0
    while some := rows.fetchmany(_FEW):
        size += sum([len(text) for _, text in some])
        found += some
        if size >= MAX_TEXT:
            is_cut = _cut(found, size) or rows.fetchone() is not None
            rows.close()  # a half-read cursor would hold its snapshot open
            return found, is_cut
    return found, False


def _cut(found: list[Row], size: int) -> bool:
    """Takes the rows away that come after the one which reaches MAX_TEXT; whether there were any."""
    whole = len(found)
    while len(found) > 1 and size - len(found[-1][1]) >= MAX_TEXT:
        size -= len(found.pop()[1])
    return len(found) < whole


def _json_list(values: Collection[str] | None) -> str | None:
    """Any number of values as one bound parameter, for json_each()."""
    # Not with orjson: what a device calls a type may be half of a surrogate pair, which SQLite takes and it does not.
    return None if values is None else json.dumps(list(values))
