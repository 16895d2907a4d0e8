"""Locks between processes and threads, fair to all who wait.

SQLite's own waiting is not: with eight writers and a timeout of 5 s some were never served, while a blocking `flock`
served all alike. Each lock is a file of its own that is never removed; every holder opens it anew, so that threads of
one process wait for each other as well.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

STRIPES = 1024  # tenants share this many lock files; two that share one only wait for each other

if sys.platform == "win32":  # pragma: no cover - runs on Windows only
    import msvcrt

    def _acquire(descriptor: int) -> None:
        while True:  # msvcrt has no lock that waits fairly and without end, so this one asks again
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                return
            except OSError:
                time.sleep(0.002)
else:
    import fcntl

    def _acquire(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock file `path`, which is made if it is not there; waits as long as it takes."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _acquire(descriptor)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def stripe(folder: Path, tenant_id: str) -> Path:
    """The lock file of a tenant."""
    return folder / f"{crc32(tenant_id.encode()) % STRIPES:03x}.lock"
