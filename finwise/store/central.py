"""The central database, users.db."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from finwise.errors import Quarantined
from finwise.store import migrations
from finwise.store.connection import connect, transaction, translated, write_back
from finwise.store.locks import locked
from finwise.store.pool import Pool

KIND = "users"


class Central:
    """users.db at `path`, made and migrated if need be; `locks` is the folder of the lock files."""

    def __init__(self, path: Path, locks: Path, pool: Pool) -> None:
        for folder in (path.parent, locks):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    def transact(self) -> Iterator[sqlite3.Connection]:
        """The lock of users.db and one transaction: committed when the block ends, undone if it raises."""
        with translated(), locked(self._lock), self._opened() as connection:
            with transaction(connection):
                yield connection
            write_back(connection, self._path)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._pool.connection(self._path) as connection:
                yield connection
        except FileNotFoundError:
            raise Quarantined("users.db is missing. The operator must look.", retry_after=300) from None
