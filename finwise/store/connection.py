"""Connections and transactions: the settings each connection gets, and what SQLite's errors mean here."""

import errno
import logging
import sqlite3
import sys
from collections.abc import Callable, Hashable
from contextlib import ContextDecorator, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from finwise.errors import (
    Busy,
    Conflict,
    FinWiseError,
    ReadOnly,
    StorageFull,
    disk_read_only,
    not_permitted,
    quarantined,
)
from finwise.store.checksum import checksum
from finwise.store.permissions import hand_over, refusal
from finwise.turns import leave

BUSY_SECONDS = 10
_MOST_PAGES = 2**30 - 1  # SQLite's own default
WAL_PAGES = 1_000  # of 4 KiB, mostly; with a commit that leaves more in the write-ahead log, SQLite writes it back
REPLICATED_WAL_PAGES = 16_000  # the same where Litestream does it, or did and runs no more
WAL_LIMIT = 64 * 1024 * 1024  # bytes to which a log is truncated when it is overwritten, which a long reader prevents

_SETTINGS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: fsync leaves what is written in the drive's cache; elsewhere this does nothing
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    f"PRAGMA journal_size_limit = {WAL_LIMIT:d}",
)
_BUSY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,  # too many raced for the write-ahead log's index
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_FULL = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}

_MOST_KNOWN = 1_000  # answers that a connection remembers; a household asks users.db three questions

T = TypeVar("T")

log = logging.getLogger(__name__)


class Connection(sqlite3.Connection):
    """A connection that keeps what was found out through it, for as long as that holds.

    max_bytes: the quota of what the file holds. max_pages: what it may grow to. is_longer: than its quota.
    is_current: whether its schema was found, or made, that of this FinWise. known: what `recall` remembers, if it does.
    is_replicated: whether Litestream replicates the file, or did once. rows_in_log: that write_back.py has counted.
    """

    is_current = False
    max_bytes = sys.maxsize
    max_pages = 0
    is_longer = False
    is_replicated = False
    rows_in_log = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.known: dict[Hashable, Any] | None = None
        self._known_at = (0, 0)

    def look(self) -> None:
        """From here on what is read by `recall` is remembered, until anything in the file has changed.

        SQLite tells whether another connection has committed, in whichever process, for less than the simplest query
        takes; and how many rows this one has changed itself.
        """
        now_at = (self.pragma("data_version"), self.total_changes)
        if self.known is None or now_at != self._known_at or len(self.known) > _MOST_KNOWN:
            self.known = {}
            self._known_at = now_at

    def forget(self) -> None:
        """Until the next `look` nothing is remembered."""
        self.known = None

    def note(self, question: Hashable, answer: object) -> None:
        """What `recall` would find after what was just written."""
        if self.known is not None:
            self.known[question] = answer

    def settle(self) -> None:
        """Says that `note` was told of all that was written and that `recall` would find otherwise."""
        self._known_at = (self._known_at[0], self.total_changes)

    def recall(self, question: Hashable, find: Callable[[], T], keeps: Callable[[T], bool] = lambda _: True) -> T:
        """What `find` returns, or returned before. None, and what `keeps` rejects, is not remembered."""
        if self.known is None:
            return find()
        answer: T | None = self.known.get(question)
        if answer is None:
            answer = find()
            if keeps(answer):
                self.known[question] = answer
        return answer

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
    The write-ahead log is written back within a commit, or by write_back.py, and so under the file's lock: before
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
    """A class, as `_Transaction` and `_Translated`: every request goes through them, and a generator takes longer."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        _roll_back(self._connection)


class _Transaction(_Snapshot):
    __slots__ = ()

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                leave()  # a turn, for the disk takes its time, and after it there is the answer alone
                self._connection.execute("COMMIT")
        finally:
            _roll_back(self._connection)


def snapshot(connection: sqlite3.Connection) -> _Snapshot:
    """A read transaction: everything read in its block is of one moment."""
    return _Snapshot(connection)


def transaction(connection: sqlite3.Connection) -> _Transaction:
    """A write transaction: committed when its block ends, undone if that raises.

    IMMEDIATE: a transaction that first reads and then writes fails under load, and no timeout helps.
    """
    return _Transaction(connection)


def page_limit(connection: Connection, max_bytes: int) -> None:
    """Keeps the file from growing beyond `max_bytes`, or at all where it is longer than that."""
    pages = max_bytes // connection.page_size
    found = connection.recall("page_count", lambda: connection.pragma("page_count"))
    connection.max_bytes, connection.is_longer = max_bytes, found > pages
    if max(pages, found) != connection.max_pages:
        connection.max_pages = connection.pragma(f"max_page_count = {max(pages, found):d}")


def lift_page_limit(connection: Connection) -> None:
    """Lets the file grow as far as the disk has room, until `page_limit` is asked again."""
    connection.max_pages = connection.pragma(f"max_page_count = {_MOST_PAGES:d}")
    connection.note("page_count", None)


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


class _Translated(ContextDecorator):
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and (meaning := meaning_of(error)):
            raise meaning from error


_TRANSLATED = _Translated()


def translated() -> _Translated:
    """Raises SQLite's errors as what they mean to a client; those of a programming mistake pass through."""
    return _TRANSLATED


def meaning_of(error: BaseException) -> FinWiseError | None:
    """What an error means to a client; None where it means nothing, or says so itself."""
    if isinstance(error, sqlite3.Error):
        return _meaning(error)
    if isinstance(error, OSError):  # of what is not done through SQLite: locks, names, folders
        return _meaning_of_disk(error)
    return None


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _meaning(error: sqlite3.Error) -> FinWiseError | None:
    extended = getattr(error, "sqlite_errorcode", None)
    if extended is None:  # raised by the module itself, for example for text that is not UTF-8
        return quarantined() if "decode" in str(error) else None
    code = extended & 0xFF
    if code in _BUSY:
        return Busy("The file is in use. Nothing was stored; try again.", retry_after=2)
    if code in _DAMAGED:
        return quarantined()
    if code == sqlite3.SQLITE_READONLY:
        return ReadOnly("The file cannot be written. Nothing was stored; the operator must look.", retry_after=60)
    if code == sqlite3.SQLITE_FULL or extended in _FULL:
        return StorageFull("The disk is full. Nothing was stored; the operator must make room.", retry_after=60)
    if code == sqlite3.SQLITE_IOERR:
        log.error("the disk reports an error: %s", error)
        return Busy("The disk reports an error. Nothing was stored; the operator must look.", retry_after=60)
    if extended == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return Conflict("What this belongs to was deleted in the meantime.")
    return None


def _meaning_of_disk(error: OSError) -> FinWiseError | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The disk is full. Nothing was stored; the operator must make room.", retry_after=60)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR):
        log.error("a folder is not there: %s", error)
        return Busy("A folder is missing, or no folder. Nothing was stored; the operator must look.", retry_after=60)
    if error.errno in (errno.EACCES, errno.EPERM):
        return not_permitted(error.filename)
    if error.errno == errno.EROFS:
        return disk_read_only(error.filename)
    if error.errno in (errno.EIO, errno.EMFILE, errno.ENFILE):
        log.error("the disk reports an error: %s", error)
        return Busy("The disk reports an error. Nothing was stored; the operator must look.", retry_after=60)
    return None
