"""Tenants in memory, with the interface of `Databases`: for unit tests of rules. No file, and no other process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock

from finwise.errors import Quarantined, TenantDeleted
from finwise.store import migrations
from finwise.store.connection import Connection, connect, snapshot, transaction
from finwise.store.sqlite_errors import translated
from finwise.store.views import Columns, Views


class MemoryDatabases:
    """One connection per tenant; readers and writers of all tenants wait for each other."""

    def __init__(self, columns: Columns) -> None:
        self._views = Views(columns)
        self._connections: dict[str, Connection | None] = {}
        self._lock = RLock()

    @contextmanager
    def read(self, tenant_id: str) -> Iterator[Connection]:
        """As `Databases.read`."""
        with self.transact(tenant_id):
            pass
        with self._lock, translated(), snapshot(self._connection(tenant_id)):
            yield self._connection(tenant_id)

    @contextmanager
    def transact(self, tenant_id: str, *, wait: bool = True, max_bytes: int | None = None) -> Iterator[Connection]:
        """As `Databases.transact`."""
        with self._lock, translated(), transaction(self._connection(tenant_id)):
            connection = self._connection(tenant_id)
            migrations.migrate(connection, migrations.TENANT)
            self._views.update(connection)
            yield connection

    def create(self, tenant_id: str, is_wanted: Callable[[], bool]) -> None:
        """As `Databases.create`."""
        with self._lock:
            if is_wanted() and self._connections.get(tenant_id) is None:
                self._connections[tenant_id] = connect(":memory:")

    def delete(self, tenant_id: str, began_at: int) -> bool:
        """As `Databases.delete`; what was in the tenant is gone."""
        with self._lock:
            connection = self._connections.get(tenant_id)
            self._connections[tenant_id] = None
            if connection:
                connection.close()
        return True

    def set_aside(self, tenant_id: str, began_at: int, is_unknown: Callable[[], bool]) -> None:
        """As `Databases.set_aside`; nothing lies in memory that nobody owns."""

    def alone(self) -> AbstractContextManager[None]:
        """As `Databases.alone`."""
        return nullcontext()

    def exists(self, tenant_id: str) -> bool:
        """As `Databases.exists`."""
        return tenant_id in self.tenant_ids()

    def tenant_ids(self) -> set[str]:
        """As `Databases.tenant_ids`."""
        return {tenant_id for tenant_id, connection in self._connections.items() if connection}

    def _connection(self, tenant_id: str) -> Connection:
        if tenant_id not in self._connections:
            raise Quarantined("The tenant is not in this process's memory.", retry_after=300)
        connection = self._connections[tenant_id]
        if connection is None:
            raise TenantDeleted
        return connection
