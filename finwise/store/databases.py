"""Opens the tenants' files; no other module holds a connection to one.

`read` and `transact` are separate, so that the code shows what may write. A file is opened through SQLite
alone: on POSIX a plain open() and close() of it would drop SQLite's locks and lose acknowledged commits.

A tenant's file is deleted by a mark inside it, which is transactional and ends the work of every process that has it
open, and then by moving it to the trash. No name stays behind that SQLite would take for a leftover of a new file.
"""

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

from finwise.errors import Busy, FinWiseError, Quarantined, TenantDeleted
from finwise.store import migrations
from finwise.store.block import Block, LockedLoan, Reading
from finwise.store.connection import (
    Connection,
    begin_snapshot,
    begin_transaction,
    checkpoint,
    commit_transaction,
    connect,
    roll_back,
    transaction,
)
from finwise.store.diagnosis import Diagnosis
from finwise.store.folder import Folder, sync_folder, with_sidecars
from finwise.store.log_limit import require_short_log
from finwise.store.marks import Marks, require_complete
from finwise.store.page_limit import set_page_limit
from finwise.store.pool import Loan, Pool
from finwise.store.sqlite_errors import translated
from finwise.store.trash import DELETED, ORPHAN, Trash
from finwise.store.views import Columns, Views

OURS = 0x46694E57  # application_id "FiNW" of a tenant's file
DEAD = 0x46694E58  # of one that was deleted
REPLACED = 0x46694E59  # of one that a restore replaces

_WORTHWHILE = 2 * 1024 * 1024  # unused bytes of a file from which on shrinking is worth its time

log = logging.getLogger(__name__)


def _unheard(tenant_id: str) -> None:
    """For callers that do not handle damaged files."""


