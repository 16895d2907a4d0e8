"""The SQL of users."""

import sqlite3

from finwise.domain.times import millis_text
from finwise.domain.users import User
from finwise.errors import Conflict
from finwise.store.central import Central


class UserStore:
    """users.db, as far as it is about users (domain/users.py says what is promised)."""

    def __init__(self, central: Central) -> None:
        self._central = central

    def find(self, uuid: str) -> User | None:
        with self._central.read() as connection:
            row = connection.execute(
                "SELECT uuid, name, email, hashed_password FROM users WHERE uuid = ?", (uuid,)
            ).fetchone()
        return User(*row) if row else None

    def find_by_email(self, email_key: str) -> User | None:
        with self._central.read() as connection:
            row = connection.execute(
                "SELECT uuid, name, email, hashed_password FROM users WHERE email_key = ?", (email_key,)
            ).fetchone()
        return User(*row) if row else None

    def add(self, user: User, email_key: str, now: int) -> bool:
        with self._central.transact() as connection:
            added = connection.execute(
                """INSERT INTO users (uuid, name, email, hashed_password, email_key, created_at)
                   VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
                (*user, email_key, millis_text(now)),
            )
            return added.rowcount == 1

    def put(self, user: User, email_key: str) -> None:
        with self._central.transact() as connection:
            try:
                connection.execute(
                    "UPDATE users SET name = ?, email = ?, hashed_password = ?, email_key = ? WHERE uuid = ?",
                    (user.name, user.email, user.hashed_password, email_key, user.uuid),
                )
            except sqlite3.IntegrityError:
                raise Conflict("This e-mail is taken. Choose another one.") from None

    def delete(self, uuid: str) -> None:
        with self._central.transact() as connection:
            owned = connection.execute(
                "SELECT 1 FROM tenants WHERE user_id = ? AND state <> 'deleted' LIMIT 1", (uuid,)
            ).fetchone()
            if owned:
                raise Conflict("The user still owns tenants. Delete them first.")
            connection.execute("UPDATE tenants SET user_id = NULL WHERE user_id = ?", (uuid,))
            connection.execute("DELETE FROM users WHERE uuid = ?", (uuid,))

    def delete_tokens(self, user_id: str, *, keep: str) -> None:
        with self._central.transact() as connection:
            connection.execute("DELETE FROM tokens WHERE user_id = ? AND id <> ?", (user_id, keep))
