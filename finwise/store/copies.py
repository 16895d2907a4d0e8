"""Copies of databases, made by SQLite while others write: consistent, complete, in a single file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from finwise.domain.copies import Fingerprint
from finwise.errors import Invalid, quarantined
from finwise.store.book import Connections
from finwise.store.connection import connect, snapshot, transaction
from finwise.store.damages import damages
from finwise.store.folder import Folder, remove_database, sorted_files
from finwise.store.sqlite_errors import translated

COPIES = "copies"  # the folder of files that are there for one request
_PIECE = 256 * 1024  # bytes


class Copies:
    """Copies of tenants' files, in their own folder, removed once they are sent."""

    def __init__(self, folder: Folder, databases: Connections) -> None:
        self._folder = folder
        self._databases = databases

    @contextmanager
    def of(self, tenant_id: str) -> Iterator[Iterator[bytes]]:
        """A tenant's book as the bytes of a SQLite file, in pieces, while the context is open: without its devices."""
        with translated():
            file = self._folder.below(COPIES) / f"{uuid4()}.db"
        try:
            with self._databases.read(tenant_id) as connection:
                copy(connection, file)
            if not _is_whole(file):  # found out now, for a long snapshot makes pushes wait
                with self._databases.read(tenant_id):
                    raise quarantined()
            _forget_devices(file)
            yield pieces(file)
        finally:
            with suppress(OSError):  # it went with its folder
                remove_database(file)

    def remove_leftovers(self, before: int) -> None:
        """Removes copies that were made before a moment, in µs: the processes that made them have died."""
        for file in sorted_files(self._folder.below(COPIES)):
            with suppress(FileNotFoundError):  # sent in this moment, and remove_database
                if file.stat().st_mtime_ns // 1000 < before:
                    remove_database(file)


def copy(source: sqlite3.Connection, target: Path) -> None:
    """Writes what `source` sees to a new file, in one step: in several, each commit would make it start over.

    The copy has no log beside it, so that it may be moved, and read from a folder that cannot be written.
    """
    with closing(connect(target, create=True)) as made:
        source.backup(made, pages=-1)
        made.execute("PRAGMA journal_mode = DELETE").fetchall()
    descriptor = os.open(target, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_whole(file: Path) -> bool:
    with translated(), closing(connect(file)) as connection, snapshot(connection):
        return not damages(connection)


def _forget_devices(file: Path) -> None:
    """Removes from a copy which tokens opened the book: people who may read it need not know.

    VACUUM, because deleted content stays in a file until it is overwritten.
    """
    with translated(), closing(connect(file)) as connection:
        with transaction(connection):
            connection.execute("DELETE FROM sync_devices")
        connection.execute("VACUUM")


def fingerprint(file: Path) -> Fingerprint:
    """Of a file that nobody has open. Raises Invalid if it cannot be read."""
    digest, size = sha256(), 0
    for piece in pieces(file):
        digest.update(piece)
        size += len(piece)
    return Fingerprint(size, digest.hexdigest())


def pieces(file: Path) -> Iterator[bytes]:
    """What is in a file. Raises Invalid if it cannot be read."""
    try:
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE):
                yield piece
    except OSError as error:
        raise Invalid(f"{file.name} cannot be read: {error.strerror}.") from error
