"""The SQL of tenants."""

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
                "SELECT uuid, name, user_id, state FROM tenants WHERE uuid = ?", (uuid,)
            ).fetchone()
        return Tenant(*row) if row else None

    def list_of(self, user_id: str) -> list[Tenant]:
        with self._central.read() as connection:
            rows = connection.execute(
                """SELECT uuid, name, user_id, state FROM tenants
                   WHERE user_id = ? AND state IN ('creating', 'active') ORDER BY created_at, uuid""",
                (user_id,),
            ).fetchall()
        return [Tenant(*row) for row in rows]

    def list_unfinished(self) -> list[Tenant]:
        with self._central.read() as connection:
            rows = connection.execute(
                "SELECT uuid, name, user_id, state FROM tenants WHERE state IN ('creating', 'deleting')"
            ).fetchall()
        return [Tenant(*row) for row in rows]

    def add(self, tenant: Tenant, now: int) -> bool:
        with self._central.transact() as connection:
            added = connection.execute(
                """INSERT INTO tenants (uuid, name, user_id, state, created_at) VALUES (?, ?, ?, ?, ?)
                   ON CONFLICT DO NOTHING""",
                (*tenant, millis_text(now)),
            )
            return added.rowcount == 1

    def put_name(self, uuid: str, name: str) -> None:
        with self._central.transact() as connection:
            connection.execute("UPDATE tenants SET name = ? WHERE uuid = ?", (name, uuid))

    def put_state(self, uuid: str, state: str, *, instead_of: tuple[str, ...]) -> None:
        with self._central.transact() as connection:
            for former in instead_of:
                connection.execute("UPDATE tenants SET state = ? WHERE uuid = ? AND state = ?", (state, uuid, former))
