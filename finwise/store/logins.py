"""The SQL of failed attempts to log in."""

from finwise.domain.logins import Most
from finwise.store.central import Central

_KNOWN_FOR = 90 * 24 * 60 * 60 * 1_000_000  # µs that an address is known after somebody has logged in from it


class FailedLogins:
    """users.db, as far as it is about failed attempts (domain/logins.py says what is promised)."""

    def __init__(self, central: Central) -> None:
        self._central = central

    def add_within(self, account: str, address: str, *, now: int, window: int, most: Most) -> int | None:
        with self._central.transact() as connection:
            # One that lies ahead was counted before the clock was put back.
            connection.execute(
                "DELETE FROM failed_logins WHERE failed_at <= ? OR failed_at > ?", (now - window, now + window)
            )
            # Of each kind, the attempt that must leave the window before there are less than `most` again.
            (waits_for,) = connection.execute(
                """SELECT max(failed_at) FROM (
                     SELECT * FROM (SELECT failed_at FROM failed_logins WHERE account = :account AND address = :address
                                    ORDER BY failed_at DESC LIMIT 1 OFFSET :here)
                     UNION ALL
                     SELECT * FROM (SELECT failed_at FROM failed_logins WHERE address = :address
                                    ORDER BY failed_at DESC LIMIT 1 OFFSET :from_there)
                     UNION ALL
                     SELECT * FROM (SELECT failed_at FROM failed_logins WHERE account = :account AND NOT EXISTS
                                      (SELECT 1 FROM known_addresses WHERE account = :account AND address = :address)
                                    ORDER BY failed_at DESC LIMIT 1 OFFSET :at_all))""",
                {
                    "account": account,
                    "address": address,
                    "here": most.here - 1,
                    "from_there": most.address - 1,
                    "at_all": most.account - 1,
                },
            ).fetchone()
            if waits_for is not None:
                return int(waits_for) + window
            connection.execute(
                "INSERT INTO failed_logins (account, address, failed_at) VALUES (?, ?, ?)", (account, address, now)
            )
            return None

    def take_back(self, account: str, address: str, now: int) -> None:
        with self._central.transact() as connection:
            connection.execute(
                """DELETE FROM failed_logins WHERE rowid =
                   (SELECT max(rowid) FROM failed_logins WHERE account = ? AND address = ? AND failed_at = ?)""",
                (account, address, now),
            )

    def delete(self, account: str, address: str) -> None:
        with self._central.transact() as connection:
            connection.execute("DELETE FROM failed_logins WHERE account = ? AND address = ?", (account, address))

    def add_known(self, account: str, address: str, now: int) -> None:
        with self._central.transact() as connection:
            connection.execute("DELETE FROM known_addresses WHERE seen_at < ?", (now - _KNOWN_FOR,))
            connection.execute(
                """INSERT INTO known_addresses (account, address, seen_at) VALUES (?, ?, ?)
                   ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at""",
                (account, address, now),
            )
