"""Opens the tenants' files; nobody else holds a connection to one.

`read` and `transact` are spelled differently, so that what may write shows in the text. A file is opened through SQLite
alone: on POSIX a plain open() and close() of it would drop SQLite's locks and lose acknowledged commits.

A tenant's file is deleted by a mark inside it, which is transactional and ends the work of whoever has it open, and
then by moving it to the trash. A name that SQLite would take for a leftover of a new file never stays behind.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from finwise.errors import Busy, Quarantined, TenantDeleted
from finwise.store import migrations
from finwise.store.connection import checkpoint, connect, snapshot, transaction, translated, write_back
from finwise.store.locks import locked, stripe
from finwise.store.pool import IDLE_SECONDS, Pool
from finwise.store.views import Columns, Views

KIND = "tenant"
OURS = 0x46694E57  # application_id "FiNW" of a tenant's file
DEAD = 0x46694E58  # application_id of one that was deleted

# On Windows a file that another process has open cannot be moved; its waiting connections end after a few seconds.
_MOVE_TRIES = int((IDLE_SECONDS + 2) / 0.05)

log = logging.getLogger(__name__)


class Databases:
    """The tenants' files below `folder`; `locks` is the folder of the lock files; `columns` shapes the views."""

    def __init__(self, folder: Path, locks: Path, columns: Columns, pool: Pool) -> None:
        self._folder = folder
        self._trash = folder / "trash"
        self._locks = locks
        self._pool = pool
        self._views = Views(columns)
        for each in (folder, locks):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def read(self, tenant_id: str) -> Iterator[sqlite3.Connection]:
        """A snapshot of the tenant's file. Raises TenantDeleted, Quarantined, NewerSchema, Busy."""
        with translated(), self._opened(tenant_id) as connection:
            if not migrations.is_current(connection, KIND):
                with self.transact(tenant_id):
                    pass  # whichever request comes first creates the schema and the epoch
            with snapshot(connection):
                _require_alive(connection)
                yield connection

    @contextmanager
    def transact(self, tenant_id: str) -> Iterator[sqlite3.Connection]:
        """The tenant's lock and one transaction. Raises what `read` raises, and ReadOnly and StorageFull."""
        with translated(), locked(stripe(self._locks, tenant_id)), self._opened(tenant_id) as connection:
            with transaction(connection):
                _require_alive(connection)
                migrations.migrate(connection, KIND)
                self._views.update(connection)
                yield connection
            write_back(connection, self._path(tenant_id))

    def create(self, tenant_id: str, is_wanted: Callable[[], bool]) -> None:
        """Makes the tenant's file, without a table in it, and sets a foreign file aside. Again: nothing changes.

        `is_wanted` is asked under the lock, for somebody else may have made the file and a device stored in it since.
        """
        path = self._path(tenant_id)
        with translated(), locked(stripe(self._locks, tenant_id)):
            if not is_wanted():
                return
            if any(file.exists() for file in _with_sidecars(path)) and not _is_fresh(path):
                log.warning("files lie where a new tenant's belongs; they are moved to the trash")
                if not self._move(tenant_id, f"orphan_{time.time_ns()}_{path.name}"):
                    raise Busy("Another program has a file open that lies where this one belongs.", retry_after=10)
            with closing(connect(path, create=True)) as connection:
                connection.execute(f"PRAGMA application_id = {OURS:d}")
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
            _sync_folder(self._folder)

    def delete(self, tenant_id: str) -> bool:
        """Ends all access to the tenant's file and moves it to the trash. Doing it again changes nothing.

        False: the file is marked, and so of no use to anybody, but could not be moved yet.
        """
        path = self._path(tenant_id)
        self._pool.close(path)
        with locked(stripe(self._locks, tenant_id)):
            if path.exists():
                _mark_dead(path)
            return self._move(tenant_id, path.name)

    def is_writable(self) -> bool:
        """Whether new tenants' files could be made."""
        return os.access(self._folder, os.W_OK)

    def _path(self, tenant_id: str) -> Path:
        return self._folder / f"tenant_{tenant_id}.db"

    @contextmanager
    def _opened(self, tenant_id: str) -> Iterator[sqlite3.Connection]:
        path = self._path(tenant_id)
        try:
            with self._pool.connection(path) as connection:
                yield connection
        except FileNotFoundError:
            if (self._trash / path.name).exists():
                raise TenantDeleted from None
            raise Quarantined(
                "The tenant's file is missing. Keep the data and the queue; the operator must look.", retry_after=300
            ) from None

    def _move(self, tenant_id: str, name: str) -> bool:
        """Moves the sidecars first and the file last: a sidecar left alone would become part of a later file."""
        self._trash.mkdir(mode=0o700, exist_ok=True)
        sources = _with_sidecars(self._path(tenant_id))
        targets = _with_sidecars(self._trash / name)
        for source, target in zip(sources, targets, strict=True):
            if source.exists() and not _moved(source, target):
                return False
        _sync_folder(self._trash)
        _sync_folder(self._folder)
        return True


def _require_alive(connection: sqlite3.Connection) -> None:
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    if mark == DEAD:
        raise TenantDeleted
    if mark != OURS:
        raise Quarantined("This is not a tenant's file. The operator must look.", retry_after=300)


def _with_sidecars(path: Path) -> list[Path]:
    """The names that SQLite uses for a file: the sidecars, and last the file itself."""
    return [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm", "-journal", "")]


def _is_fresh(path: Path) -> bool:
    """Whether the file is one that `create` has begun, and nothing was stored in it yet."""
    try:
        with closing(connect(path)) as connection:
            (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            mark = connection.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError:  # there is none, or it is no database
        return False
    return objects == 0 and mark in (0, OURS)


def _mark_dead(path: Path) -> None:
    """Marks the file within a transaction: whoever has it open finds the mark before anything else."""
    # A damaged file cannot be marked; nobody can use it either.
    with suppress(Quarantined), translated(), closing(connect(path)) as connection:
        with transaction(connection):
            connection.execute(f"PRAGMA application_id = {DEAD:d}")
        checkpoint(connection)  # what a long reader keeps it from is moved along with the file


def _moved(source: Path, target: Path) -> bool:
    for _ in range(_MOVE_TRIES):
        try:
            source.replace(target)
            return True
        except FileNotFoundError:
            return True
        except PermissionError:
            time.sleep(0.05)
    log.warning("a deleted tenant's file is open in another process; it is moved at the next start")
    return False


def _sync_folder(folder: Path) -> None:
    """Makes names in the folder last through a power loss, where the system knows how."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
