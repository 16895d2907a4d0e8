"""Connections and transactions: the settings that each connection gets, and the blocks that begin and end."""

import logging
import sqlite3
import sys
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from finwise.store.cache import Cache
from finwise.store.checksum import checksum
from finwise.store.permissions import hand_over, refusal
from finwise.store.sqlite_errors import translated
from finwise.turns import leave

BUSY_SECONDS = 10
WAL_PAGES = 1_000  # of 4 KiB, mostly; with a commit that leaves more in the write-ahead log, SQLite writes it back
REPLICATED_WAL_PAGES = 16_000  # the same where Litestream does it, or did and runs no more
WAL_LIMIT = 64 * 1024 * 1024  # bytes to which a log is truncated when it is overwritten, which a long reader prevents

_SETTINGS = (  # of each connection, in this order
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: fsync leaves what is written in the drive's cache; elsewhere this does nothing
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    f"PRAGMA journal_size_limit = {WAL_LIMIT:d}",
)
log = logging.getLogger(__name__)


class Mark(NamedTuple):
    """How often a book of an epoch was written."""

    epoch: str
    writes: int


class Connection(sqlite3.Connection):
    """A connection with what is known of its file.

    max_bytes: the quota of what the file holds. max_pages: what it may grow to. is_longer: than its quota.
    is_current: whether its schema was found, or made, that of this FinWise.
    is_replicated: whether Litestream replicates the file, or did once. mark: what this transaction makes of the book.
    is_complete: whether the file was compared with the mark (marks.py).
    explained: a block that raises SQLite's errors as what they mean for the file, and reports damage. It is for what is
    read after the block that opened the connection was entered.
    """

    is_current = False
    max_bytes = sys.maxsize
    max_pages = 0
    is_longer = False
    is_replicated = False
    mark: Mark | None = None
    is_complete = False
    explained: AbstractContextManager[None] = translated()

    @cached_property
    def cache(self) -> Cache:
        """What was found in the file."""
        return Cache(self)

    @cached_property
    def page_size(self) -> int:
        """In bytes."""
        return self.pragma("page_size")

    def pragma(self, name: str) -> int:
        """The value of a pragma that is a number."""
        value: int = self.execute(f"PRAGMA {name}").fetchone()[0]
        return value


def connect(database: Path | str, *, create: bool = False) -> Connection:
    """A connection with every setting FinWise relies on; a missing file is an error unless `create` is set.

    A file is made for its owner alone, however the process was started; SQLite gives what it puts beside it the same
    mode. The caller makes sure that nobody else creates it at the same time.

    FULL, because a device forgets a change once it is acknowledged: NORMAL loses the last commits with the power, as
    FULL does on macOS without `fullfsync`.
    The write-ahead log is written back within a commit, and so under the file's lock: before
    SQLite 3.51.3 a checkpoint that runs beside another's commit can lose pages. The log is not cut off then, for a
    commit that writes into a file as it lies takes half the time of one that makes it longer. Litestream writes the
    log back itself.
    Statements may call `checksum` (checksum.py). Raises NotPermitted and ReadOnly, beside SQLite's own errors.
    """
    if not isinstance(database, Path):
        return _connect(database)
    if create:
        with suppress(FileExistsError):
            database.touch(mode=0o600, exist_ok=False)  # an empty file is an empty database
            hand_over(database)
    try:
        return _connect(f"{database.absolute().as_uri()}?mode={'rwc' if create else 'rw'}")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN and (meaning := refusal(database)):
            raise meaning from error
        raise


def _connect(name: str) -> Connection:
    connection = sqlite3.connect(
        name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True, factory=Connection
    )
    try:
        for pragma in _SETTINGS:
            connection.execute(pragma)
        connection.is_replicated = _is_replicated(connection)
        pages = REPLICATED_WAL_PAGES if connection.is_replicated else WAL_PAGES
        connection.execute(f"PRAGMA wal_autocheckpoint = {pages:d}")
        connection.create_function("checksum", -1, checksum, deterministic=True)
    except sqlite3.Error:  # no database, for example
        connection.close()
        raise
    return connection


class _Snapshot:
    """A class, as `_Transaction`: every request goes through them, and a generator takes longer."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        begin_snapshot(self._connection)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        roll_back(self._connection)


class _Transaction(_Snapshot):
    __slots__ = ()

    def __enter__(self) -> None:
        begin_transaction(self._connection)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                commit_transaction(self._connection)
        finally:
            roll_back(self._connection)


def begin_snapshot(connection: sqlite3.Connection) -> None:
    """Begins a read transaction, which `roll_back` ends: everything read until then is of one moment."""
    connection.execute("BEGIN")


def begin_transaction(connection: sqlite3.Connection) -> None:
    """Begins a write transaction, which `commit_transaction` or `roll_back` ends.

    IMMEDIATE: a transaction that first reads and then writes fails under load, and no timeout helps.
    """
    connection.execute("BEGIN IMMEDIATE")


def commit_transaction(connection: sqlite3.Connection) -> None:
    """Stores what a transaction wrote."""
    leave()  # a turn, for the disk takes its time, and after it there is the answer alone
    connection.execute("COMMIT")


def snapshot(connection: sqlite3.Connection) -> _Snapshot:
    """A read transaction: everything read in its block is of one moment."""
    return _Snapshot(connection)


def transaction(connection: sqlite3.Connection) -> _Transaction:
    """A write transaction: committed when its block ends, rolled back if that raises."""
    return _Transaction(connection)


def _is_replicated(connection: sqlite3.Connection) -> bool:
    """Whether Litestream replicates the file, or did once. It writes the log back itself, and reads all the time."""
    found = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = '_litestream_seq'").fetchone()
    return bool(found[0])


def checkpoint(connection: sqlite3.Connection) -> None:
    """Empties the write-ahead log into the file as far as all have read, and waits for nobody.

    The caller holds the file's lock. What was committed stands even if this fails, so that is only logged.
    """
    milliseconds = int(BUSY_SECONDS * 1000)
    connection.execute("PRAGMA busy_timeout = 0").fetchall()
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        log.warning("a write-ahead log could not be written back: %s", error)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {milliseconds:d}").fetchall()


def roll_back(connection: sqlite3.Connection) -> None:
    """Ends a transaction that is open."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
