"""Replacing a tenant's file: from a backup, out of the trash, from elsewhere.

First a whole and clean copy is staged beside the tenants' files (`stage`). Then, under the tenant's lock, the
present file is marked and moved to the trash, and the copy takes its place (`replace`). A process that dies in between
leaves the rest to the next one, which finds the staged copy.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from finwise.errors import Invalid, Quarantined
from finwise.store import litestream, migrations
from finwise.store.connection import connect, transaction
from finwise.store.copies import copy
from finwise.store.damages import damages, strange_objects
from finwise.store.databases import OURS, REPLACED, Databases
from finwise.store.folder import Folder, remove_database, sorted_files, sync_folder
from finwise.store.permissions import may_be_read, refusal
from finwise.store.sqlite_errors import translated
from finwise.store.trash import REPLACED as REASON
from finwise.store.trash import Trash
from finwise.store.views import quote

_LIMITS = {  # limits on what a hostile file can make SQLite do
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_LENGTH: 64 * 1024 * 1024,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
}


class Staging:
    """Files that are staged to replace tenants' files (domain/staging.py has the contract)."""

    def __init__(self, folder: Folder, databases: Databases) -> None:
        self._folder = folder
        self._trash = Trash(folder)
        self._databases = databases

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One restore at a time on a server. Raises Busy while there is another."""
        with translated(), self._folder.alone("restore", wait=False):
            yield

    @translated()
    def stage(self, tenant_id: str, source: Path, *, may_be_new: bool = False) -> None:
        """A copy of `source`, checked, with our views only and an epoch of its own. Raises Invalid; NewerSchema.

        `source` may be anybody's file: nothing in it runs, and anything that FinWise did not make is refused. So is a
        file without tables, unless it `may_be_new`: that is what lies on the disk while the book is only in the log.
        """
        if refused := refusal(self._folder.file(tenant_id)):  # before anything is moved
            raise refused
        staged = self._staged(tenant_id)
        partial = staged.with_suffix(".partial")
        remove_database(partial)
        try:
            with translated(), closing(_open_copy(source)) as original:
                copy(original, partial)
            with translated(), closing(connect(partial)) as made:
                for limit, value in _LIMITS.items():
                    made.setlimit(limit, value)
                with transaction(made):
                    if not may_be_new:
                        _require_book(made, source)
                    _adopt(made)
                made.execute("PRAGMA journal_mode = WAL").fetchall()
            partial.replace(staged)
        except Quarantined as error:
            raise Invalid(
                f"{source.name} is no SQLite file, or a damaged one. If it was copied while it was in use, it lacks a "
                "part: use finwise backup."
            ) from error
        finally:
            remove_database(partial)
        sync_folder(staged.parent)

    def replace(self, tenant_id: str, moved_at: int) -> bool:
        """Replaces the tenant's file by the staged one; the old one goes to the trash. Idempotent.

        False: the present file is open elsewhere and stays the tenant's; possible on Windows only.
        """
        staged, file = self._staged(tenant_id), self._folder.file(tenant_id)
        with translated(), self._folder.locked(tenant_id):
            if staged.exists():
                self._databases.retire(tenant_id, REPLACED)
                if not self._trash.put(tenant_id, REASON, moved_at):
                    self._databases.retire(tenant_id, OURS)
                    return False
                staged.replace(file)
                sync_folder(file.parent)
                sync_folder(staged.parent)
            return True

    def find_in_trash(self, tenant_id: str, moved_at: int | None) -> Path | None:
        return self._trash.find(tenant_id, moved_at)

    @translated()
    def remove_leftovers(self, wanted: set[str]) -> None:
        """Removes what a dead restore left. `wanted`: tenants to spare."""
        spared = {self._staged(tenant_id).name for tenant_id in wanted}
        for file in (*sorted_files(self._staging()), *self._staging().glob("*.partial")):
            if file.name not in spared:
                remove_database(file)

    def _staging(self) -> Path:
        return self._folder.below("restoring")

    def _staged(self, tenant_id: str) -> Path:
        return self._staging() / self._folder.file(tenant_id).name


def _open_copy(source: Path) -> sqlite3.Connection:
    if not source.is_file():
        raise Invalid(f"{source} is not a file.")
    if not may_be_read(source):
        raise Invalid(f"{source} may not be read: FinWise lacks permission.")
    connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", isolation_level=None, uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _require_book(connection: sqlite3.Connection, source: Path) -> None:
    if migrations.version_of(connection) == 0:
        raise Invalid(
            f"{source.name} holds no book. If it was copied from a running server, the book was in {source.name}-wal: "
            "use finwise backup, or stop the server and copy the file then."
        )


def _adopt(connection: sqlite3.Connection) -> None:
    """Makes the copy of a file a tenant's, within the caller's transaction. Raises Invalid, NewerSchema."""
    migrations.is_current(connection, migrations.TENANT)  # one of a newer FinWise is said to be one
    _refuse(strange_objects(connection))
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
        connection.execute(f"DROP VIEW {quote(name)}")
    for name in litestream.TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {quote(name)}")
    migrations.migrate(connection, migrations.TENANT)
    _refuse(damages(connection))
    connection.execute("UPDATE sync_book SET epoch = lower(hex(randomblob(4))), views = ''")
    connection.execute(
        "UPDATE sync_book SET checksum = checksum(epoch, last_stamp, horizon, writes, conflicts, digests, sums)"
    )
    connection.execute(f"PRAGMA application_id = {OURS:d}")


def _refuse(found: list[str]) -> None:
    if found:
        raise Invalid(f"This is not a tenant's file, or it is damaged. {' '.join(found)}")
