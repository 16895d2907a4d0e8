"""users.db: who there is, and what they may do."""

import sqlite3
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import local
from typing import TypeVar

from finwise.errors import Conflict, FinWiseError
from finwise.store import migrations
from finwise.store.connection import Connection, connect, transaction
from finwise.store.folder import make_folder
from finwise.store.locks import locked
from finwise.store.pool import Pool
from finwise.store.sqlite_errors import translated

KIND = "users"

T = TypeVar("T")
Question = tuple[Hashable, ...]


class _Present(local):
    """The connection by which this thread has looked at users.db, within a moment."""

    connection: Connection | None = None


class UsersDatabase:
    """users.db at `path`, made and migrated if need be; `locks` is the folder of the lock files."""

    def __init__(self, path: Path, locks: Path, pool: Pool) -> None:
        make_folder(path.parent)
        make_folder(locks, inner=True)
        self._path = path
        self._lock = locks / "users.lock"
        self._pool = pool
        self._present = _Present()
        with translated(), locked(self._lock), closing(connect(path, create=True)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            with transaction(connection):
                migrations.migrate(connection, KIND)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with; each statement sees what was committed before it."""
        with translated(), self._pool.connection(self._path) as connection:
            yield connection

    def ask(
        self, question: Question, find: Callable[[Connection], T | None], keeps: Callable[[T], bool] = lambda _: True
    ) -> T | None:
        """What `find` returns. If `keeps` accepts it, it is remembered until users.db changes.

        Each request asks who the caller is and what they may. An answer is never older than the request.
        """
        connection = self._present.connection
        if connection is None:
            with self.moment():
                return self.ask(question, find, keeps)
        return connection.cache.recall(
            question, lambda: find(connection), lambda answer: answer is not None and keeps(answer)
        )

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Inside this block the thread sees users.db as it was on entry."""
        refusal = None
        with translated(), self._pool.connection(self._path) as connection:
            connection.cache.look()
            self._present.connection = connection
            try:
                yield
            except FinWiseError as error:  # says nothing about the connection, which is used again
                refusal = error
            finally:
                self._present.connection = None
        if refusal:
            raise refusal

    @contextmanager
    def transact(self, *, wait: bool = True) -> Iterator[Connection]:
        """The lock of users.db and one transaction: committed when the block ends, rolled back if it raises.

        Raises Busy if the lock is held, unless `wait`.
        """
        with (
            translated(),
            locked(self._lock, wait=wait),
            self._pool.connection(self._path) as connection,
            transaction(connection),
        ):
            yield connection

    def replace_by(self, other: sqlite3.Connection) -> None:
        """Takes over the whole content of another users.db. Raises NewerSchema, Conflict if there are users."""
        with translated(), locked(self._lock), self._pool.connection(self._path) as connection:
            connection.cache.forget()  # SQLite does not count what it copies
            if connection.execute("SELECT 1 FROM users LIMIT 1").fetchone():
                raise Conflict("This installation has users already. Restore its tenants one by one.")
            migrations.is_current(other, KIND)  # one of a newer FinWise is refused before it is here
            other.backup(connection, pages=-1)
            with transaction(connection):
                migrations.migrate(connection, KIND)
