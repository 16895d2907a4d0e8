"""Folding write-ahead logs into their files, so that a stopped server's file is the book."""

import time
from collections.abc import Iterator
from pathlib import Path

from finwise.errors import FinWiseError
from finwise.store.connection import connect
from finwise.store.folder import Folder
from finwise.store.sqlite_errors import translated


class Folding:
    """Folds the logs of users.db and of the tenants' files."""

    def __init__(self, users_db: Path, folder: Folder) -> None:
        self._users_db = users_db
        self._folder = folder

    def fold(self, seconds: float) -> list[str]:
        """Folds what it can within this time: the names of the files whose commits are still in their logs."""
        deadline = time.monotonic() + seconds
        return [file.name for file in self._with_logs() if time.monotonic() > deadline or not _is_folded(file)]

    def _with_logs(self) -> Iterator[Path]:
        files = (self._users_db, *map(self._folder.file, sorted(self._folder.tenant_ids())))
        return (file for file in files if _has_log(file))


def _has_log(file: Path) -> bool:
    log = file.with_name(f"{file.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _is_folded(file: Path) -> bool:
    """With the last connection that has read a file SQLite folds its log in. A replicated one is Litestream's."""
    try:
        with translated():
            connection = connect(file)
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            is_replicated = connection.is_replicated
            connection.close()
    except FinWiseError:
        return False
    return is_replicated or not _has_log(file)
