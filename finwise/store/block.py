"""A block of work with a tenant's file, from the outside in: errors are explained, a connection is lent, work begins.

These are classes, as the blocks of connection.py: every request goes through one, and a generator takes longer.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from finwise.store.connection import Connection, roll_back
from finwise.store.diagnosis import Explained
from finwise.store.pool import Loan
from finwise.store.sqlite_errors import translated


class LockedLoan:
    """A connection that is lent while a lock is held: the lock comes first and is released last."""

    __slots__ = ("_loan", "_lock")

    def __init__(self, lock: AbstractContextManager[None], loan: Loan) -> None:
        self._lock = lock
        self._loan = loan

    def __enter__(self) -> Connection:
        self._lock.__enter__()
        try:
            return self._loan.__enter__()
        except BaseException as error:
            self._lock.__exit__(type(error), error, error.__traceback__)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._loan.__exit__(kind, error, trace)
        finally:
            self._lock.__exit__(kind, error, trace)


class Block:
    """Work with a lent connection between `begin` and `finish`; SQLite's errors are raised as what `explained` says.

    If `begin` or the block raises, what was begun is rolled back instead of finished, and the connection is closed.
    """

    __slots__ = ("_begin", "_connection", "_explained", "_finish", "_loan")

    def __init__(
        self,
        explained: Explained,
        loan: Loan | LockedLoan,
        begin: Callable[[Connection], None],
        finish: Callable[[Connection], None],
    ) -> None:
        self._explained = explained
        self._loan = loan
        self._begin = begin
        self._finish = finish

    def __enter__(self) -> Connection:
        with self._explained:
            self._connection = self._loan.__enter__()
            try:
                self._begin(self._connection)
            except BaseException as error:
                self._abandon(error)
                raise
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._explained:
            if error is None:
                self._complete()
            else:
                self._abandon(error)
        self._explained.__exit__(kind, error, trace)

    def _complete(self) -> None:
        try:
            self._finish(self._connection)
        except BaseException as error:
            self._abandon(error)
            raise
        self._loan.__exit__(None, None, None)

    def _abandon(self, error: BaseException) -> None:
        try:
            roll_back(self._connection)
        finally:
            self._loan.__exit__(type(error), error, error.__traceback__)


class Reading(Block):
    """A block that only reads. It explains errors also in what is read after the block was entered (`explained`)."""

    __slots__ = ()

    def __enter__(self) -> Connection:
        connection = super().__enter__()
        connection.explained = self._explained
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.explained = translated()  # or it would keep the loan, which keeps the connection
        super().__exit__(kind, error, trace)
