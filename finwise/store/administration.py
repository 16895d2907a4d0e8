"""The SQL of what administrators look at."""

from finwise.domain.administration import UserSummary
from finwise.domain.tenant import Tenant
from finwise.store.users_database import UsersDatabase


class AdministrationStore:
    """users.db, as far as administrators look at it (domain/administration.py says what is promised)."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self._users_database = users_database

    def list_users(self, after: str, limit: int) -> list[UserSummary]:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT uuid, name, email, is_admin, created_at, updated_at,
                     (SELECT max(last_used_at) FROM tokens WHERE tokens.user_id = uuid),
                     (SELECT count(*) FROM tenants WHERE tenants.user_id = users.uuid AND state <> 'deleted')
                   FROM users WHERE uuid > ? ORDER BY uuid LIMIT ?""",
                (after, limit),
            ).fetchall()
        return [UserSummary(*row)._replace(is_admin=bool(row[3])) for row in rows]

    def find_tenant(self, uuid: str) -> tuple[Tenant, int] | None:
        with self._users_database.read() as connection:
            row = connection.execute(
                """SELECT uuid, name, user_id, state, began_at, quota_mib, created_at, updated_at,
                     (user_id IS NOT NULL) + (SELECT count(*) FROM members WHERE tenant_id = uuid)
                   FROM tenants WHERE uuid = ?""",
                (uuid,),
            ).fetchone()
        return (Tenant(*row[:-1]), row[-1]) if row else None

    def list_tenants(self, after: str, limit: int) -> list[tuple[Tenant, int]]:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT uuid, name, user_id, state, began_at, quota_mib, created_at, updated_at,
                     (user_id IS NOT NULL) + (SELECT count(*) FROM members WHERE tenant_id = uuid)
                   FROM tenants WHERE uuid > ? ORDER BY uuid LIMIT ?""",
                (after, limit),
            ).fetchall()
        return [(Tenant(*row[:-1]), row[-1]) for row in rows]
