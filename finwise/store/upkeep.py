"""The SQL of when upkeep was done."""

from finwise.store.central import Central


class UpkeepStore:
    """users.db, as far as it is about upkeep (domain/upkeep.py says what is promised)."""

    def __init__(self, central: Central) -> None:
        self._central = central

    def claim(self, now: int, last_before: int) -> int | None:
        with self._central.transact() as connection:
            last: int = connection.execute("SELECT last_run FROM upkeep").fetchone()[0]
            if last_before < last <= now:
                return None
            connection.execute("UPDATE upkeep SET last_run = ?", (now,))
            return last

    def forget_expired(self, before: str) -> None:
        with self._central.transact() as connection:
            connection.execute("DELETE FROM tokens WHERE expires_at < ?", (before,))
            connection.execute("DELETE FROM invitations WHERE expires_at < ?", (before,))
