"""The SQL of tokens."""

import json
import logging
import sqlite3
from typing import Any

from finwise.domain.devices import Owner
from finwise.domain.token import Caller, Token
from finwise.errors import FinWiseError
from finwise.store.users import as_user
from finwise.store.users_database import UsersDatabase

log = logging.getLogger(__name__)


class TokenStore:
    """users.db, as far as it is about tokens (domain/tokens.py says what is promised)."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self._users_database = users_database

    def add(self, token: Token, hashed: str, most: int) -> list[str]:
        with self._users_database.transact() as connection:
            connection.execute(
                """INSERT INTO tokens (id, user_id, device_name, created_at, expires_at, last_used_at, tenant_id,
                     read_only, hashed_token) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (*token, hashed),
            )
            gone = connection.execute(
                """DELETE FROM tokens WHERE id IN (
                     SELECT id FROM tokens WHERE user_id = ? AND id <> ?
                     ORDER BY coalesce(last_used_at, created_at) DESC, created_at DESC, id LIMIT -1 OFFSET ?)
                   RETURNING id""",
                (token.user_id, token.id, most - 1),
            ).fetchall()
        return [token_id for (token_id,) in gone]

    def find_caller(self, hashed: str, now: str) -> Caller | None:
        def find(connection: sqlite3.Connection) -> Caller | None:
            row = connection.execute(
                """SELECT id, user_id, device_name, tokens.created_at, expires_at, last_used_at, tenant_id, read_only,
                     uuid, name, email, hashed_password, is_admin, users.created_at, users.updated_at
                   FROM tokens JOIN users ON uuid = user_id WHERE hashed_token = ?""",
                (hashed,),
            ).fetchone()
            return Caller(as_user(row[8:]), _token(row[:8])) if row else None

        caller = self._users_database.ask(("caller", hashed), find)
        return caller if caller and caller.token.expires_at > now else None

    def list_of(self, user_id: str, now: str) -> list[Token]:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT id, user_id, device_name, created_at, expires_at, last_used_at, tenant_id, read_only
                   FROM tokens WHERE user_id = ? AND expires_at > ? ORDER BY created_at, id""",
                (user_id, now),
            ).fetchall()
        return [_token(row) for row in rows]

    def list_owners(self, token_ids: list[str]) -> dict[str, Owner]:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT id, user_id, users.name, device_name FROM tokens JOIN users ON uuid = user_id
                   WHERE id IN (SELECT value FROM json_each(?))""",
                (json.dumps(token_ids),),
            ).fetchall()
        return {token_id: Owner(*owner) for token_id, *owner in rows}

    def put_use(self, token_id: str, used_at: str, expires_at: str) -> None:
        try:
            with self._users_database.transact(wait=False) as connection:
                connection.execute(
                    "UPDATE tokens SET last_used_at = ?, expires_at = max(expires_at, ?) WHERE id = ?",
                    (used_at, expires_at, token_id),
                )
        except FinWiseError as error:  # a request that reads must not wait or fail for it
            log.debug("a use was not noted: %s", error.detail)

    def rename(self, user_id: str, token_id: str, device_name: str, now: str) -> Token | None:
        with self._users_database.transact() as connection:
            row = connection.execute(
                """UPDATE tokens SET device_name = ? WHERE user_id = ? AND id = ? AND expires_at > ?
                   RETURNING id, user_id, device_name, created_at, expires_at, last_used_at, tenant_id, read_only""",
                (device_name, user_id, token_id, now),
            ).fetchall()
        return _token(row[0]) if row else None

    def delete(self, user_id: str, token_id: str) -> bool:
        with self._users_database.transact() as connection:
            deleted = connection.execute("DELETE FROM tokens WHERE user_id = ? AND id = ?", (user_id, token_id))
            return deleted.rowcount == 1

    def delete_all(self, user_id: str, *, but: str | None) -> None:
        with self._users_database.transact() as connection:
            connection.execute("DELETE FROM tokens WHERE user_id = ? AND id IS NOT ?", (user_id, but))


def _token(row: tuple[Any, ...]) -> Token:
    return Token(*row)._replace(read_only=bool(row[7]))
