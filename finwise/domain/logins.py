"""Verifying passwords, slowly for those who guess: failures are counted per account and address, in all processes."""

from typing import Protocol

from finwise.errors import SlowDown

FAILURES = 5  # failed attempts after which an account and address must wait
WINDOW = 15 * 60 * 1_000_000  # µs for which a failed attempt counts


class PasswordHasher(Protocol):
    """How passwords become text and are compared with it."""

    def hash(self, password: str) -> str: ...

    def verify(self, hashed: str | None, password: str) -> bool:
        """Takes as long for a missing hash as for a wrong password."""

    def is_outdated(self, hashed: str) -> bool: ...


class FailedLogins(Protocol):
    """users.db, as far as it is about failed attempts."""

    def add_within(self, account: str, address: str, *, now: int, window: int, most: int) -> int | None:
        """Counts an attempt as failed before it is made, so that attempts at the same moment count as well.

        Where there are `most` within the window already, none is added, and the time (µs) at which the oldest of them
        leaves it is returned.
        """

    def delete(self, account: str, address: str) -> None:
        """Forgets the attempts of an account and address."""


class Logins:
    """The one place where a password is compared."""

    def __init__(self, failed: FailedLogins, passwords: PasswordHasher) -> None:
        self._failed = failed
        self._passwords = passwords

    def verify(self, hashed: str | None, account: str, password: str, address: str, now: int) -> bool:
        """Whether the password belongs to the stored text; without one it takes as long. Raises SlowDown."""
        free_at = self._failed.add_within(account, address, now=now, window=WINDOW, most=FAILURES)
        if free_at is not None:
            seconds = -(-(free_at - now) // 1_000_000)
            raise SlowDown("Too many failed attempts. Wait before the next one.", retry_after=max(1, seconds))
        right = self._passwords.verify(hashed, password)
        if right:
            self._failed.delete(account, address)
        return right
