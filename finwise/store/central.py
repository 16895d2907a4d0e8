"""The central database, users.db: one connection per thread, opened when the thread needs it, never before a fork."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import local

from finwise.store import migrations
from finwise.store.connection import connect, transaction, translated, write_back
from finwise.store.locks import locked

KIND = "users"


class Central:
    """users.db at `path`, made and migrated if need be; `locks` is the folder of the lock files."""

    def __init__(self, path: Path, locks: Path) -> None:
        for folder in (path.parent, locks):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._lock = locks / "users.lock"
        self._own = local()
        with translated(), locked(self._lock):
            connection = connect(path, create=True)
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                with transaction(connection):
                    migrations.migrate(connection, KIND)
            finally:
                connection.close()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with; each statement sees what was committed before it."""
        with translated():
            yield self._connection()

    @contextmanager
    def transact(self) -> Iterator[sqlite3.Connection]:
        """The lock of users.db and one transaction: committed when the block ends, undone if it raises."""
        with translated(), locked(self._lock):
            connection = self._connection()
            with transaction(connection):
                yield connection
            write_back(connection, self._path)

    def close(self) -> None:
        """Closes this thread's connection; it is opened again when it is needed."""
        if self._own.__dict__.pop("process", None) == os.getpid():
            self._own.connection.close()

    def _connection(self) -> sqlite3.Connection:
        if getattr(self._own, "process", None) != os.getpid():
            self._own.connection = connect(self._path)
            self._own.process = os.getpid()
        connection: sqlite3.Connection = self._own.connection
        return connection
