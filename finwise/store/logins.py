"""The SQL of failed attempts to log in. What strangers send is kept as a hash, and of everything there is a bound."""

from hashlib import sha256

from finwise.domain.logins import DAY, WINDOW, Attempt, Counted, Most, rank_of
from finwise.store.users_database import UsersDatabase

MOST_ATTEMPTS = 100_000  # that are remembered, of all accounts; about 30 MiB
MOST_KNOWN = 50  # addresses of an account

_KNOWN_FOR = 90 * DAY  # µs that an address is known after somebody has logged in from it
_RANKS = 50  # failures of an address that are told apart


class FailedLogins:
    """users.db, as far as it is about failed attempts (domain/logins.py says what is promised)."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self._users_database = users_database

    def add_within(self, account: str, address: str, site: str, *, now: int, most: Most) -> Attempt:
        sent = {"account": account, "hashed": _hash(account), "address": address, "site": site}
        offsets = {f"most_{name}": number - 1 for name, number in most._asdict().items()}
        with self._users_database.transact() as connection:
            # One that lies ahead was counted before the clock was put back.
            connection.execute(
                "DELETE FROM failed_logins WHERE failed_at <= ? OR failed_at > ?", (now - DAY, now + WINDOW)
            )
            row = connection.execute(
                """SELECT
                     (SELECT failed_at FROM failed_logins
                      WHERE account = :hashed AND address = :address AND failed_at > :recent
                      ORDER BY failed_at DESC LIMIT 1 OFFSET :most_here),
                     (SELECT failed_at FROM failed_logins WHERE address = :address AND failed_at > :recent
                      ORDER BY failed_at DESC LIMIT 1 OFFSET :most_address),
                     (SELECT failed_at FROM failed_logins WHERE account = :hashed AND failed_at > :recent
                      ORDER BY failed_at DESC LIMIT 1 OFFSET :most_account),
                     (SELECT failed_at FROM failed_logins WHERE account = :hashed AND address = :address
                      ORDER BY failed_at DESC LIMIT 1 OFFSET :most_here),
                     (SELECT failed_at FROM failed_logins WHERE account = :hashed AND site = :site
                      ORDER BY failed_at DESC LIMIT 1 OFFSET :most_site),
                     (SELECT seen_at FROM known_addresses WHERE account = :account AND address = :address),
                     (SELECT count(*) FROM (SELECT 1 FROM failed_logins WHERE address = :address LIMIT :ranks))""",
                {**sent, **offsets, "recent": now - WINDOW, "ranks": _RANKS},
            ).fetchone()
            counted = Counted(*row)
            free_at = most.free_at(counted)
            if free_at is None:
                connection.execute(
                    "INSERT INTO failed_logins (account, address, site, failed_at) VALUES (?, ?, ?, ?)",
                    (sent["hashed"], address, site, now),
                )
                connection.execute(
                    "DELETE FROM failed_logins WHERE rowid <= (SELECT max(rowid) FROM failed_logins) - ?",
                    (MOST_ATTEMPTS,),
                )
            return Attempt(free_at, rank_of(counted, now))

    def take_back(self, account: str, address: str, now: int) -> None:
        with self._users_database.transact() as connection:
            connection.execute(
                """DELETE FROM failed_logins WHERE rowid =
                   (SELECT max(rowid) FROM failed_logins WHERE account = ? AND address = ? AND failed_at = ?)""",
                (_hash(account), address, now),
            )

    def delete(self, account: str, address: str) -> None:
        with self._users_database.transact() as connection:
            connection.execute("DELETE FROM failed_logins WHERE account = ? AND address = ?", (_hash(account), address))

    def add_known(self, account: str, address: str, now: int) -> None:
        with self._users_database.transact() as connection:
            connection.execute("DELETE FROM known_addresses WHERE seen_at < ?", (now - _KNOWN_FOR,))
            connection.execute(
                """INSERT INTO known_addresses (account, address, seen_at) VALUES (?, ?, ?)
                   ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at""",
                (account, address, now),
            )
            connection.execute(
                """DELETE FROM known_addresses WHERE account = :account AND address NOT IN
                   (SELECT address FROM known_addresses WHERE account = :account ORDER BY seen_at DESC LIMIT :most)""",
                {"account": account, "most": MOST_KNOWN},
            )


def _hash(account: str) -> str:
    """What is stored of an account that was tried: of one length, and never a password that was typed as an e-mail."""
    return sha256(account.encode("utf-8", "replace")).hexdigest()[:32]
