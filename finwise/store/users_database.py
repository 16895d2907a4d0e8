"""users.db: who there is, and what they may do."""

import sqlite3
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import local
from types import TracebackType
from typing import TypeVar

from finwise.errors import Conflict, Quarantined
from finwise.store import migrations
from finwise.store.connection import Connection, connect, transaction
from finwise.store.damages import lacks_objects
from finwise.store.folder import make_folder
from finwise.store.locks import locked
from finwise.store.pool import Loan, Pool
from finwise.store.sqlite_errors import meaning_of, translated

KIND = "users"

T = TypeVar("T")
Question = tuple[Hashable, ...]


class _Present(local):
    """The connection by which this thread has looked at users.db, within `hold_permissions`."""

    connection: Connection | None = None


class HeldPermissions:
    """A request is decided as of the beginning of this block. A class: every request goes through it."""

    __slots__ = ("_loan", "_present")

    def __init__(self, loan: Loan, present: _Present) -> None:
        self._loan = loan
        self._present = present

    def __enter__(self) -> "HeldPermissions":
        with translated():
            connection = self._loan.__enter__()
            try:
                connection.cache.look()
            except BaseException as error:
                self._loan.__exit__(type(error), error, error.__traceback__)
                raise
        self._present.connection = connection
        return self

    def release(self) -> None:
        """Gives the connection back before the block ends."""
        self.__exit__(None, None, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._present.connection is None:  # it has ended
            return
        self._present.connection = None
        meaning = error and meaning_of(error)
        is_refusal = isinstance(error, Exception) and meaning is None  # the connection is used again
        self._loan.__exit__(None if is_refusal else kind, error, trace)
        if meaning:
            raise meaning from error


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
            if lacks_objects(connection, KIND):  # a letter of a name has changed, and no statement would find it
                raise Quarantined(f"{path} is damaged: tables or columns are missing. Restore it from a backup.")

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
            with self.hold_permissions():
                return self.ask(question, find, keeps)
        return connection.cache.recall(
            question, lambda: find(connection), lambda answer: answer is not None and keeps(answer)
        )

    def hold_permissions(self) -> "HeldPermissions":
        """Inside this block the thread sees users.db as it was on entry."""
        return HeldPermissions(self._pool.connection(self._path), self._present)

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
