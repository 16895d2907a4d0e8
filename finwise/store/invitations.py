"""The SQL of invitations."""

import sqlite3

from finwise.domain.invitations import Invitation, unknown
from finwise.domain.times import millis_text
from finwise.errors import Conflict
from finwise.store.users_database import UsersDatabase


class InvitationStore:
    """users.db, as far as it is about invitations (domain/invitations.py says what is promised)."""

    def __init__(self, users_database: UsersDatabase) -> None:
        self._users_database = users_database

    def add(self, invitation: Invitation, hashed: str, most: int) -> None:
        with self._users_database.transact() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM invitations WHERE tenant_id = ? AND used_by IS NULL AND expires_at > ?",
                (invitation.tenant_id, invitation.created_at),
            ).fetchone()
            if count >= most:
                raise Conflict(f"There are {most} open invitations. Withdraw one first.")
            connection.execute(
                """INSERT INTO invitations (id, tenant_id, role, invited_by, created_at, expires_at, hashed_code)
                   VALUES (?, ?, ?, ?, ?, ?, ?)""",
                (*invitation, hashed),
            )

    def list_of(self, tenant_id: str, now: str) -> list[Invitation]:
        with self._users_database.read() as connection:
            rows = connection.execute(
                """SELECT id, tenant_id, role, invited_by, created_at, expires_at FROM invitations
                   WHERE tenant_id = ? AND used_by IS NULL AND expires_at > ? ORDER BY created_at, id""",
                (tenant_id, now),
            ).fetchall()
        return [Invitation(*row) for row in rows]

    def delete(self, tenant_id: str, invitation_id: str) -> bool:
        with self._users_database.transact() as connection:
            deleted = connection.execute(
                "DELETE FROM invitations WHERE tenant_id = ? AND id = ? AND used_by IS NULL", (tenant_id, invitation_id)
            )
            return deleted.rowcount == 1

    def use(self, hashed: str, user_id: str, now: int) -> str:
        with self._users_database.transact() as connection:
            tenant_id = use_invitation(connection, hashed, user_id, now)
        if tenant_id is None:
            raise unknown()
        return tenant_id


def is_open(connection: sqlite3.Connection, hashed: str, now: int) -> bool:
    """Whether somebody new could take the invitation."""
    row = _find(connection, hashed, now)
    return row is not None and row[3] is None


def use_invitation(
    connection: sqlite3.Connection, hashed: str, user_id: str, now: int, *, to_sign_up: bool = False
) -> str | None:
    """Takes an invitation, within the caller's transaction: the tenant it was for, None if for signing up only.

    Raises NotFound if it cannot be taken, Conflict if the user is a member already.
    """
    row = _find(connection, hashed, now)
    if row is None or row[3] not in (None, user_id) or (row[1] is None and not to_sign_up):
        raise unknown()
    invitation_id, tenant_id, role, used_by, owner = row
    if used_by == user_id:
        return str(tenant_id)
    connection.execute("UPDATE invitations SET used_by = ? WHERE id = ?", (user_id, invitation_id))
    if tenant_id is None:
        return None
    added = connection.execute(
        """INSERT INTO members (tenant_id, user_id, role, added_at) SELECT ?, ?, ?, ? WHERE ? <> ?
           ON CONFLICT DO NOTHING""",
        (tenant_id, user_id, role, millis_text(now), user_id, owner),
    )
    if added.rowcount != 1:
        raise Conflict("You are already a member. Leave this invitation to somebody else.")
    return str(tenant_id)


def _find(connection: sqlite3.Connection, hashed: str, now: int) -> tuple[str, str | None, str, str, str] | None:
    """Id, tenant, role, by whom it was used, and the tenant's owner."""
    row: tuple[str, str | None, str, str, str] | None = connection.execute(
        """SELECT id, invitations.tenant_id, role, used_by, tenants.user_id FROM invitations
           LEFT JOIN tenants ON uuid = invitations.tenant_id
           WHERE hashed_code = ? AND expires_at > ?
             AND (invitations.tenant_id IS NULL OR state IN ('active', 'quarantined', 'restoring'))""",
        (hashed, millis_text(now)),
    ).fetchone()
    return row
