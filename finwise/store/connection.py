"""Connections and transactions: the settings each connection gets, and what SQLite's errors mean here."""

import errno
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finwise.errors import Busy, Conflict, FinWiseError, Quarantined, ReadOnly, StorageFull
from finwise.store.checksum import checksum

BUSY_SECONDS = 10
WAL_LIMIT = 4 * 1024 * 1024  # bytes of a write-ahead log after which it is written back
REPLICATED_WAL_LIMIT = 64 * 1024 * 1024  # where Litestream does that, and ours would mostly be in vain

_SETTINGS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA wal_autocheckpoint = 0",
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

log = logging.getLogger(__name__)


def connect(database: Path | str, *, create: bool = False) -> sqlite3.Connection:
    """A connection with every setting FinWise relies on; a missing file is an error unless `create` is set.

    FULL, because a device forgets a change once it is acknowledged: NORMAL loses the last commits with the power.
    Checkpoints happen in `checkpoint` alone: before SQLite 3.51.3 one that runs beside a commit can lose pages.
    Statements may call `row_checksum` (checksum.py).
    """
    if isinstance(database, Path):
        database = f"{database.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
    connection = sqlite3.connect(
        database, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True
    )
    try:
        for pragma in _SETTINGS:
            connection.execute(pragma)
        connection.create_function("row_checksum", -1, checksum, deterministic=True)
    except sqlite3.Error:  # no database, for example
        connection.close()
        raise
    return connection


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """A read transaction: everything read in it is of one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        _roll_back(connection)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction: committed when the block ends, undone if it raises.

    IMMEDIATE: a transaction that first reads and then writes fails under load, and no timeout helps.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        _roll_back(connection)


def page_limit(connection: sqlite3.Connection, max_bytes: int, reserve: int) -> None:
    """Keeps the file from growing beyond `max_bytes`, or beyond what it has where that is more, and `reserve`."""
    page_size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {max(max_bytes // page_size, pages) + reserve // page_size:d}")


def write_back(connection: sqlite3.Connection, path: Path) -> None:
    """Empties the write-ahead log into the file once it is large; the caller holds the file's lock."""
    try:
        size = Path(f"{path}-wal").stat().st_size
    except FileNotFoundError:
        return
    if size > WAL_LIMIT and (size > REPLICATED_WAL_LIMIT or not _is_replicated(connection)):
        checkpoint(connection)


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


@contextmanager
def translated() -> Iterator[None]:
    """Raises SQLite's errors as what they mean to a client; those of a programming mistake pass through."""
    try:
        yield
    except sqlite3.Error as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        raise meaning from error
    except OSError as error:  # of what is not done through SQLite: locks, names, folders
        meaning = _meaning_of_disk(error)
        if meaning is None:
            raise
        raise meaning from error


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _meaning(error: sqlite3.Error) -> FinWiseError | None:
    extended = getattr(error, "sqlite_errorcode", None)
    if extended is None:  # raised by the module itself, for example for text that is not UTF-8
        return _quarantined() if "decode" in str(error) else None
    code = extended & 0xFF
    if code in _BUSY:
        return Busy("The file is in use. Nothing was stored; try again.", retry_after=2)
    if code in _DAMAGED:
        return _quarantined()
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
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return ReadOnly("The file cannot be written. Nothing was stored; the operator must look.", retry_after=60)
    if error.errno in (errno.EIO, errno.EMFILE, errno.ENFILE):
        log.error("the disk reports an error: %s", error)
        return Busy("The disk reports an error. Nothing was stored; the operator must look.", retry_after=60)
    return None


def _quarantined() -> Quarantined:
    return Quarantined(
        "The file is damaged or missing. Keep the data and the queue; the operator must look.", retry_after=300
    )
