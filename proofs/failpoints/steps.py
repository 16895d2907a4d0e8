"""The steps of a work, counted; a process may die at one of them."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

_CHANGES_SOMETHING = re.compile(
    r"\s*(BEGIN|COMMIT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|VACUUM|PRAGMA (?:wal_checkpoint|journal_mode ?=|\w+ = ))",
    re.IGNORECASE,
)
_SETTINGS = re.compile(
    r"PRAGMA (foreign_keys|synchronous|trusted_schema|cell_size_check|wal_auto|busy_t|max_page)", re.I
)
_CALLS = ("fsync", "replace", "rename", "unlink", "mkdir")


class Steps:
    """Counts the steps of this process, and kills it before the one with number `last`."""

    def __init__(self, last: int | None = None) -> None:
        self.number = 0
        self._last = last

    def __call__(self, statement: str = "") -> None:
        if statement and (not _CHANGES_SOMETHING.match(statement) or _SETTINGS.match(statement)):
            return
        self.number += 1
        if self.number == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """From now on every connection and every call of this process is watched."""
        connect = sqlite3.connect

        def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            if arguments[0] != ":memory:":
                connection.set_trace_callback(self)
            return connection

        setattr(sqlite3, "connect", watched)  # noqa: B010 - mypy knows an overloaded function there
        for name in _CALLS:
            setattr(os, name, self._watched(getattr(os, name)))

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self()
            return call(*arguments, **options)

        return watched
