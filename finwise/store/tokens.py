"""The SQL of tokens."""

import json

from finwise.domain.devices import Owner
from finwise.domain.tokens import Token
from finwise.domain.users import User
from finwise.store.central import Central


class TokenStore:
    """users.db, as far as it is about tokens (domain/tokens.py says what is promised)."""

    def __init__(self, central: Central) -> None:
        self._central = central

    def add(self, token: Token, hashed: str) -> None:
        with self._central.transact() as connection:
            connection.execute(
                """INSERT INTO tokens (id, user_id, device_name, created_at, expires_at, hashed_token)
                   VALUES (?, ?, ?, ?, ?, ?)""",
                (*token, hashed),
            )

    def find_user(self, hashed: str, now: str) -> tuple[str, User] | None:
        with self._central.read() as connection:
            row = connection.execute(
                """SELECT tokens.id, users.uuid, users.name, users.email, users.hashed_password
                   FROM tokens JOIN users ON users.uuid = tokens.user_id
                   WHERE tokens.hashed_token = ? AND tokens.expires_at > ?""",
                (hashed, now),
            ).fetchone()
        return (row[0], User(*row[1:])) if row else None

    def list_of(self, user_id: str, now: str) -> list[Token]:
        with self._central.read() as connection:
            rows = connection.execute(
                """SELECT id, user_id, device_name, created_at, expires_at FROM tokens
                   WHERE user_id = ? AND expires_at > ? ORDER BY created_at, id""",
                (user_id, now),
            ).fetchall()
        return [Token(*row) for row in rows]

    def list_owners(self, token_ids: list[str]) -> dict[str, Owner]:
        with self._central.read() as connection:
            rows = connection.execute(
                "SELECT id, user_id, device_name FROM tokens WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(token_ids),),
            ).fetchall()
        return {token_id: Owner(user_id, device_name) for token_id, user_id, device_name in rows}

    def delete(self, user_id: str, token_id: str) -> bool:
        with self._central.transact() as connection:
            deleted = connection.execute("DELETE FROM tokens WHERE user_id = ? AND id = ?", (user_id, token_id))
            return deleted.rowcount == 1
