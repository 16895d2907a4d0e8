"""The SQL of a tenant's book."""

import json
from collections import defaultdict
from collections.abc import Collection, Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

from finwise.domain import json_text
from finwise.domain.book import Contact, KeptConflict, Purged, Remembered, StoredConflict
from finwise.domain.change import Key, Row, Version
from finwise.domain.cursor import Position
from finwise.domain.times import parse_micros
from finwise.errors import quarantined
from finwise.store.conflict_rows import conflicts_after, delete_conflict, find_conflict, insert_conflicts
from finwise.store.connection import Connection, Mark
from finwise.store.contact_rows import find_contact, list_contacts, put_contact
from finwise.store.entity_rows import intact_version, living, row_of, stored_after, weight
from finwise.store.id_hash import id_hash
from finwise.store.page_limit import lift_page_limit
from finwise.store.state_row import State, read_state, write_state


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

    __slots__ = ("_block", "_book", "_connection")

    def __init__(self, block: AbstractContextManager[Connection]) -> None:
        self._block = block

    def __enter__(self) -> "Book":
        self._connection = self._block.__enter__()
        self._book = Book(self._connection)
        return self._book

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.stop_reading()
        self._block.__exit__(kind, error, trace)


class Book:
    """One tenant's book within a snapshot or a transaction.

    Rows are read to the last, or their cursor is closed: a half-read one would hold its snapshot open.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cache = connection.cache
        self._weights: dict[int, tuple[str, int]] = {}  # of the versions that were read, by their stamps
        self._added: dict[str, int] = defaultdict(int)  # to the sums, by this transaction
        self._reading: Generator[Sequence[bytes], None, None] | None = None

    def find_position(self) -> Position:
        return self._state().position

    def _state(self) -> State:
        return self._cache.recall("state", lambda: read_state(self._connection))

    def _put_state(self, state: State, answers: Mapping[Hashable, object] | None = None) -> None:
        state = state._replace(writes=state.writes + 1)
        self._cache.told(write_state(self._connection, state), {"state": state, **(answers or {})})
        self._connection.mark = Mark(state.position.epoch, state.writes)

    def list_stored_between(
        self, after: int, until: int, entity_types: Collection[str] | None, limit: int
    ) -> tuple[list[Row], bool]:
        return stored_after(self._connection, after, until, entity_types, limit)

    def read_living(self, entity_types: Collection[str] | None) -> Iterator[Sequence[bytes]]:
        self.stop_reading()
        self._reading = self._living(entity_types)
        return self._reading

    def stop_reading(self) -> None:
        """Ends what was read of living entities, if not all was: its cursor would hold the snapshot open."""
        if self._reading is not None:
            self._reading.close()

    def _living(self, entity_types: Collection[str] | None) -> Generator[Sequence[bytes], None, None]:
        sums: dict[str, int] = json_text.read_own(self._state().sums)
        expected = sum(each for name, each in sums.items() if entity_types is None or name in entity_types)
        with self._connection.explained:  # they are read long after what began this block has been answered
            yield from living(self._connection, entity_types, expected)

    def list_digests(self) -> Mapping[str, str]:
        def find() -> dict[str, str]:
            digests: dict[str, str] = json_text.read_own(self._state().digests)
            return digests

        return self._cache.recall("digests", find)

    def list_versions(self, keys: Collection[Key]) -> dict[Key, Version]:
        hashes = {id_hash(entity_id) for _, entity_id in keys}
        if len(hashes) == 1:  # as in most pushes; a table of values takes longer
            rows = self._connection.execute(
                """SELECT stamp, is_deleted, checksum, crc, CAST(entity AS BLOB), change_id, device_id
                   FROM sync_entities WHERE id_hash = ?""",
                tuple(hashes),
            )
        else:  # CROSS JOIN: as the hashes come, each by the index; for IN, SQLite would sort them first
            rows = self._connection.execute(
                """SELECT stamp, is_deleted, checksum, crc, CAST(entity AS BLOB), change_id, device_id
                   FROM json_each(?) AS wanted CROSS JOIN sync_entities ON id_hash = wanted.value""",
                (json_text.write(list(hashes)),),
            )
        wanted, found = set(keys), {}
        for row in rows:  # one by one, for there may be many that have a hash
            version = intact_version(row)
            if (key := (version.entity_type, version.id)) in wanted:
                found[key] = version
                self._weights[version.stamp] = version.entity_type, weight(*row[:3])
        return found

    def require_index(self) -> None:
        by_index = self._connection.execute(
            "SELECT count(*), sum(id_hash) FROM sync_entities INDEXED BY sync_entities_id"
        ).fetchone()
        if (
            by_index
            != self._connection.execute("SELECT count(*), sum(id_hash) FROM sync_entities NOT INDEXED").fetchone()
        ):
            raise quarantined()

    def list_remembered(self, change_ids: Collection[str]) -> set[tuple[Key, str]]:
        if len(change_ids) == 1:  # as above
            rows = self._connection.execute(
                "SELECT entity_type, id, change_id FROM sync_change_ids WHERE change_id = ?", tuple(change_ids)
            )
        else:
            rows = self._connection.execute(
                """SELECT entity_type, known.id, change_id FROM json_each(?) AS wanted
                   CROSS JOIN sync_change_ids AS known ON change_id = wanted.value""",
                # Not with orjson: a device may send half of a surrogate pair, which SQLite takes and orjson does not.
                (json.dumps(list(change_ids)),),
            )
        return {((entity_type, entity_id), change_id) for entity_type, entity_id, change_id in rows.fetchall()}

    def add_versions(self, versions: Collection[Version]) -> None:
        written = self._connection.executemany(
            """INSERT INTO sync_entities
                 (stamp, id_hash, is_deleted, checksum, crc, entity, change_id, device_id)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            map(self._counted_row, versions),
        )
        self._cache.told(written)

    def replace_versions(self, versions: Mapping[int, Version]) -> None:
        for stamp in versions:
            entity_type, removed = self._weights[stamp]
            self._added[entity_type] -= removed
        written = self._connection.executemany(
            """UPDATE sync_entities
               SET stamp = ?, id_hash = ?, is_deleted = ?, checksum = ?, crc = ?, entity = ?, change_id = ?,
                 device_id = ?
               WHERE stamp = ?""",
            [(*self._counted_row(version), stamp) for stamp, version in versions.items()],
        )
        self._cache.told(written)

    def _counted_row(self, version: Version) -> tuple[Any, ...]:
        row = row_of(version)
        self._added[version.entity_type] += weight(row[0], row[2], row[3])
        return row

    def add_remembered(self, remembered: Collection[Remembered]) -> None:
        self._connection.executemany(
            """INSERT INTO sync_change_ids (change_id, entity_type, id, since) VALUES (?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            [(change_id, *key, since) for key, change_id, since in remembered],
        )

    def add_conflicts(self, conflicts: Collection[KeptConflict]) -> None:
        added = insert_conflicts(self._connection, conflicts)
        self._cache.told(added)
        if added.rowcount > 0:
            self._count_conflicts(added.rowcount)

    def put_state(self, last_stamp: int, digests: Mapping[str, str]) -> None:
        before = self._state()
        position = before.position._replace(last_stamp=last_stamp)
        digests, sums = {**self.list_digests(), **digests}, json_text.read_own(before.sums)
        for entity_type, added in self._added.items():
            sums[entity_type] = sums.get(entity_type, 0) + added
        self._added.clear()
        self._weights.clear()
        self._put_state(
            before._replace(position=position, digests=json_text.write(digests), sums=json_text.write(sums)),
            {"digests": digests},
        )

    def read_conflicts(self) -> Iterator[Sequence[StoredConflict]]:
        with self._connection.explained:  # read after the block was entered
            place = found = 0
            while conflicts := self._conflicts_after(place):
                place, found = conflicts[-1].place, found + len(conflicts)
                yield conflicts
            if found != self._state().conflicts:
                raise quarantined()

    def _conflicts_after(self, place: int) -> list[StoredConflict]:
        rows = conflicts_after(self._connection, place)
        keys = {(each.loser.entity_type, each.loser.id) for _, _, each in rows}
        stored = self.list_versions(keys)
        if len(stored) < len(keys):
            self.require_index()
        return [
            StoredConflict(rowid, conflict_id, each, stored.get((each.loser.entity_type, each.loser.id)))
            for rowid, conflict_id, each in rows
        ]

    def find_conflict(self, conflict_id: str) -> KeptConflict | None:
        return find_conflict(self._connection, conflict_id)

    def delete_conflict(self, conflict_id: str) -> bool:
        deleted = delete_conflict(self._connection, conflict_id)
        if deleted:
            self._count_conflicts(-deleted)
        return bool(deleted)

    def _count_conflicts(self, more: int) -> None:
        state = self._state()
        self._put_state(state._replace(conflicts=state.conflicts + more))

    def list_contacts(self) -> list[Contact]:
        return list_contacts(self._connection)

    def find_contact(self, token_id: str) -> Contact | None:
        return self._cache.recall(("contact", token_id), lambda: find_contact(self._connection, token_id))

    def put_contact(self, contact: Contact) -> None:
        self.find_contact(contact.token_id)  # which is checked: what stays is written again
        put_contact(self._connection, contact)

    def lift_limit(self) -> None:
        lift_page_limit(self._connection)

    def is_full(self, beyond: int = 0) -> bool:
        return self._connection.is_longer and self.size() > self._connection.max_bytes + beyond

    def size(self) -> int:
        pages, unused = self._connection.pragma("page_count"), self._connection.pragma("freelist_count")
        return (pages - unused) * self._connection.page_size

    def purge(self, forgotten_before: int, conflicts_before: int, now: int) -> Purged:
        state = self._state()  # which is checked: the new one is derived from it
        execute = self._connection.execute
        change_ids = execute("DELETE FROM sync_change_ids WHERE since < ?", (forgotten_before,)).rowcount
        old = execute(
            """SELECT stamp, is_deleted, checksum, crc, CAST(entity AS BLOB), change_id, device_id
               FROM sync_entities WHERE stamp < ? AND is_deleted""",
            (forgotten_before,),
        )
        # A living entity that a flipped bit makes a tombstone is damaged, and would be gone for good.
        # The horizon never lies above the last stamp, or no cursor would be valid. So the tombstone of an edit that is
        # dated later, after many edits at once, waits until something else is stored.
        last_stamp = state.position.last_stamp
        purged = [version for version in map(intact_version, old) if _latest_moment(version) <= last_stamp]
        self.add_remembered([Remembered((each.entity_type, each.id), each.change_id, now) for each in purged])
        self._connection.executemany("DELETE FROM sync_entities WHERE stamp = ?", [(each.stamp,) for each in purged])
        conflicts = execute("DELETE FROM sync_conflicts WHERE kept_at < ?", (conflicts_before,)).rowcount
        devices = execute("DELETE FROM sync_devices WHERE last_contact < ?", (forgotten_before,)).rowcount
        if purged or conflicts:
            position = state.position._replace(horizon=max([state.position.horizon, *map(_latest_moment, purged)]))
            self._put_state(state._replace(position=position, conflicts=state.conflicts - conflicts))
        return Purged(len(purged), change_ids, conflicts, devices)


def _latest_moment(version: Version) -> int:
    """When a version was stored or dated, whichever is later; in µs."""
    return max(version.stamp, parse_micros(version.updated_at) or 0)
