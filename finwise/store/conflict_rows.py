"""The rows of sync_conflicts: the versions that lost, until a user decides."""

import sqlite3
from collections.abc import Collection
from secrets import token_hex
from typing import Any

from finwise.domain.book import KeptConflict
from finwise.domain.change import Version
from finwise.store.checksum import checksum, require_intact
from finwise.store.connection import Connection

_FEW = 20  # in memory at once while they are sent; two versions each, of 256 KiB at most


def conflicts_after(connection: Connection, place: int) -> list[tuple[int, str, KeptConflict]]:
    """A few conflicts behind a place, each with its own place and its conflict_id.

    Raises Quarantined if one is damaged.
    """
    rows = connection.execute(
        """SELECT rowid, conflict_id, reason, kept_at, entity_type, id, created_at, updated_at, data, change_id,
             device_id, checksum
           FROM sync_conflicts WHERE rowid > ? ORDER BY rowid LIMIT ?""",
        (place, _FEW),
    ).fetchall()
    return [(row[0], row[1], _kept_conflict(row[1:])) for row in rows]


def find_conflict(connection: Connection, conflict_id: str) -> KeptConflict | None:
    """The conflict of this name. Raises Quarantined if it is damaged."""
    row = connection.execute(
        """SELECT conflict_id, reason, kept_at, entity_type, id, created_at, updated_at, data, change_id, device_id,
             checksum
           FROM sync_conflicts WHERE conflict_id = ?""",
        (conflict_id,),
    ).fetchone()
    return None if row is None else _kept_conflict(row)


def insert_conflicts(connection: Connection, conflicts: Collection[KeptConflict]) -> sqlite3.Cursor:
    """Adds the conflicts that are not there yet, and gives the cursor that wrote them."""
    return connection.executemany(
        """INSERT INTO sync_conflicts (conflict_id, reason, kept_at, entity_type, id, created_at, updated_at, data,
             change_id, device_id, checksum)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING""",
        [
            (*row, checksum(*row))
            for row in ((token_hex(16), reason, kept_at, *loser[1:]) for reason, kept_at, loser in conflicts)
        ],
    )


def delete_conflict(connection: Connection, conflict_id: str) -> int:
    """Deletes the conflict of this name: how many there were, 0 or 1."""
    return connection.execute("DELETE FROM sync_conflicts WHERE conflict_id = ?", (conflict_id,)).rowcount


def _kept_conflict(row: tuple[Any, ...]) -> KeptConflict:
    """The conflict of a row from its conflict_id to its checksum."""
    require_intact(row)
    _, reason, kept_at, *loser, _ = row
    return KeptConflict(reason, kept_at, Version(0, *loser))
