"""Locks between processes and threads, fair to all waiters.

SQLite's own waiting is not: with eight writers and a timeout of 5 s some were never served, while a blocking `flock`
served all alike. Each lock is a file of its own that is never removed; every holder opens it again, so that threads of
one process wait for each other as well.
"""

import os
import sys
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from finwise.errors import Busy
from finwise.store.permissions import hand_over
from finwise.turns import Wait

_FLAGS = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
STRIPES = 1024  # tenants share this many lock files; two that share one only wait for each other

if sys.platform == "win32":  # pragma: no cover - runs on Windows only
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _EXCLUSIVE, _AT_ONCE = 0x2, 0x1  # LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY

    class _Overlapped(ctypes.Structure):
        """Where in the file to lock: at its start."""

        _fields_ = (
            ("internal", ctypes.c_void_p),
            ("internal_high", ctypes.c_void_p),
            ("offset", wintypes.DWORD),
            ("offset_high", wintypes.DWORD),
            ("event", wintypes.HANDLE),
        )

    _lock_file = ctypes.WinDLL("kernel32", use_last_error=True).LockFileEx
    _lock_file.argtypes = (
        wintypes.HANDLE,
        wintypes.DWORD,
        wintypes.DWORD,
        wintypes.DWORD,
        wintypes.DWORD,
        ctypes.POINTER(_Overlapped),
    )
    _lock_file.restype = wintypes.BOOL

    def _acquire(descriptor: int, *, wait: bool) -> bool:
        """Whether the lock is held now. Windows wakes waiters in the order they came."""
        handle = msvcrt.get_osfhandle(descriptor)
        flags = _EXCLUSIVE if wait else _EXCLUSIVE | _AT_ONCE
        if _lock_file(handle, flags, 0, 1, 0, ctypes.byref(_Overlapped())):
            return True
        if wait:
            raise ctypes.WinError(ctypes.get_last_error())
        return False
else:
    import fcntl

    def _acquire(descriptor: int, *, wait: bool) -> bool:
        """Whether the lock is held now."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _acquired_later(descriptor: int) -> bool:
    with Wait():
        return _acquire(descriptor, wait=True)


class _Held:
    """A class, as the blocks of connection.py: a generator takes longer."""

    __slots__ = ("_descriptor", "_path", "_wait")

    def __init__(self, path: Path, wait: bool) -> None:
        self._path = path
        self._wait = wait

    def __enter__(self) -> None:
        self._descriptor = open_beside(self._path)
        try:
            if not _acquire(self._descriptor, wait=False) and not (self._wait and _acquired_later(self._descriptor)):
                raise Busy("The book is being written to. Try again in a moment.", retry_after=2)
        except BaseException:
            os.close(self._descriptor)
            raise

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)  # and with it the lock


def open_beside(path: Path) -> int:
    """A descriptor to write to a file beside the locks, which is made if it is not there."""
    try:
        return os.open(path, _FLAGS)
    except FileNotFoundError:
        descriptor = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        hand_over(path)
        return descriptor


def locked(path: Path, *, wait: bool = True) -> _Held:
    """A block that holds the lock file `path`, which is made if it is not there; waits as long as it takes.

    Without `wait`, raises Busy if somebody holds it.
    """
    return _Held(path, wait)


def are_kept(folder: Path) -> bool:
    """Whether locks in this folder keep others out; on some network drives they do not."""
    probe = folder / "probe.lock"
    with locked(probe):
        try:
            with locked(probe, wait=False):
                return False
        except Busy:
            return True


@lru_cache(STRIPES)
def stripe(folder: Path, tenant_id: str) -> Path:
    """The lock file of a tenant."""
    return folder / f"{crc32(tenant_id.encode()) % STRIPES:03x}.lock"
