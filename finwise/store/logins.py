"""The SQL of failed attempts to log in."""

from finwise.store.central import Central


class FailedLogins:
    """users.db, as far as it is about failed attempts (domain/logins.py says what is promised)."""

    def __init__(self, central: Central) -> None:
        self._central = central

    def add_within(self, account: str, address: str, *, now: int, window: int, most: int) -> int | None:
        with self._central.transact() as connection:
            connection.execute("DELETE FROM failed_logins WHERE failed_at <= ?", (now - window,))
            newest = connection.execute(
                """SELECT failed_at FROM failed_logins WHERE account = ? AND address = ?
                   ORDER BY failed_at DESC LIMIT ?""",
                (account, address, most),
            ).fetchall()
            if len(newest) == most:
                oldest: int = newest[-1][0]
                return oldest + window
            connection.execute(
                "INSERT INTO failed_logins (account, address, failed_at) VALUES (?, ?, ?)", (account, address, now)
            )
            return None

    def delete(self, account: str, address: str) -> None:
        with self._central.transact() as connection:
            connection.execute("DELETE FROM failed_logins WHERE account = ? AND address = ?", (account, address))
