"""How long the write-ahead log of a tenant's file may grow while a reader keeps it from being written back."""

import os
from pathlib import Path

from finwise.errors import Busy
from finwise.store.connection import WAL_LIMIT, Connection

MOST_LOG = 2 * WAL_LIMIT  # bytes; more than SQLite cuts a log off to, so that one which is free again is no trouble


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