class Databases:
    """The tenants' files in `folder`; `columns` shapes the views; `quota_of` says how many bytes a file may hold.

    `report` gets each tenant whose file is damaged or missing. It may raise the explanation: TenantDeleted, Busy.
    """

    def __init__(
        self,
        folder: Folder,
        columns: Columns,
        pool: Pool,
        quota_of: Callable[[str], int],
        report: Callable[[str], None] = _unheard,
    ) -> None:
        self._folder = folder
        self._trash = Trash(folder)
        self._marks = Marks(folder.marks)
        self._pool = pool
        self._views = Views(columns)
        self._quota_of = quota_of
        self._diagnosis = Diagnosis(folder, report)

    def read(self, tenant_id: str) -> AbstractContextManager[Connection]:
        """A block with a snapshot of the tenant's file. Raises TenantDeleted, Quarantined, NewerSchema, Busy."""
        loan = self._loan(tenant_id)
        return Reading(
            self._diagnosis.explained(tenant_id, loan),
            loan,
            lambda connection: self._begin_reading(tenant_id, connection),
            roll_back,
        )

    def transact(
        self, tenant_id: str, *, wait: bool = True, max_bytes: int | None = None
    ) -> AbstractContextManager[Connection]:
        """A block with the tenant's lock and one transaction. `max_bytes`: its quota, if the caller has it.

        Raises what `read` raises, ReadOnly, StorageFull, QuotaExceeded; Busy if the lock is held, unless `wait`.
        """
        loan = self._loan(tenant_id)
        return Block(
            self._diagnosis.explained(tenant_id, loan, has_limit=True),
            LockedLoan(self._folder.locked(tenant_id, wait=wait), loan),
            lambda connection: self._begin_writing(tenant_id, connection, max_bytes),
            lambda connection: self._commit(tenant_id, connection),
        )

    def create(self, tenant_id: str, is_wanted: Callable[[], bool]) -> None:
        """Creates the tenant's file without tables, and sets a foreign file aside. Idempotent.

        `is_wanted` is asked under the lock, because another process may have created the file and a device used it.
        """
        file = self._folder.file(tenant_id)
        with translated(), self._folder.locked(tenant_id):
            if not is_wanted():
                return
            if any(each.exists() for each in with_sidecars(file)) and not _is_fresh(file):
                log.warning("files lie where a new tenant's belongs; they are moved to the trash")
                if not self._trash.put(tenant_id, ORPHAN, time.time_ns() // 1000):
                    raise Busy("Another program has a file open that lies where this one belongs.", retry_after=10)
            with closing(connect(file, create=True)) as connection:
                connection.execute(f"PRAGMA application_id = {OURS:d}")
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
            sync_folder(file.parent)

    @translated()
    def delete(self, tenant_id: str, began_at: int) -> bool:
        """Ends all access to the tenant's file and moves it to the trash; `began_at` in µs names it there.

        A repetition with the same time continues where it stopped. False: the file is marked, and so unusable, but
        could not be moved yet.
        """
        with self._folder.locked(tenant_id):
            self.retire(tenant_id, DEAD)
            self._marks.remove(tenant_id)
            return self._trash.put(tenant_id, DELETED, began_at)

    def retire(self, tenant_id: str, mark: int) -> None:
        """Marks the file in a transaction: every process that has it open sees the mark first.

        The caller holds the lock. A damaged file cannot be marked; nobody can use it either.
        """
        file = self._folder.file(tenant_id)
        self._pool.close(file)
        if file.exists():
            with suppress(Quarantined), translated(), closing(connect(file)) as connection:
                with transaction(connection):
                    connection.execute(f"PRAGMA application_id = {mark:d}")
                checkpoint(connection)  # what a long reader keeps it from is moved along with the file

    @translated()
    def set_aside(self, tenant_id: str, began_at: int, is_unknown: Callable[[], bool]) -> None:
        """Moves a file that nobody owns to the trash, as it is."""
        with self._folder.locked(tenant_id):
            if is_unknown():
                file = self._folder.file(tenant_id)
                self._pool.close(file)
                with suppress(FinWiseError), translated(), closing(connect(file)) as connection:
                    checkpoint(connection)  # so that nothing of it is in the log when it is moved
                self._trash.put(tenant_id, ORPHAN, began_at)

    def alone(self) -> AbstractContextManager[None]:
        """One process at a time compares the files with users.db."""
        return self._folder.alone("reconcile")

    @translated()
    def exists(self, tenant_id: str) -> bool:
        """Whether the tenant's file is there, now that nobody is moving it."""
        with self._folder.locked(tenant_id):
            return self._folder.file(tenant_id).exists()

    def tenant_ids(self) -> set[str]:
        """The tenants whose files lie in the folder."""
        return self._folder.tenant_ids()

    def shrink(self, tenant_id: str) -> None:
        """Gives unused pages back to the disk where they are a good part of the file."""
        loan = self._loan(tenant_id)
        with self._diagnosis.explained(tenant_id, loan), self._folder.locked(tenant_id), loan as connection:
            _require_alive(connection)
            pages, free, size = (
                connection.execute(pragma).fetchone()[0]
                for pragma in ("PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size")
            )
            if free * 4 > pages and free * size > _WORTHWHILE:
                connection.cache.forget()
                connection.execute("VACUUM")
                checkpoint(connection)

    @translated()
    def purge_trash(self, before: int) -> int:
        """Removes for good what came to the trash before a time, in µs; returns the number of files."""
        return self._trash.purge(before)

    def trouble(self) -> FinWiseError | None:
        """What keeps new tenants' files from being made, or those that there are from being used."""
        return self._folder.trouble()

    def _begin_reading(self, tenant_id: str, connection: Connection) -> None:
        """Begins a snapshot of a whole book of this FinWise's schema."""
        if not connection.is_current and not migrations.is_current(connection, migrations.TENANT):
            with self.transact(tenant_id):
                pass  # the first request makes the schema and the epoch
        connection.is_current = True
        mark = None if connection.is_complete else self._marks.find(tenant_id)  # before what it is compared with
        begin_snapshot(connection)
        connection.cache.look()
        connection.cache.recall("usable", lambda: _is_usable(connection))
        if not connection.is_complete:
            require_complete(connection, mark)

    def _begin_writing(self, tenant_id: str, connection: Connection, max_bytes: int | None) -> None:
        """Begins a transaction in a whole book of this FinWise's schema. Raises Busy if its log is too long."""
        require_short_log(connection, self._folder.file(tenant_id))
        begin_transaction(connection)
        connection.cache.look()
        is_current = connection.cache.recall("current", lambda: self._is_current(connection), keeps=bool)
        if not is_current:
            self._update(connection)
        if not connection.is_complete:
            require_complete(connection, self._marks.find(tenant_id))
        connection.mark = None
        set_page_limit(connection, self._quota_of(tenant_id) if max_bytes is None else max_bytes)

    def _update(self, connection: Connection) -> None:
        """Brings the schema up to date, above the quota if need be, for that is set afterwards."""
        connection.cache.forget()  # SQLite does not count tables and views that come and go
        migrations.migrate(connection, migrations.TENANT)
        self._views.update(connection)

    def _commit(self, tenant_id: str, connection: Connection) -> None:
        commit_transaction(connection)
        if connection.mark:  # what was committed is noted outside of the file
            self._marks.put(tenant_id, connection.mark)

    def _is_current(self, connection: Connection) -> bool:
        return _is_usable(connection) and self._views.are_in(connection)

    def _loan(self, tenant_id: str) -> Loan:
        return self._pool.connection(self._folder.file(tenant_id))


def _require_alive(connection: Connection) -> None:
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    if mark == OURS:
        return
    if mark == DEAD:
        raise TenantDeleted
    if mark == REPLACED:
        raise Busy("The tenant is being restored. Try again in a moment.", retry_after=2)
    raise Quarantined("This is not a tenant's file. The operator must look.", retry_after=300)


def _is_usable(connection: Connection) -> bool:
    """Whether the schema is up to date. Raises what `Databases.read` raises."""
    _require_alive(connection)
    return migrations.is_current(connection, migrations.TENANT)


def _is_fresh(path: Path) -> bool:
    """Whether the file is one that `create` has begun, and nothing was stored in it yet."""
    try:
        with closing(connect(path)) as connection:
            (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            mark = connection.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError:  # there is none, or it is no database
        return False
    return objects == 0 and mark in (0, OURS)
