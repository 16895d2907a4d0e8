"""The files of an installation below a folder, and looks at them from outside, as any SQLite tool has."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from finwise import entities
from finwise.store.central import Central
from finwise.store.databases import Databases
from finwise.store.pool import Pool


def open_databases(root: Path, pool: Pool | None = None) -> Databases:
    return Databases(root / "tenant_databases", root / "locks", entities.columns(), pool or Pool())


def create(databases: Databases, tenant_id: str) -> None:
    """Makes a tenant's file, as when users.db says that it is being created."""
    databases.create(tenant_id, lambda: True)


def open_central(root: Path, pool: Pool | None = None) -> Central:
    return Central(root / "users.db", root / "locks", pool or Pool())


def tenant_file(root: Path, tenant_id: str) -> Path:
    return root / "tenant_databases" / f"tenant_{tenant_id}.db"


def trash_file(root: Path, tenant_id: str) -> Path:
    return root / "tenant_databases" / "trash" / f"tenant_{tenant_id}.db"


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


def is_held(lock: Path) -> bool:
    """Whether somebody holds the lock, be it this very thread."""
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
