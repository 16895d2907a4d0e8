"""A tenant's SQLite file, looked at and changed beside the server: for what no route shows or does."""

from __future__ import annotations

import json
import sqlite3
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from finwise.config import Settings
from finwise.store.checksum import checksum
from finwise.store.folder import Folder


class TenantFile:
    """Opens the file each time, so that it never holds anybody up."""

    def __init__(self, settings: Settings, tenant_id: str) -> None:
        self.path = Path(settings.tenant_databases, f"tenant_{tenant_id}.db").absolute()
        self._folder = Folder(settings.tenants_folder, settings.users_db.parent / "locks")
        self._tenant_id = tenant_id

    def locked(self) -> AbstractContextManager[None]:
        """A block beside which no process writes to the file, nor writes its log back."""
        return self._folder.locked(self._tenant_id)

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """The rows of a query, each as a dictionary; read only."""
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values).fetchall()]

    def execute(self, *statements: str) -> None:
        """Runs statements in one transaction."""
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True, isolation_level=None)) as connection:
            connection.create_function("checksum", -1, checksum, deterministic=True)
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                connection.execute(statement)
            connection.execute("COMMIT")

    def version(self, entity_id: str) -> dict[str, Any]:
        """The stored version of an entity: its row, with what devices get of it."""
        (row,) = self.rows("SELECT * FROM sync_entities WHERE json_extract(entity, '$.id') = ?", entity_id)
        told: dict[str, Any] = json.loads(row["entity"])
        return row | told

    def last_stamp(self) -> int:
        stamp: int = self.rows("SELECT last_stamp FROM sync_book")[0]["last_stamp"]
        return stamp

    def conflicts(self) -> list[tuple[str, str]]:
        """Reason and change_id of what is kept, in the order it was kept."""
        rows = self.rows("SELECT reason, change_id FROM sync_conflicts ORDER BY rowid")
        return [(row["reason"], row["change_id"]) for row in rows]

    def put_book(self, values: str) -> None:
        """Sets what stands in the row of the book, such as `horizon = 5`, with a checksum that fits."""
        sums = "UPDATE sync_book SET checksum = checksum(epoch, last_stamp, horizon, writes, conflicts, digests, sums)"
        self.execute(f"UPDATE sync_book SET {values}", sums)

    def purge_tombstones(self) -> None:
        """Removes all tombstones, as an operator may after a time: change_ids stay, the horizon rises."""
        self.execute(
            """INSERT INTO sync_change_ids (change_id, entity_type, id, since)
               SELECT change_id, json_extract(entity, '$.entity_type'), json_extract(entity, '$.id'), stamp
               FROM sync_entities WHERE is_deleted""",
            """UPDATE sync_book
               SET horizon = (SELECT max(horizon, max(stamp)) FROM sync_entities WHERE is_deleted)""",
            "UPDATE sync_book SET checksum = checksum(epoch, last_stamp, horizon, writes, conflicts, digests, sums)",
            "DELETE FROM sync_entities WHERE is_deleted",
        )
