"""Writes the logs of tenants' files back into them while large pushes come in, and beside these.

SQLite does it within the commit that finds the log long: in an import every third or fourth push waits for it. A
thread does it while the next push is on its way and being read; with a processor to spare an import takes some 5 % less
time. It holds the file's lock, as a commit does: before SQLite 3.51.3 a checkpoint beside another's commit can lose
pages. Small pushes leave it to SQLite, for they keep every core busy anyway.
"""

import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from finwise.errors import Busy, FinWiseError
from finwise.store.connection import WAL_LIMIT, Connection
from finwise.store.folder import Folder
from finwise.store.pool import Pool

_LARGE = 100  # rows that a transaction changes
_ENOUGH = 1_000  # rows changed by large ones: of transactions 300 pages in a small book, 1,100 in one of 40,000

MOST_LOG = 2 * WAL_LIMIT  # bytes; more than SQLite cuts a log off to, so that one which is free again is no trouble

log = logging.getLogger(__name__)


def require_short_log(connection: Connection, file: Path) -> None:
    """Raises Busy if a file's log is long and a reader keeps it from being overwritten.

    The caller holds the file's lock, and has no transaction open. Litestream always reads, and looks after the log.
    """
    try:
        size = os.stat(f"{file}-wal").st_size
    except FileNotFoundError:
        return
    if size <= MOST_LOG or connection.is_replicated:
        return
    _, frames, written_back = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if written_back < frames:
        raise Busy("A long read keeps this book's log from being written back. Try again in a moment.", retry_after=5)


def is_write_back_due(connection: Connection, rows: int) -> bool:
    """Counts the rows that a transaction changed; whether it is time, once that is committed."""
    if rows < _LARGE or connection.is_replicated:
        return False
    connection.rows_in_log += rows
    if connection.rows_in_log < _ENOUGH:
        return False
    connection.rows_in_log = 0
    return True


class WriteBack:
    """One log at a time in a process; those that grow long meanwhile SQLite writes back itself."""

    def __init__(self, folder: Folder, pool: Pool) -> None:
        self._folder = folder
        self._pool = pool
        self._idle = Lock()
        self._thread = ThreadPoolExecutor(1, "write-back")

    def start(self, tenant_id: str) -> None:
        """Has the log of a tenant's file written back, if no other is just then; waits for nothing."""
        if self._idle.acquire(blocking=False):
            try:
                self._thread.submit(self._write_back, tenant_id)
            except RuntimeError:  # the process ends, or may not have one more thread
                self._idle.release()

    def _write_back(self, tenant_id: str) -> None:
        try:
            with self._folder.locked(tenant_id), self._pool.connection(self._folder.file(tenant_id)) as connection:
                # PASSIVE does not cut the log off: a commit that overwrites one takes half the time.
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except (FinWiseError, sqlite3.Error, OSError) as error:  # what was committed stands
            log.info("a write-ahead log could not be written back yet: %s", error)
        finally:
            self._idle.release()
