"""What a tenant's file holds, read past the server, and the error that ends a world."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from finwise.errors import FinWiseError
from proofs.model.device import time_text
from proofs.model.lineage import Data, Key

MILLI, SECOND, MINUTE, HOUR = 1_000, 1_000_000, 60_000_000, 3_600_000_000
DAY = 24 * HOUR
TOMBSTONE_DAYS, CONFLICT_DAYS = 2, 5  # the shortest lives of what is kept


class Violation(Exception):
    """What was promised and is not so."""


FOUND = (Violation, FinWiseError, sqlite3.Error)  # what ends a world: a broken promise, or a server that fails


def said(error: Exception) -> str:
    """What has ended a world, for the report."""
    return str(error) if isinstance(error, Violation) else f"the server failed: {type(error).__name__}: {error}"


def require(holds: bool, said: str) -> None:
    """Raises a Violation unless it holds."""
    if not holds:
        raise Violation(said)


class Stored(NamedTuple):
    """A version in the tenant's file."""

    stamp: int
    created_at: str
    updated_at: str
    data: Data
    change_id: str


class State(NamedTuple):
    """A tenant's file."""

    epoch: str
    last_stamp: int
    horizon: int
    entities: dict[Key, Stored]
    conflicts: dict[str, int]  # change_id of the loser -> when it was kept, µs
    conflict_ids: dict[str, str]  # change_id of the loser -> the name of the conflict
    digests: dict[str, str]

    @property
    def after_purged(self) -> str:
        """The least time of an entity that is not stored: no version that was purged has it."""
        return time_text(self.horizon // MILLI + 1) if self.horizon else ""

    @property
    def change_ids(self) -> set[str]:
        return {stored.change_id for stored in self.entities.values()}


class Reader:
    """Looks at a tenant's file without asking the server; reads it again only if it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._seen = -1
        self._state: State | None = None

    def look(self) -> State:
        if self._connection is None:
            self._connection = sqlite3.connect(f"{self._path.as_uri()}?mode=rw", isolation_level=None, uri=True)
            self._connection.execute("PRAGMA query_only = ON")
            self._seen = -1
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if self._state is None or version != self._seen:
            self._seen, self._state = version, _read(self._connection)
        return self._state

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def _read(connection: sqlite3.Connection) -> State:
    epoch, last_stamp, horizon, digests = connection.execute(
        "SELECT epoch, last_stamp, horizon, digests FROM sync_book"
    ).fetchone()
    rows = connection.execute("SELECT stamp, entity, change_id FROM sync_entities").fetchall()
    entities = [(stamp, json.loads(text), change_id) for stamp, text, change_id in rows]
    conflicts = connection.execute("SELECT change_id, kept_at, conflict_id FROM sync_conflicts").fetchall()
    stored = {
        (entity["entity_type"], entity["id"]): _stored(stamp, entity, change_id)
        for stamp, entity, change_id in entities
    }
    require(len(stored) == len(entities), "I1: an entity is stored twice")
    kept = {change_id: kept_at for change_id, kept_at, _ in conflicts}
    require(len(conflicts) == len(kept), "I2: a conflict was kept twice")
    names = {change_id: conflict_id for change_id, _, conflict_id in conflicts}
    return State(epoch, last_stamp, horizon, stored, kept, names, json.loads(digests))


def _stored(stamp: int, entity: dict[str, Any], change_id: str) -> Stored:
    return Stored(stamp, entity["created_at"], entity["updated_at"], entity["data"], change_id)
