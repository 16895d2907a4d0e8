"""Verifying passwords, slowly for those who guess: failures are counted in all processes together.

Counted are those of an account from an address, of an address whatever the account, and of an account whatever the
address. The last would let strangers keep somebody out, so it does not hold where that person has logged in before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from finwise.domain.events import tell
from finwise.domain.names import canonical_email
from finwise.errors import Busy, SlowDown

WINDOW = 15 * 60 * 1_000_000  # µs for which a failed attempt counts


class PasswordHasher(Protocol):
    """How passwords become text and are compared with it."""

    def hash(self, password: str) -> str: ...

    def verify(self, hashed: str | None, password: str) -> bool:
        """Takes as long for a missing hash as for a wrong password."""

    def is_outdated(self, hashed: str, password: str) -> bool:
        """Whether the text stored for this password was made in another way than `hash` does it today."""


class Most(NamedTuple):
    """Failed attempts within the window after which whoever tries must wait."""

    here: int  # at an account, from an address
    address: int  # from an address, at all accounts
    account: int  # at an account, from all addresses


class FailedLogins(Protocol):
    """users.db, as far as it is about failed attempts."""

    def add_within(self, account: str, address: str, *, now: int, window: int, most: Most) -> int | None:
        """Counts an attempt as failed before it is made, so that attempts at the same moment count as well.

        Where there are too many within the window already, none is added, and the time (µs) at which there are less
        again is returned.
        """

    def take_back(self, account: str, address: str, now: int) -> None:
        """Forgets the one attempt that was counted at `now`."""

    def delete(self, account: str, address: str) -> None:
        """Forgets the attempts at an account from an address."""

    def add_known(self, account: str, address: str, now: int) -> None:
        """Remembers that somebody has logged in to the account from there."""


class Logins:
    """The one place where a password is compared. `failures`: an account's and address's before they must wait."""

    def __init__(self, failed: FailedLogins, passwords: PasswordHasher, failures: int) -> None:
        self._failed = failed
        self._passwords = passwords
        self._most = Most(failures, 10 * failures, 20 * failures)

    def verify(self, hashed: str | None, account: str, password: str, address: str, now: int) -> bool:
        """Whether the password belongs to the stored text; without one it takes as long. Raises SlowDown."""
        try:
            with self.attempt(account, address, now):
                right = self._passwords.verify(hashed, password)
        except SlowDown as error:
            tell("login.throttled", account=_told(account), wait=error.retry_after)
            raise
        if right:
            self._failed.delete(account, address)
            self._failed.add_known(account, address, now)
        else:
            tell("login.failed", account=_told(account))
        return right

    @contextmanager
    def attempt(self, account: str, address: str, now: int) -> Iterator[None]:
        """Counts what is done in the context as a failed attempt, until it is taken back. Raises SlowDown."""
        free_at = self._failed.add_within(account, address, now=now, window=WINDOW, most=self._most)
        if free_at is not None:
            seconds = -(-(free_at - now) // 1_000_000)
            raise SlowDown("Too many failed attempts. Wait before the next one.", retry_after=max(1, seconds))
        try:
            yield
        except Busy:  # nothing was compared, so nothing was guessed
            self.take_back(account, address, now)
            raise

    def take_back(self, account: str, address: str, now: int) -> None:
        """Forgets an attempt, for it was none."""
        self._failed.take_back(account, address, now)


def _told(account: str) -> str:
    """An account for the log. What is no e-mail address is not told: it may be a password in the wrong field."""
    return canonical_email(account) or "(no e-mail address)"
