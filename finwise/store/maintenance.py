"""The SQL of when maintenance ran."""

from finwise.store.users_database import UsersDatabase


class MaintenanceStore:
    """users.db, as far as maintenance needs it (domain/maintenance.py has the contract)."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self._users_database = users_database

    def claim(self, now: int, last_before: int) -> int | None:
        with self._users_database.transact() as connection:
            last: int = connection.execute("SELECT last_run FROM upkeep").fetchone()[0]
            if last_before < last <= now:
                return None
            connection.execute("UPDATE upkeep SET last_run = ?", (now,))
            return last

    def forget_expired(self, before: str) -> None:
        with self._users_database.transact() as connection:
            connection.execute("DELETE FROM tokens WHERE expires_at < ?", (before,))
            connection.execute("DELETE FROM invitations WHERE expires_at < ?", (before,))
