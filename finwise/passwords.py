"""Passwords are hashed with argon2id: 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet).

One hash keeps a core busy for about 35 ms. So a process makes one at a time, and a few may wait for it. More than that
are refused at once, because each that waits holds a thread that sync could use. One thread makes all hashes: the C
library keeps memory for each thread that ever made one, which was 320 MiB for 64 threads.

A password is hashed in Unicode's composed form (NFC), for one system sends `ü` as one character and another as two.
Hashes that FinWise made before it did so are of the form that was typed: they are compared with as well, and replaced.
"""

import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from finwise.errors import Busy

MEMORY = 19 * 1024  # KiB
PASSES = 2

T = TypeVar("T")


class Passwords:
    """Hashes and verifies. Both raise Busy when `most` are at it or wait for it."""

    def __init__(self, most: int) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=1)
        self._places = BoundedSemaphore(most)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._nobodys = self._hasher.hash("the password of nobody")

    def hash(self, password: str) -> str:
        """The text to store for a password."""
        return self._in_turn(lambda: self._hasher.hash(_composed(password)))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password belongs to the stored text; takes as long when there is none."""
        fits = self._in_turn(lambda: any(self._fits(hashed or self._nobodys, form) for form in _forms(password)))
        return fits and hashed is not None

    def is_outdated(self, hashed: str, password: str) -> bool:
        """Whether the text stored for this password was made in another way than `hash` does it today."""
        if self._hasher.check_needs_rehash(hashed):
            return True
        return len(_forms(password)) > 1 and not self._in_turn(lambda: self._fits(hashed, _composed(password)))

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _in_turn(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Busy("Too many people log in at once. Try again in a moment.", retry_after=2)
        try:
            return self._thread.submit(work).result()
        finally:
            self._places.release()


def _composed(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _forms(password: str) -> list[str]:
    """The forms in which it may have been hashed; ASCII has one only."""
    return list(dict.fromkeys([_composed(password), password, unicodedata.normalize("NFD", password)]))
