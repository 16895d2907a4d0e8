"""The SQL of tenants."""

import json
import sqlite3

from finwise.domain.tenant import Tenant
from finwise.domain.times import millis_text
from finwise.errors import Conflict
from finwise.store.users_database import UsersDatabase

_DAY = 24 * 60 * 60 * 1_000_000  # µs


class TenantStore:
    """users.db, as far as it is about tenants (domain/tenants.py says what is promised)."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self._users_database = users_database

    def find(self, uuid: str) -> Tenant | None:
        def find(connection: sqlite3.Connection) -> Tenant | None:
            row = connection.execute(
                """SELECT uuid, name, user_id, state, began_at, quota_mib, created_at, updated_at
                   FROM tenants WHERE uuid = ?""",
                (uuid,),
            ).fetchone()
            return Tenant(*row) if row else None

        return self._users_database.ask(("tenant", uuid), find)

    def find_for(self, user_id: str, uuid: str) -> Tenant | None:
        def find(connection: sqlite3.Connection) -> Tenant | None:
            row = connection.execute(
                """SELECT uuid, name, user_id, state, began_at, quota_mib, created_at, updated_at,
                     CASE WHEN user_id = :user_id THEN 'owner' ELSE
                       (SELECT role FROM members WHERE tenant_id = uuid AND members.user_id = :user_id) END
                   FROM tenants WHERE uuid = :uuid""",
                {"user_id": user_id, "uuid": uuid},
            ).fetchone()
            return Tenant(*row) if row else None

        # A tenant of others is looked up each time, like one that never existed: else the time would tell them apart.
        return self._users_database.ask(("tenant for", user_id, uuid), find, lambda tenant: tenant.role is not None)

    def list_for(self, user_id: str) -> list[Tenant]:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT uuid, name, tenants.user_id, state, began_at, quota_mib, created_at, updated_at, 'owner'
                   FROM tenants WHERE user_id = :user_id AND state NOT IN ('deleting', 'deleted')
                   UNION ALL
                   SELECT uuid, name, tenants.user_id, state, began_at, quota_mib, created_at, updated_at, role
                   FROM members JOIN tenants ON uuid = tenant_id
                   WHERE members.user_id = :user_id AND state NOT IN ('deleting', 'deleted')
                   ORDER BY created_at, uuid""",
                {"user_id": user_id},
            ).fetchall()
        return [Tenant(*row) for row in rows]

    def list_all(self) -> list[Tenant]:
        with self._users_database.read() as connection:
            return list_tenants(connection)

    def list_unfinished(self) -> list[Tenant]:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT uuid, name, user_id, state, began_at, quota_mib, created_at, updated_at FROM tenants
                   WHERE state IN ('creating', 'deleting', 'restoring') ORDER BY created_at, uuid"""
            ).fetchall()
        return [Tenant(*row) for row in rows]

    def add(self, tenant: Tenant, now: int, most: int | None = None) -> bool:
        with self._users_database.transact() as connection:
            added = connection.execute(
                """INSERT INTO tenants (uuid, name, user_id, state, began_at, quota_mib, created_at, updated_at)
                   VALUES (:uuid, :name, :user_id, :state, :began_at, :quota_mib, :now, :now) ON CONFLICT DO NOTHING""",
                {**tenant._asdict(), "now": millis_text(now)},
            )
            if added.rowcount == 1 and most is not None and _count_of(connection, tenant.user_id, now) > most:
                raise Conflict(f"You own {most} tenants, or owned them within a day. Delete one, or wait.")
            return added.rowcount == 1

    def put_name(self, uuid: str, name: str, now: int) -> None:
        with self._users_database.transact() as connection:
            connection.execute(
                "UPDATE tenants SET name = ?, updated_at = ? WHERE uuid = ?", (name, millis_text(now), uuid)
            )

    def put_owner(self, uuid: str, user_id: str | None) -> None:
        with self._users_database.transact() as connection:
            connection.execute("UPDATE tenants SET user_id = coalesce(user_id, ?) WHERE uuid = ?", (user_id, uuid))

    def put_state(self, uuid: str, state: str, *, instead_of: tuple[str, ...], began_at: int | None = None) -> bool:
        with self._users_database.transact() as connection:
            moved = connection.execute(
                """UPDATE tenants SET state = ?, began_at = coalesce(?, began_at)
                   WHERE uuid = ? AND state IN (SELECT value FROM json_each(?))""",
                (state, began_at, uuid, json.dumps(instead_of)),
            )
            return moved.rowcount == 1

    def put_quota(self, uuid: str, quota_mib: int | None) -> bool:
        with self._users_database.transact() as connection:
            changed = connection.execute("UPDATE tenants SET quota_mib = ? WHERE uuid = ?", (quota_mib, uuid))
            return changed.rowcount == 1


def list_tenants(connection: sqlite3.Connection) -> list[Tenant]:
    """Every tenant that a users.db knows, oldest first; without its times, which one of an older version may lack."""
    rows = connection.execute(
        "SELECT uuid, name, user_id, state, began_at, quota_mib FROM tenants ORDER BY created_at, uuid"
    ).fetchall()
    return [Tenant(*row) for row in rows]


def _count_of(connection: sqlite3.Connection, user_id: str | None, now: int) -> int:
    """Those that were deleted just now count as well: their files are still in the trash."""
    (count,) = connection.execute(
        "SELECT count(*) FROM tenants WHERE user_id = ? AND (state <> 'deleted' OR began_at > ?)", (user_id, now - _DAY)
    ).fetchone()
    return int(count)
