"""Passwords are hashed with argon2id: 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet).

One hash keeps a core busy for about 35 ms. So a process makes one at a time, and a few may wait for it. If more come,
those of the highest rank are refused at once, because each that waits holds a thread that sync could use. One thread
makes all hashes: the C library keeps memory for each thread that ever made one, which was 320 MiB for 64 threads.

A password is hashed in Unicode's composed form (NFC), for one system sends `ü` as one character and another as two.
Hashes that FinWise made before it did so are of the form that was typed: they are compared with as well, and replaced.
"""

import os
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock, get_native_id
from typing import Any, NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from finwise.errors import Busy

MEMORY = 19 * 1024  # KiB
PASSES = 2

_NICE = 10  # of 0 to 19, as the command `nice` has it

T = TypeVar("T")


class _Waiting(NamedTuple):
    """A password that waits to be hashed or compared: its rank, the work, and the place for its result."""

    rank: int
    work: Callable[[], Any]
    result: Future[Any]


class Passwords:
    """Hashes and verifies, in the order of their ranks: the lowest first. Both raise Busy if `most` are before them."""

    def __init__(self, most: int) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=1)
        self._most = most
        self._taken = 0
        self._waiting: list[_Waiting] = []
        self._guard = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords", initializer=_let_others_go_first)
        self._nobodys = self._hasher.hash("the password of nobody")

    def hash(self, password: str, rank: int = 0) -> str:
        """The text to store for a password."""
        return self._in_turn(lambda: self._hasher.hash(_compose(password)), rank)

    def verify(self, hashed: str | None, password: str, rank: int = 0) -> bool:
        """Whether the password belongs to the stored text; takes as long when there is none."""
        fits = self._in_turn(lambda: any(self._fits(hashed or self._nobodys, form) for form in _forms(password)), rank)
        return fits and hashed is not None

    def is_outdated(self, hashed: str, password: str) -> bool:
        """Whether the text stored for this password was made in another way than `hash` does it today."""
        if self._hasher.check_needs_rehash(hashed):
            return True
        return len(_forms(password)) > 1 and not self._in_turn(lambda: self._fits(hashed, _compose(password)), 0)

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _in_turn(self, work: Callable[[], T], rank: int) -> T:
        mine = _Waiting(rank, work, Future())
        with self._guard:
            if self._taken >= self._most:
                self._send_away_for(rank)
            self._taken += 1
            self._waiting.append(mine)
        self._thread.submit(self._do_the_first)
        result: T = mine.result.result()
        return result

    def _send_away_for(self, rank: int) -> None:
        """Makes room for one of this rank, if one of a higher rank waits. Raises Busy."""
        last = max(self._waiting, key=lambda each: each.rank, default=None)
        if last is None or last.rank <= rank:
            raise _busy()
        self._waiting.remove(last)
        self._taken -= 1
        last.result.set_exception(_busy())

    def _do_the_first(self) -> None:
        with self._guard:
            if not self._waiting:  # it was sent away
                return
            first = min(self._waiting, key=lambda each: each.rank)
            self._waiting.remove(first)
        try:
            tell = partial(first.result.set_result, first.work())
        except BaseException as error:
            tell = partial(first.result.set_exception, error)
        with self._guard:  # before the result is told, because its reader may come again at once
            self._taken -= 1
        tell()


def _busy() -> Busy:
    return Busy("Too many people log in at once. Try again in a moment.", retry_after=2)


def _let_others_go_first() -> None:
    """Gives the thread a low priority if the system has one for each thread: those who log in can wait, sync cannot."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICE)


def _compose(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _forms(password: str) -> list[str]:
    """The forms in which it may have been hashed; ASCII has one only."""
    return list(dict.fromkeys([_compose(password), password, unicodedata.normalize("NFD", password)]))
