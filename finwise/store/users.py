"""The SQL of users."""

import sqlite3

from finwise.domain.times import millis_text
from finwise.domain.users import User, UserChange
from finwise.errors import Conflict, NotFound
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

    def put(self, uuid: str, change: UserChange, *, keep_token: str) -> User:
        with self._central.transact() as connection:
            try:
                row = connection.execute(
                    """UPDATE users SET name = coalesce(?, name), email = coalesce(?, email),
                         email_key = coalesce(?, email_key), hashed_password = coalesce(?, hashed_password)
                       WHERE uuid = ? RETURNING uuid, name, email, hashed_password""",
                    (*change, uuid),
                ).fetchall()
            except sqlite3.IntegrityError:
                raise Conflict("This e-mail is taken. Choose another one.") from None
            if not row:
                raise NotFound("There is no such user.")
            if change.hashed_password is not None:
                connection.execute("DELETE FROM tokens WHERE user_id = ? AND id <> ?", (uuid, keep_token))
        return User(*row[0])

    def put_hash(self, uuid: str, hashed: str, *, instead_of: str) -> None:
        with self._central.transact() as connection:
            connection.execute(
                "UPDATE users SET hashed_password = ? WHERE uuid = ? AND hashed_password = ?",
                (hashed, uuid, instead_of),
            )

    def delete(self, uuid: str) -> None:
        with self._central.transact() as connection:
            owned = connection.execute(
                "SELECT 1 FROM tenants WHERE user_id = ? AND state <> 'deleted' LIMIT 1", (uuid,)
            ).fetchone()
            if owned:
                raise Conflict("The user still owns tenants. Delete them first.")
            connection.execute("UPDATE tenants SET user_id = NULL WHERE user_id = ?", (uuid,))
            connection.execute("DELETE FROM users WHERE uuid = ?", (uuid,))
