"""Passwords are hashed with argon2id: 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet).

One hash keeps a core busy for about 35 ms; at most two run at once in a process, so that guessing cannot starve sync.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from finwise.errors import Busy

_AT_ONCE = 2
_WAIT_SECONDS = 10


class Passwords:
    """Hashes and verifies. Both raise Busy when too many others wait."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turns = BoundedSemaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash("the password of nobody")

    def hash(self, password: str) -> str:
        """The text to store for a password."""
        with self._turn():
            return self._hasher.hash(password)

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password belongs to the stored text; takes as long when there is none."""
        with self._turn():
            try:
                return self._hasher.verify(hashed or self._nobodys, password) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

    def is_outdated(self, hashed: str) -> bool:
        """Whether the stored text was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=_WAIT_SECONDS):
            raise Busy("Too many people log in at once. Try again in a moment.", retry_after=5)
        try:
            yield
        finally:
            self._turns.release()
