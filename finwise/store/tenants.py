"""The SQL of tenants."""

import json

from finwise.domain.tenants import Tenant
from finwise.domain.times import millis_text
from finwise.store.central import Central


class TenantStore:
    """users.db, as far as it is about tenants (domain/tenants.py says what is promised)."""

    def __init__(self, central: Central) -> None:
        self._central = central

    def find(self, uuid: str) -> Tenant | None:
        with self._central.read() as connection:
            row = connection.execute(
                "SELECT uuid, name, user_id, state, began_at FROM tenants WHERE uuid = ?", (uuid,)
            ).fetchone()
        return Tenant(*row) if row else None

    def list_of(self, user_id: str) -> list[Tenant]:
        with self._central.read() as connection:
            rows = connection.execute(
                """SELECT uuid, name, user_id, state, began_at FROM tenants
                   WHERE user_id = ? AND state NOT IN ('deleting', 'deleted') ORDER BY created_at, uuid""",
                (user_id,),
            ).fetchall()
        return [Tenant(*row) for row in rows]

    def list_all(self) -> list[Tenant]:
        with self._central.read() as connection:
            rows = connection.execute(
                "SELECT uuid, name, user_id, state, began_at FROM tenants ORDER BY created_at, uuid"
            ).fetchall()
        return [Tenant(*row) for row in rows]

    def list_unfinished(self) -> list[Tenant]:
        with self._central.read() as connection:
            rows = connection.execute(
                """SELECT uuid, name, user_id, state, began_at FROM tenants
                   WHERE state IN ('creating', 'deleting', 'restoring') ORDER BY created_at, uuid"""
            ).fetchall()
        return [Tenant(*row) for row in rows]

    def add(self, tenant: Tenant, now: int) -> bool:
        with self._central.transact() as connection:
            added = connection.execute(
                """INSERT INTO tenants (uuid, name, user_id, state, began_at, created_at) VALUES (?, ?, ?, ?, ?, ?)
                   ON CONFLICT DO NOTHING""",
                (*tenant, millis_text(now)),
            )
            return added.rowcount == 1

    def put_name(self, uuid: str, name: str) -> None:
        with self._central.transact() as connection:
            connection.execute("UPDATE tenants SET name = ? WHERE uuid = ?", (name, uuid))

    def put_owner(self, uuid: str, user_id: str | None) -> None:
        with self._central.transact() as connection:
            connection.execute("UPDATE tenants SET user_id = coalesce(user_id, ?) WHERE uuid = ?", (user_id, uuid))

    def put_state(self, uuid: str, state: str, *, instead_of: tuple[str, ...], began_at: int | None = None) -> bool:
        with self._central.transact() as connection:
            moved = connection.execute(
                """UPDATE tenants SET state = ?, began_at = coalesce(?, began_at)
                   WHERE uuid = ? AND state IN (SELECT value FROM json_each(?))""",
                (state, began_at, uuid, json.dumps(instead_of)),
            )
            return moved.rowcount == 1
