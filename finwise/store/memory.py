"""Tenants in memory, with the interface of `Databases`: for unit tests of rules. No file, and no other process."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock

from finwise.errors import Quarantined, TenantDeleted
from finwise.store import migrations
from finwise.store.connection import connect, snapshot, transaction, translated
from finwise.store.databases import KIND
from finwise.store.views import Columns, Views


class MemoryDatabases:
    """One connection per tenant; readers and writers of all tenants take turns."""

    def __init__(self, columns: Columns) -> None:
        self._views = Views(columns)
        self._connections: dict[str, sqlite3.Connection | None] = {}
        self._turn = RLock()

    @contextmanager
    def read(self, tenant_id: str) -> Iterator[sqlite3.Connection]:
        """As `Databases.read`."""
        with self.transact(tenant_id):
            pass
        with self._turn, translated(), snapshot(self._connection(tenant_id)):
            yield self._connection(tenant_id)

    @contextmanager
    def transact(self, tenant_id: str) -> Iterator[sqlite3.Connection]:
        """As `Databases.transact`."""
        with self._turn, translated(), transaction(self._connection(tenant_id)):
            connection = self._connection(tenant_id)
            migrations.migrate(connection, KIND)
            self._views.update(connection)
            yield connection

    def create(self, tenant_id: str, is_wanted: Callable[[], bool]) -> None:
        """As `Databases.create`."""
        with self._turn:
            if is_wanted() and self._connections.get(tenant_id) is None:
                self._connections[tenant_id] = connect(":memory:")

    def delete(self, tenant_id: str) -> bool:
        """As `Databases.delete`; what was in the tenant is gone."""
        with self._turn:
            connection = self._connections.get(tenant_id)
            self._connections[tenant_id] = None
            if connection:
                connection.close()
        return True

    def is_writable(self) -> bool:
        """Always."""
        return True

    def _connection(self, tenant_id: str) -> sqlite3.Connection:
        if tenant_id not in self._connections:
            raise Quarantined("The tenant is not in this process's memory.", retry_after=300)
        connection = self._connections[tenant_id]
        if connection is None:
            raise TenantDeleted
        return connection
