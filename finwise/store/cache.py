"""What was found in a file, as long as the file has not changed: a poll that finds nothing reads no table."""

import sqlite3
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

MOST_ANSWERS = 1_000  # of a connection; a household asks users.db three questions

T = TypeVar("T")


class Cache:
    """The answers that one connection has found.

    SQLite tells whether another connection has committed (`data_version`), and how many rows this one has changed
    (`total_changes`), for less than the simplest query takes. A write of this connection ends all answers until the
    next `look`, unless `told` says which of them it changes. SQLite does not count changes of the schema: code that
    makes them calls `forget`.
    """

    __slots__ = ("_answers", "_changes", "_connection", "_version")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._answers: dict[Hashable, Any] = {}
        self._version = -1
        self._changes = -1  # the `total_changes` for which the answers hold; -1: they do not

    def __len__(self) -> int:
        return len(self._answers)

    def look(self) -> None:
        """Looks whether the file has changed; from here on answers are kept. Called when a block begins."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        changes = self._connection.total_changes
        if version != self._version or changes != self._changes or len(self._answers) > MOST_ANSWERS:
            self._answers = {}
            self._version, self._changes = version, changes

    def recall(self, question: Hashable, find: Callable[[], T], keeps: Callable[[T], bool] = lambda _: True) -> T:
        """The cached answer, or that of `find`, which is cached unless it is None or `keeps` says no."""
        if self._connection.total_changes != self._changes:
            return find()
        answer: T | None = self._answers.get(question)
        if answer is None:
            answer = find()
            if keeps(answer):
                self._answers[question] = answer
        return answer

    def told(self, written: sqlite3.Cursor, answers: Mapping[Hashable, Any] | None = None) -> None:
        """Says what a write made of the answers: these are others now, and all the rest still hold."""
        if written.rowcount > 0 and self._changes >= 0:
            self._changes += written.rowcount  # less than `total_changes` for good if another write said nothing
        if answers:
            self._answers.update(answers)

    def drop(self, question: Hashable) -> None:
        """Ends one answer."""
        self._answers.pop(question, None)

    def forget(self) -> None:
        """Ends all answers until the next `look`."""
        self._changes = -1
