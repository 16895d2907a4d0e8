"""What errors of SQLite and of the disk mean to a client."""

import errno
import logging
import sqlite3
from contextlib import ContextDecorator

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
    """What an error means to a client; None if it means nothing, or says so itself."""
    if isinstance(error, sqlite3.Error):
        return _meaning(error)
    if isinstance(error, UnicodeDecodeError):  # what SQLite says of a damaged name is no UTF-8 either
        return quarantined()
    if isinstance(error, OSError):  # of what is not done through SQLite: locks, names, folders
        return _meaning_of_disk(error)
    return None


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
