"""Turns: the threads of a process that answer small requests do so one after the other.

Python runs one thread at a time, and its module for SQLite gives that up and takes it back with every statement. Where
eight threads have a request each, all of them are woken again and again to do nothing. So a request takes a turn once
its body is there, and leaves it: while it waits for a lock, and for good with its commit. One process with eight
connections (FINWISE_WORKERS=1, `python -m benchmarks --peers finwise`) answered 3,626 polls and 1,646 small pushes a
second; without turns 2,939 and 1,132.

A turn protects nothing. A thread that gets none within some milliseconds goes on without it, so that a slow one
does not hold up the others.
"""

from threading import Lock, local

_PATIENCE = 0.02  # seconds


class _Mine(local):
    """Whether this thread has the turn; whether what it works on is too large for one."""

    held = False
    stays_out = False


class Turn:
    """A block that is worked on in turn."""

    def __enter__(self) -> None:
        _mine.held = not _mine.stays_out and _turn.acquire(timeout=_PATIENCE)

    def __exit__(self, *error: object) -> None:
        leave()


class Wait:
    """A block that waits for something; within a turn that is left meanwhile."""

    __slots__ = ("_left",)

    def __enter__(self) -> None:
        self._left = leave()

    def __exit__(self, *error: object) -> None:
        if self._left:
            _mine.held = _turn.acquire(timeout=_PATIENCE)


def stay_out() -> None:
    """Until `take_part` this thread takes no turns, for it would keep the others waiting for long."""
    _mine.stays_out = True


def take_part() -> None:
    """From here on this thread takes turns again."""
    _mine.stays_out = False


def leave() -> bool:
    """Ends this thread's turn, where little is left to be done: whether it had one."""
    had, _mine.held = _mine.held, False
    if had:
        _turn.release()
    return had


_turn = Lock()
_mine = _Mine()
