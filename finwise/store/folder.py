"""The folder of the tenants' files: the names in it, the lock of each tenant, and moving a file away.

A move takes the database first and its sidecars after it. If the log went first, the file would for a moment lack the
commits that are only in its log, its end mark among them, and could be written to. A sidecar alone does no harm as long
as no new file is put beside it, so code that creates a file calls `put_away` first.
"""

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from itertools import islice
from pathlib import Path

from finwise.errors import BadSetting, Busy, FinWiseError, not_permitted
from finwise.store.locks import are_kept, locked, stripe
from finwise.store.permissions import hand_over, is_usable, refusal
from finwise.store.pool import IDLE_SECONDS

SIDECARS = ("-wal", "-shm", "-journal")  # what SQLite writes beside a database

# On Windows a file that another process has open cannot be moved; idle connections close after a few seconds.
_MOVE_TRIES = int((IDLE_SECONDS + 2) / 0.05)
_LOOKED_AT = 1_000  # files at most to see whether they may be opened, which a monitor asks every few seconds
_FILE = re.compile(r"tenant_([0-9a-f-]{36})\.db", re.ASCII)

log = logging.getLogger(__name__)


class Folder:
    """The tenants' files below `path`; `locks` is the folder of the lock files. Makes both; raises BadSetting."""

    def __init__(self, path: Path, locks: Path) -> None:
        self.path = path
        self._locks = locks
        make_folder(path)
        make_folder(locks, inner=True)
        if not are_kept(locks):
            raise BadSetting(f"Locks do not work in {locks}. Put FINWISE_INSTANCE on a local disk.")

    @property
    def marks(self) -> Path:
        """Where marks are kept (marks.py)."""
        return self._locks

    def file(self, tenant_id: str) -> Path:
        """Where a tenant's file belongs."""
        return _file(self.path, tenant_id)

    def locked(self, tenant_id: str, *, wait: bool = True) -> AbstractContextManager[None]:
        """Holds the tenant's lock, against all threads and processes. Raises Busy if it is held, unless `wait`."""
        return locked(stripe(self._locks, tenant_id), wait=wait)

    def alone(self, work: str, *, wait: bool = True) -> AbstractContextManager[None]:
        """Holds the lock of a work that one process does at a time. Raises Busy if it is held, unless `wait`."""
        return locked(self._locks / f"{work}.lock", wait=wait)

    def tenant_ids(self) -> set[str]:
        """The tenants whose files lie in the folder."""
        return tenant_ids_in(self.path)

    def is_writable(self) -> bool:
        """Whether files could be made in the folder."""
        return os.access(self.path, os.W_OK)

    def trouble(self) -> FinWiseError | None:
        """What prevents creating files here, or using one of the first thousand; None: nothing."""
        if not self.is_writable():
            return refusal(self.file("new")) or Busy("The folder of the tenants' files cannot be written.")
        files = map(self.file, islice(self.tenant_ids(), _LOOKED_AT))
        return next((not_permitted(file) for file in files if not is_usable(file)), None)

    def below(self, name: str) -> Path:
        """A folder inside of it, made if need be."""
        folder = self.path / name
        if not folder.exists():
            make_folder(folder, inner=True)
        return folder


def tenant_ids_in(folder: Path) -> set[str]:
    """The tenants whose files lie in a folder."""
    return {match[1] for entry in os.scandir(folder) if (match := _FILE.fullmatch(entry.name))}


@lru_cache(1_024)  # putting a path together takes 1.4 µs, and several are needed for a request
def _file(folder: Path, tenant_id: str) -> Path:
    return folder / f"tenant_{tenant_id}.db"


def with_sidecars(file: Path) -> list[Path]:
    """A database and the names of its sidecars, in the order in which they are moved."""
    return [file, *(Path(f"{file}{suffix}") for suffix in SIDECARS)]


def move_database(file: Path, target: Path) -> bool:
    """Moves a database with its sidecars; a repetition continues it. False: another process has it open."""
    for source, destination in zip(with_sidecars(file), with_sidecars(target), strict=True):
        if not _rename(source, destination):
            log.warning("%s is open in another process and could not be moved yet", file.name)
            return False
    sync_folder(target.parent)
    sync_folder(file.parent)
    return True


def remove_database(file: Path) -> bool:
    """Removes a database with its sidecars. False: another process has it open."""
    try:
        for each in with_sidecars(file):
            each.unlink(missing_ok=True)
    except PermissionError:
        return False
    return True


def make_folder(folder: Path, *, inner: bool = False) -> None:
    """Makes a folder and its parents so that their names survive a power loss. Idempotent.

    `inner`: it is a part of the folder it is in, and so for the same users.
    """
    if not folder.parent.exists():
        make_folder(folder.parent)
    if not folder.exists():
        folder.mkdir(mode=0o700, exist_ok=True)  # another process may be faster
        hand_over(folder, shared=inner)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Makes names in the folder survive a power loss, if the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sorted_files(folder: Path) -> Iterator[Path]:
    """The databases in a folder, by name."""
    yield from sorted(folder.glob("*.db"))


def _rename(source: Path, target: Path) -> bool:
    for _ in range(_MOVE_TRIES):
        try:
            source.replace(target)
            return True
        except FileNotFoundError:
            return True
        except PermissionError:
            time.sleep(0.05)
    return False
