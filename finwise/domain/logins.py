"""Verifying passwords, slowly for those who guess: failed attempts are counted in all processes together.

Guessing must be slow, and yet nobody can lock somebody out. So an address that guesses at an account waits, and nobody
else does. Once many addresses guess at an account, each of them has its few attempts within a day instead of within 15
minutes. From an address that has not guessed, the right password is always accepted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import NamedTuple, Protocol

from finwise.domain.events import tell
from finwise.domain.names import canonical_email
from finwise.errors import Busy, SlowDown

WINDOW = 15 * 60 * 1_000_000  # µs for which a failed attempt counts
DAY = 24 * 60 * 60 * 1_000_000  # µs for which it counts while many guess at the account
FIRST = 0  # the rank of people who have logged in from that address before

_REST = 10 * 1_000_000  # µs
_SITE_PREFIX = 48  # bits of an IPv6 address; one customer may have as many networks as fit in there


class PasswordHasher(Protocol):
    """How passwords become text and are compared with it. If many wait, those of a lower rank go first."""

    def hash(self, password: str, rank: int = FIRST) -> str: ...

    def verify(self, hashed: str | None, password: str, rank: int = FIRST) -> bool:
        """Takes as long for a missing hash as for a wrong password."""

    def is_outdated(self, hashed: str, password: str) -> bool:
        """Whether the text stored for this password was made in another way than `hash` does it today."""


class Counted(NamedTuple):
    """The failed attempts that fill a limit: when the oldest one of so many was made, in µs; None: there are fewer."""

    here: int | None  # at the account from the address, within WINDOW
    address: int | None  # from the address, within WINDOW
    account: int | None  # at the account, within WINDOW
    here_today: int | None  # at the account from the address, within DAY
    site_today: int | None  # at the account from the address's site, within DAY
    known_at: int | None  # when somebody last logged in to the account from the address
    failures: int  # from the address, within DAY; no more than are told apart


class Most(NamedTuple):
    """Failed attempts after which the next one must wait."""

    here: int  # at an account, from an address
    address: int  # from an address, at all accounts
    account: int  # at an account, from all addresses
    site: int  # at an account at which many guess, from an IPv6 network of 48 bits

    def free_at(self, counted: Counted) -> int | None:
        """When (µs) the next attempt may be made; None: now."""
        waits = [_after(counted.here, WINDOW)]
        if counted.known_at is None:
            waits.append(_after(counted.address, WINDOW))
            today = max(_after(counted.here_today, DAY), _after(counted.site_today, DAY))
            waits.append(min(_after(counted.account, WINDOW), today))
        return max(waits) or None


class Attempt(NamedTuple):
    """An attempt that was counted, with its rank among those who wait; or when (µs) it may be made."""

    free_at: int | None
    rank: int


def rank_of(counted: Counted, now: int) -> int:
    """First who is known, then strangers by their failures. Who logs in again and again is as good as a stranger."""
    if counted.known_at is not None and counted.known_at <= now - _REST:
        return FIRST
    return FIRST + 1 + counted.failures


class FailedLogins(Protocol):
    """users.db, as far as it is about failed attempts."""

    def add_within(self, account: str, address: str, site: str, *, now: int, most: Most) -> Attempt:
        """Counts an attempt as failed before it is made, so that attempts at the same moment count as well.

        If there are too many already, none is added.
        """

    def take_back(self, account: str, address: str, now: int) -> None:
        """Forgets the one attempt that was counted at `now`."""

    def delete(self, account: str, address: str) -> None:
        """Forgets the attempts at an account from an address."""

    def add_known(self, account: str, address: str, now: int) -> None:
        """Remembers that somebody has logged in to the account from there."""


class Logins:
    """The one place where a password is compared. `failures`: an account's and address's before they must wait.

    An `address` is an IPv4 address, the network of an IPv6 address, or another name of the sender, such as a token.
    """

    def __init__(self, failed: FailedLogins, passwords: PasswordHasher, failures: int) -> None:
        self._failed = failed
        self._passwords = passwords
        self._most = Most(failures, 10 * failures, 20 * failures, 100 * failures)

    def verify(self, hashed: str | None, account: str, password: str, address: str, now: int) -> bool:
        """Whether the password belongs to the stored text; without one it takes as long. Raises SlowDown."""
        with self.attempt(account, address, now, event="login.throttled", account=_mask(account)) as rank:
            right = self._passwords.verify(hashed, password, rank)
        if right:
            self._failed.delete(account, address)
            self._failed.add_known(account, address, now)
        else:
            tell("login.failed", account=_mask(account))
        return right

    @contextmanager
    def attempt(self, counted: str, address: str, now: int, **told: str) -> Iterator[int]:
        """Counts what is done in the context as a failed attempt, until it is taken back: its rank.

        Raises SlowDown, with what is `told` of it.
        """
        free_at, rank = self._failed.add_within(counted, address, _site(address), now=now, most=self._most)
        if free_at is not None:
            seconds = -(-(free_at - now) // 1_000_000)
            raise SlowDown("Too many failed attempts. Wait before the next one.", retry_after=max(1, seconds), **told)
        try:
            yield rank
        except Busy:  # nothing was compared, so nothing was guessed
            self.take_back(counted, address, now)
            raise

    def take_back(self, account: str, address: str, now: int) -> None:
        """Forgets an attempt, for it was none."""
        self._failed.take_back(account, address, now)


def _after(time: int | None, window: int) -> int:
    """When something is older than a window; 0 if there is nothing."""
    return 0 if time is None else time + window


def _site(address: str) -> str:
    """The wider network of an IPv6 network; anything else is a site of its own."""
    if ":" not in address:
        return address
    try:
        return str(ip_network(address).supernet(new_prefix=_SITE_PREFIX))
    except ValueError:
        return address


def _mask(account: str) -> str:
    """An account for the log. What is no e-mail address is not told: it may be a password in the wrong field."""
    return canonical_email(account) or "(no e-mail address)"
