"""The files of an installation below a folder: used by FinWise, and looked at from outside as by any SQLite tool."""

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from finwise import entities
from finwise.errors import FinWiseError, TenantDeleted
from finwise.store.book import Connections
from finwise.store.databases import Databases
from finwise.store.folder import Folder
from finwise.store.pool import Pool
from finwise.store.trash import Trash
from finwise.store.users_database import UsersDatabase

BOTH = ["read", "transact"]
QUOTA = 1024 * 1024 * 1024  # bytes
MOMENT = 1_790_000_000_000_000  # of deletions, µs
MARK = "PRAGMA application_id"
VERSION = "PRAGMA user_version"
TABLES = "SELECT count(*) FROM sqlite_schema"
STORED = "SELECT last_stamp FROM sync_book"

Work = Callable[[sqlite3.Connection], object]

on_posix = sys.platform != "win32"


def open_databases(root: Path, pool: Pool | None = None) -> Databases:
    folder = open_folder(root)

    def explain(tenant_id: str) -> None:
        """Stands for users.db, which knows that a tenant was deleted."""
        if Trash(folder).find(tenant_id):
            raise TenantDeleted

    return Databases(folder, entities.columns(), pool or Pool(), lambda _: QUOTA, explain)


def open_folder(root: Path) -> Folder:
    return Folder(root / "tenant_databases", root / "locks")


def delete(databases: Databases, tenant_id: str) -> bool:
    """Deletes a tenant's file, always as of the same moment."""
    return databases.delete(tenant_id, MOMENT)


def create(databases: Databases, tenant_id: str) -> None:
    """Makes a tenant's file, as when users.db says that it is being created."""
    databases.create(tenant_id, lambda: True)


def store(databases: Connections, tenant_id: str, number: int, then: Work | None = None) -> None:
    """Stores a number in the book, where `STORED` finds it; `then` is done in the same transaction."""
    with databases.transact(tenant_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = ?", (number,))
        connection.execute(
            "UPDATE sync_book SET checksum = checksum(epoch, last_stamp, horizon, writes, conflicts, digests, sums)"
        )
        if then:
            then(connection)


def stored(databases: Connections, tenant_id: str) -> int:
    with databases.read(tenant_id) as connection:
        number: int = connection.execute(STORED).fetchone()[0]
    return number


def refusal(databases: Connections, tenant_id: str, way: str) -> type[FinWiseError] | None:
    """What `read` or `transact` raises, None if it lets one in."""
    try:
        with getattr(databases, way)(tenant_id):
            return None
    except FinWiseError as error:
        return type(error)


def open_users_database(root: Path, pool: Pool | None = None) -> UsersDatabase:
    return UsersDatabase(root / "users.db", root / "locks", pool or Pool())


def tenant_file(root: Path, tenant_id: str) -> Path:
    return root / "tenant_databases" / f"tenant_{tenant_id}.db"


def old_file(path: Path, kind: str, version: int = 6) -> None:
    """A file with content as an older FinWise made it; `kind`: `tenant` or `users`, `version`: of the tenant's file."""
    dump = Path(__file__).parent.parent / "data" / f"version_{version}" / f"{kind}.sql"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.executescript(dump.read_text(encoding="utf-8"))


def trash_file(root: Path, tenant_id: str) -> Path:
    """The tenant's file in the trash."""
    found = Trash(open_folder(root)).find(tenant_id)
    assert found
    return found


@contextmanager
def outside(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that knows nothing of FinWise; it commits each statement."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)) as connection:
        yield connection


def value(path: Path, query: str) -> Any:
    """The first value that a query of the file answers."""
    with outside(path) as connection:
        return connection.execute(query).fetchone()[0]


def names(path: Path) -> list[str]:
    """Everything in the file's folder that belongs to it, by name."""
    return sorted(found.name for found in path.parent.glob(f"{path.name}*"))


def leave_foreign_book(path: Path, suffixes: tuple[str, ...]) -> None:
    """Files of another book as a process that died leaves them: one row in the file, one in its log."""
    other = path.parent / "other.db"
    owner = sqlite3.connect(other, isolation_level=None)
    owner.execute("PRAGMA journal_mode = WAL").fetchall()
    owner.execute("CREATE TABLE secrets (text)")
    owner.execute("INSERT INTO secrets VALUES ('in the file')")
    owner.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    owner.execute("INSERT INTO secrets VALUES ('in the log')")
    for suffix in suffixes:
        shutil.copyfile(f"{other}{suffix}", f"{path}{suffix}")
    owner.close()
    other.unlink()


def is_held(lock: Path) -> bool:
    """Whether anybody holds the lock, this thread included."""
    with lock.open("r+b") as probe:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(probe.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
