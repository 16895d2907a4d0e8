"""The central database, users.db."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from finwise.errors import Conflict, Quarantined
from finwise.store import migrations
from finwise.store.connection import connect, transaction, translated, write_back
from finwise.store.folder import make_folder
from finwise.store.locks import locked
from finwise.store.pool import Pool

KIND = "users"


class Central:
    """users.db at `path`, made and migrated if need be; `locks` is the folder of the lock files."""

    def __init__(self, path: Path, locks: Path, pool: Pool) -> None:
        for folder in (path.parent, locks):
            make_folder(folder)
        self._path = path
        self._lock = locks / "users.lock"
        self._pool = pool
        with translated(), locked(self._lock), closing(connect(path, create=True)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            with transaction(connection):
                migrations.migrate(connection, KIND)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with; each statement sees what was committed before it."""
        with translated(), self._opened() as connection:
            yield connection

    @contextmanager
    def transact(self, *, wait: bool = True) -> Iterator[sqlite3.Connection]:
        """The lock of users.db and one transaction: committed when the block ends, undone if it raises.

        Raises Busy where the lock is held, unless `wait`.
        """
        with translated(), locked(self._lock, wait=wait), self._opened() as connection:
            with transaction(connection):
                yield connection
            write_back(connection, self._path)

    def replace_by(self, other: sqlite3.Connection) -> None:
        """Takes over the whole content of another users.db. Raises Conflict where there are users already."""
        with translated(), locked(self._lock), self._opened() as connection:
            if connection.execute("SELECT 1 FROM users LIMIT 1").fetchone():
                raise Conflict("This installation has users already. Restore its tenants one by one.")
            other.backup(connection, pages=-1)
            with transaction(connection):
                migrations.migrate(connection, KIND)
            write_back(connection, self._path)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._pool.connection(self._path) as connection:
                yield connection
        except FileNotFoundError:
            raise Quarantined("users.db is missing. The operator must look.", retry_after=300) from None
