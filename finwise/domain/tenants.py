"""Tenants: account books, each with its own file (life.py creates and removes it)."""

from collections.abc import Callable

from finwise.domain import access
from finwise.domain.events import tell
from finwise.domain.life import Life
from finwise.domain.tenant import ACTIVE, CREATING, DELETED, DELETING, QUARANTINED, RESTORING, Tenant, TenantStore
from finwise.domain.times import millis_text
from finwise.domain.token import Caller
from finwise.domain.user import User
from finwise.errors import Busy, Conflict, Forbidden, NotFound, Quarantined, TenantDeleted


class Tenants:
    """Creating, finding, renaming, deleting. `most`: tenants that one user may own."""

    def __init__(self, store: TenantStore, life: Life, most: int) -> None:
        self._store = store
        self._life = life
        self._most = most

    def create(self, user: User, uuid: str, name: str, user_id: str | None, now: int) -> tuple[Tenant, bool]:
        """The tenant with its file, and whether it is new. Idempotent: the same content returns the existing one.

        Raises Conflict if the UUID is known with other content (a deleted tenant's stays reserved) or the user owns
        as many as allowed, Forbidden for another owner than oneself.
        """
        if user_id not in (None, user.uuid):
            raise Forbidden("A tenant can be created for oneself only. Leave user_id out.")
        is_new = self._store.add(Tenant(uuid, name, user.uuid, CREATING), now, self._most)
        tenant = self._store.find_for(user.uuid, uuid)
        if tenant is None or (tenant.name, tenant.user_id) != (name, user.uuid) or _is_gone(tenant):
            raise Conflict("This UUID is taken. Make a new one.")
        if tenant.state == CREATING:
            self._life.create(tenant)
        if is_new:
            tell("tenant.created", tenant_id=uuid, user_id=user.uuid)
        return tenant, is_new

    def list_for(self, caller: Caller, user_id: str | None) -> list[Tenant]:
        """The tenants the caller may open; with `user_id`, those of them that this user owns."""
        tenants = self._store.list_for(caller.user.uuid)
        return [each for each in tenants if access.is_visible(caller, each) and user_id in (None, each.user_id)]

    def ids_owned_by(self, user_id: str) -> list[str]:
        """The existing tenants that a user owns, oldest first."""
        return [tenant.uuid for tenant in self._store.list_for(user_id) if tenant.user_id == user_id]

    def ids_with_files(self) -> list[str]:
        """The tenants that have a file, even a damaged one, for the operator's commands."""
        return self.ids_in_state(ACTIVE, QUARANTINED)

    def ids_in_state(self, *states: str) -> list[str]:
        """The tenants in one of these states, oldest first."""
        return [tenant.uuid for tenant in self._store.list_all() if tenant.state in states]

    def find(self, caller: Caller, tenant_id: str | None) -> Tenant:
        """The tenant itself, in any state of its file. Raises NotFound, TenantDeleted, Forbidden, Busy."""
        return self._open(caller, tenant_id, access.may_read, to_use_file=False)

    def to_read(self, caller: Caller, tenant_id: str | None) -> Tenant:
        """The tenant, to read its book. Raises NotFound, TenantDeleted, Forbidden, Busy, Quarantined."""
        return self._open(caller, tenant_id, access.may_read)

    def to_write(self, caller: Caller, tenant_id: str | None) -> Tenant:
        """The tenant, to write its book. Raises NotFound, TenantDeleted, Forbidden, Busy, Quarantined."""
        return self._open(caller, tenant_id, access.may_write)

    def to_leave(self, caller: Caller, tenant_id: str | None) -> Tenant:
        """The tenant, to see its members, and to leave them. Raises NotFound, TenantDeleted, Forbidden, Busy."""
        return self._open(caller, tenant_id, access.may_leave, to_use_file=False)

    def to_manage(self, caller: Caller, tenant_id: str | None) -> Tenant:
        """The tenant, to decide about it as its owner. Raises NotFound, TenantDeleted, Forbidden, Busy."""
        return self._open(caller, tenant_id, access.may_manage, to_use_file=False)

    def as_operator(self, tenant_id: str | None) -> Tenant:
        """The tenant, for the operator's commands. Raises NotFound, TenantDeleted, Busy."""
        return self._open(None, tenant_id, access.may_manage)

    def rename(self, caller: Caller, tenant_id: str | None, name: str, now: int) -> Tenant:
        """The tenant with another name. Raises what `to_manage` raises."""
        tenant = self.to_manage(caller, tenant_id)
        self._store.put_name(tenant.uuid, name, now)
        tell("tenant.renamed", tenant_id=tenant.uuid)
        return tenant._replace(name=name, updated_at=millis_text(now))

    def delete(self, caller: Caller, tenant_id: str | None, now: int) -> None:
        """Ends all access in every process and moves the file to the trash. Raises what `to_manage` raises."""
        self._life.delete(self.to_manage(caller, tenant_id), now)

    def _open(
        self,
        caller: Caller | None,
        tenant_id: str | None,
        may: Callable[[Caller, Tenant], bool],
        *,
        to_use_file: bool = True,
    ) -> Tenant:
        tenant = self._find(caller, tenant_id) if tenant_id else None
        if tenant is None or (caller is not None and not access.is_visible(caller, tenant)):
            raise NotFound("There is no such tenant.")
        if _is_gone(tenant):
            raise TenantDeleted
        if caller is not None and not may(caller, tenant):
            raise Forbidden("Your role, or that of this token, does not allow this.")
        if tenant.state == CREATING:
            raise Busy("The tenant is being created. Try again in a moment.", retry_after=1)
        if tenant.state == RESTORING:
            raise Busy("The tenant is being restored. Try again in a moment.", retry_after=2)
        if tenant.state == QUARANTINED and to_use_file:
            raise Quarantined(
                "The tenant's file is damaged or missing. Keep the data and the queue; the operator must look.",
                retry_after=300,
            )
        return tenant

    def _find(self, caller: Caller | None, tenant_id: str) -> Tenant | None:
        if caller is None:
            return self._store.find(tenant_id)
        if caller.token.tenant_id not in (None, tenant_id):
            return None  # no lookup: its time would tell a tenant of the user from one that never existed
        return self._store.find_for(caller.user.uuid, tenant_id)


def _is_gone(tenant: Tenant) -> bool:
    return tenant.state in (DELETING, DELETED)
