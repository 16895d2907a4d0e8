"""Turns: the threads of a process that answer small requests do so one after the other.

Python runs one thread at a time, and its module for SQLite gives that up and takes it back with every statement. Where
eight threads have a request each, all of them are woken again and again to do nothing. So a request takes a turn once
its body is there, and leaves it: while it waits for a lock, and for good with its commit. One process with eight
connections (FINWISE_WORKERS=1, `python -m benchmarks --peers finwise`) answered 3,626 polls and 1,646 small pushes a
second; without turns 2,939 and 1,132.

Without turns, small pushes over eight threads take 1.43 times as long (`python -m benchmarks.tricks turns`).

A turn protects nothing. A thread that gets none within some milliseconds goes on without it, so that a slow one
does not hold up the others.

Large requests have a turn of their own, one at a time, and for much longer: of two that are worked on at once each
takes twice as long, and small requests wait for both.
"""

from threading import Lock, local

_PATIENCE = 0.02  # seconds
_LARGE_PATIENCE = 5.0  # seconds


class _Mine(local):
    """Which turns this thread has. A thread with a large request stays out of those for small ones."""

    held = False
    stays_out = False
    held_large = False


class Turn:
    """A block that is worked on in turn."""

    def __enter__(self) -> None:
        _mine.held = not _mine.stays_out and _turn.acquire(timeout=_PATIENCE)

    def __exit__(self, *error: object) -> None:
        leave()


class Wait:
    """A block that waits for something; within a turn that is left meanwhile."""

    __slots__ = ("_left", "_left_large")

    def __enter__(self) -> None:
        self._left = leave()
        self._left_large = _leave_large()

    def __exit__(self, *error: object) -> None:
        if self._left_large:  # briefly, for what was waited for may be a lock
            _mine.held_large = _large_turn.acquire(timeout=_PATIENCE)
        if self._left:
            _mine.held = _turn.acquire(timeout=_PATIENCE)


def begin_large() -> bool:
    """Waits some seconds for the turn of large requests; whether it came. Until `end_large` it is this thread's one."""
    _mine.stays_out = _mine.held_large = _large_turn.acquire(timeout=_LARGE_PATIENCE)
    return _mine.held_large


def end_large() -> None:
    """From here on this thread takes turns of small requests again."""
    _leave_large()
    _mine.stays_out = False


def _leave_large() -> bool:
    had, _mine.held_large = _mine.held_large, False
    if had:
        _large_turn.release()
    return had


def leave() -> bool:
    """Ends this thread's turn, because little is left to do. Returns whether it had one."""
    had, _mine.held = _mine.held, False
    if had:
        _turn.release()
    return had


_turn = Lock()
_large_turn = Lock()
_mine = _Mine()
