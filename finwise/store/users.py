"""The SQL of users."""

import sqlite3
from typing import Any

from finwise.domain.times import millis_text
from finwise.domain.user import DEMO_EMAIL, User, UserChange
from finwise.errors import Conflict, NotFound
from finwise.store.invitations import is_open, use_invitation
from finwise.store.users_database import UsersDatabase


class UserStore:
    """users.db, as far as it is about users (domain/users.py says what is promised)."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self._users_database = users_database

    def find(self, uuid: str) -> User | None:
        with self._users_database.read() as connection:
            row = connection.execute(
                """SELECT uuid, name, email, hashed_password, is_admin, created_at, updated_at
                   FROM users WHERE uuid = ?""",
                (uuid,),
            ).fetchone()
        return as_user(row) if row else None

    def find_by_email(self, email_key: str) -> User | None:
        with self._users_database.read() as connection:
            row = connection.execute(
                """SELECT uuid, name, email, hashed_password, is_admin, created_at, updated_at
                   FROM users WHERE email_key = ?""",
                (email_key,),
            ).fetchone()
        return as_user(row) if row else None

    def find_by_name(self, name: str) -> User | None:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT uuid, name, email, hashed_password, is_admin, created_at, updated_at
                   FROM users WHERE name = ?""",
                (name,),
            ).fetchall()
        return as_user(rows[0]) if len(rows) == 1 else None

    def find_first(self) -> User | None:
        with self._users_database.read() as connection:
            row = connection.execute(
                """SELECT uuid, name, email, hashed_password, is_admin, created_at, updated_at
                   FROM users WHERE email_key <> ? ORDER BY created_at, uuid LIMIT 1""",
                (DEMO_EMAIL,),
            ).fetchone()
        return as_user(row) if row else None

    def add(self, user: User, email_key: str, now: int, code: str | None = None) -> bool:
        with self._users_database.transact() as connection:
            added = connection.execute(
                """INSERT INTO users (uuid, name, email, hashed_password, is_admin, email_key, created_at, updated_at)
                   SELECT :uuid, :name, :email, :hashed_password,
                     :email_key <> :demo AND NOT EXISTS (SELECT 1 FROM users WHERE email_key <> :demo),
                     :email_key, :now, :now
                   WHERE true ON CONFLICT DO NOTHING""",
                {**user._asdict(), "email_key": email_key, "demo": DEMO_EMAIL, "now": millis_text(now)},
            )
            if added.rowcount == 1 and code is not None:
                use_invitation(connection, code, user.uuid, now, to_sign_up=True)
            return added.rowcount == 1

    def is_invited(self, code: str, now: int) -> bool:
        with self._users_database.read() as connection:
            return is_open(connection, code, now)

    def put(self, uuid: str, change: UserChange, now: int, *, keep_token: str | None) -> User:
        with self._users_database.transact() as connection:
            try:
                row = connection.execute(
                    """UPDATE users SET name = coalesce(?, name), email = coalesce(?, email),
                         email_key = coalesce(?, email_key), hashed_password = coalesce(?, hashed_password),
                         is_admin = coalesce(?, is_admin), updated_at = ?
                       WHERE uuid = ?
                       RETURNING email_key, uuid, name, email, hashed_password, is_admin, created_at, updated_at""",
                    (*change, millis_text(now), uuid),
                ).fetchall()
            except sqlite3.IntegrityError:
                raise Conflict("This e-mail is taken. Choose another one.") from None
            if not row:
                raise NotFound("There is no such user.")
            email_key, user = row[0][0], as_user(row[0][1:])
            if user.is_admin and email_key == DEMO_EMAIL:
                raise Conflict("The demo user is open to everybody, so it cannot be an administrator.")
            if change.is_admin is False:
                _require_an_admin(connection)
            if change.hashed_password is not None:
                connection.execute("DELETE FROM tokens WHERE user_id = ? AND id IS NOT ?", (uuid, keep_token))
        return user

    def put_hash(self, uuid: str, hashed: str, *, instead_of: str) -> None:
        with self._users_database.transact() as connection:
            connection.execute(
                "UPDATE users SET hashed_password = ? WHERE uuid = ? AND hashed_password = ?",
                (hashed, uuid, instead_of),
            )

    def begin_leaving(self, uuid: str, now: int) -> list[str]:
        with self._users_database.transact() as connection:
            shared = connection.execute(
                """SELECT 1 FROM tenants JOIN members ON tenant_id = uuid
                   WHERE tenants.user_id = ? AND state <> 'deleted' LIMIT 1""",
                (uuid,),
            ).fetchone()
            if shared:
                raise Conflict("Others may open a tenant of yours. Make one of them its owner, or delete it, first.")
            restoring = connection.execute(
                "SELECT 1 FROM tenants WHERE user_id = ? AND state = 'restoring' LIMIT 1", (uuid,)
            ).fetchone()
            if restoring:
                raise Conflict("A tenant of the user is being restored. Try again in a moment.")
            rows = connection.execute(
                """UPDATE tenants SET state = 'deleting', began_at = ?
                   WHERE user_id = ? AND state IN ('creating', 'active', 'quarantined') RETURNING uuid""",
                (now, uuid),
            ).fetchall()
            connection.execute("UPDATE users SET is_admin = 0 WHERE uuid = ?", (uuid,))
            _require_an_admin(connection, leaving=uuid)
        return [tenant_id for (tenant_id,) in rows]

    def delete(self, uuid: str) -> None:
        with self._users_database.transact() as connection:
            owned = connection.execute(
                "SELECT 1 FROM tenants WHERE user_id = ? AND state <> 'deleted' LIMIT 1", (uuid,)
            ).fetchone()
            if owned:
                raise Conflict("The user still owns tenants that are being deleted or restored. Try again in a moment.")
            connection.execute("UPDATE tenants SET user_id = NULL WHERE user_id = ?", (uuid,))
            connection.execute("DELETE FROM users WHERE uuid = ?", (uuid,))


def as_user(row: tuple[Any, ...]) -> User:
    """A user as its columns are, in the order of the class."""
    return User(*row)._replace(is_admin=bool(row[4]))


def _require_an_admin(connection: sqlite3.Connection, leaving: str | None = None) -> None:
    """Raises Conflict if there are users but no administrator among them; the demo user counts for nobody."""
    others = connection.execute(
        "SELECT max(is_admin) FROM users WHERE uuid IS NOT ? AND email_key <> ?", (leaving, DEMO_EMAIL)
    ).fetchone()[0]
    if others == 0:
        raise Conflict("This is the last administrator. Make somebody else an administrator first.")
