"""The SQL of members."""

from finwise.domain.members import Member
from finwise.domain.times import millis_text
from finwise.store.users_database import UsersDatabase


class MemberStore:
    """users.db, as far as it is about members (domain/members.py says what is promised)."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self._users_database = users_database

    def list_of(self, tenant_id: str) -> list[Member]:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT users.uuid, users.name, 'owner', '' AS added_at FROM tenants
                   JOIN users ON users.uuid = tenants.user_id WHERE tenants.uuid = :tenant_id
                   UNION ALL
                   SELECT users.uuid, users.name, role, added_at FROM members
                   JOIN users ON users.uuid = members.user_id WHERE tenant_id = :tenant_id
                   ORDER BY added_at, 1""",
                {"tenant_id": tenant_id},
            ).fetchall()
        return [Member(*row[:-1]) for row in rows]

    def put_role(self, tenant_id: str, user_id: str, role: str) -> bool:
        with self._users_database.transact() as connection:
            changed = connection.execute(
                "UPDATE members SET role = ? WHERE tenant_id = ? AND user_id = ?", (role, tenant_id, user_id)
            )
            return changed.rowcount == 1

    def hand_over(self, tenant_id: str, from_user: str, to_user: str, now: int) -> bool:
        with self._users_database.transact() as connection:
            joined = connection.execute(
                """UPDATE members SET user_id = :from_user, role = 'editor'
                   WHERE tenant_id = :tenant_id AND user_id = :to_user
                     AND EXISTS (SELECT 1 FROM tenants WHERE uuid = :tenant_id AND user_id = :from_user)""",
                {"tenant_id": tenant_id, "from_user": from_user, "to_user": to_user},
            )
            if joined.rowcount == 1:
                connection.execute(
                    "UPDATE tenants SET user_id = ?, updated_at = ? WHERE uuid = ?",
                    (to_user, millis_text(now), tenant_id),
                )
            return joined.rowcount == 1

    def delete(self, tenant_id: str, user_id: str) -> bool:
        with self._users_database.transact() as connection:
            deleted = connection.execute(
                "DELETE FROM members WHERE tenant_id = ? AND user_id = ?", (tenant_id, user_id)
            )
            connection.execute(
                "DELETE FROM invitations WHERE tenant_id = ? AND invited_by = ? AND used_by IS NULL",
                (tenant_id, user_id),
            )
            return deleted.rowcount == 1
