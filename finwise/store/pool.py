"""Idle connections: opening and closing one costs more than a small request itself.

A waiting connection is used again only if the file at its path is still the one it was opened on; whether a tenant was
deleted meanwhile is seen by the mark in the file (databases.py). There are few, for any number of files, and
they close after a few seconds: with the last connection SQLite folds the write-ahead log into the file.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Timer
from typing import NamedTuple

from finwise.errors import quarantined
from finwise.store.connection import Connection, connect

IDLE_SECONDS = 5.0
SIZE = 32  # waiting connections of a process, of three file descriptors each

Identity = tuple[int, int]  # which file it is, whatever its name: device and inode


class _Waiting(NamedTuple):
    path: str
    identity: Identity
    connection: Connection
    since: float


class Pool:
    """Lends connections to files; each has one borrower at a time."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._waiting: list[_Waiting] = []  # the longest waiting first
        self._inherited: list[_Waiting] = []
        self._process = os.getpid()
        self._sweeping = False

    def connection(self, path: Path) -> "Loan":
        """A connection to an existing file; not used again if the block raises. Raises Quarantined if none is."""
        return Loan(self, str(path))

    def close(self, path: Path | None = None) -> None:
        """Closes the waiting connections to a file, or all."""
        wanted = path and str(path)
        self._close_where(lambda waiting: wanted in (None, waiting.path))

    def take(self, path: str, identity: Identity) -> Connection | None:
        """A waiting connection to the file of this identity; for `Loan` alone."""
        with self._guard:
            self._forget_inherited()
            for place in range(len(self._waiting) - 1, -1, -1):
                if self._waiting[place].path == path:
                    found = self._waiting.pop(place)
                    break
            else:
                return None
        if found.identity == identity:
            return found.connection
        found.connection.close()
        return None

    def give_back(self, path: str, identity: Identity, connection: Connection) -> None:
        """Lets a connection wait for its next use; for `Loan` alone."""
        returned = _Waiting(path, identity, connection, time.monotonic())
        surplus = None
        with self._guard:
            self._waiting.append(returned)
            if len(self._waiting) > SIZE:
                surplus = self._waiting.pop(0)
            starts, self._sweeping = not self._sweeping, True
        if surplus:
            surplus.connection.close()
        if starts:
            self._sweep_later()

    def _forget_inherited(self) -> None:
        """Leaves alone what the parent opened: a connection must be neither used nor closed across a fork."""
        if self._process != os.getpid():
            self._inherited, self._waiting = self._waiting, []
            self._process, self._sweeping = os.getpid(), False

    def _sweep_later(self) -> None:
        timer = Timer(IDLE_SECONDS, self._sweep)
        timer.daemon = True
        timer.start()

    def _sweep(self) -> None:
        limit = time.monotonic() - IDLE_SECONDS
        self._close_where(lambda waiting: waiting.since <= limit)
        with self._guard:
            again = self._sweeping = bool(self._waiting)
        if again:
            self._sweep_later()

    def _close_where(self, ends: Callable[[_Waiting], bool]) -> None:
        with self._guard:
            self._forget_inherited()
            closing = [waiting for waiting in self._waiting if ends(waiting)]
            self._waiting = [waiting for waiting in self._waiting if not ends(waiting)]
        for waiting in closing:
            waiting.connection.close()


class Loan:
    """A connection that is lent for a block. A class: as a generator it would take a quarter longer.

    identity: which file was found; None before, and where none was.
    """

    def __init__(self, pool: Pool, path: str) -> None:
        self._pool = pool
        self._path = path
        self.identity: Identity | None = None

    def __enter__(self) -> Connection:
        known = self._find()
        connection = self._pool.take(self._path, known)
        while connection is None:
            known = self._find()
            connection = _open(self._path, known)
        self._known, self._connection = known, connection
        return connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            self._pool.give_back(self._path, self._known, self._connection)
        else:
            self._connection.close()

    def _find(self) -> Identity:
        self.identity = identity(self._path)
        if self.identity is None:
            raise quarantined()
        return self.identity


def _open(path: str, known: Identity) -> Connection | None:
    """A connection to the file of this identity; None if another file took its place meanwhile.

    SQLite opens the log by its name, and only with the first read: beside a file that was moved away just before, that
    would be the log of the file that came after it.
    """
    connection = connect(Path(path))
    try:
        connection.execute("PRAGMA user_version").fetchone()
        if identity(path) == known:
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def identity(path: Path | str) -> Identity | None:
    """Which file lies there; None if none does."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
