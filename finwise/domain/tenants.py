"""Tenants: account books, each with a file of its own (life.py says how it comes and goes)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from finwise.domain import access
from finwise.domain.users import User
from finwise.errors import Busy, Conflict, Forbidden, NotFound, Quarantined, TenantDeleted

if TYPE_CHECKING:
    from finwise.domain.life import Life

CREATING, ACTIVE, DELETING, DELETED = "creating", "active", "deleting", "deleted"
RESTORING = "restoring"  # another file takes the place of its file
QUARANTINED = "quarantined"  # its file is damaged or missing, and the operator has not looked yet


class Tenant(NamedTuple):
    """An account book. `user_id` is its owner, None once a deleted tenant's owner is deleted too.

    `began_at`: when its last deletion or restore was begun, µs.
    """

    uuid: str
    name: str
    user_id: str | None
    state: str
    began_at: int | None = None


class TenantStore(Protocol):
    """users.db, as far as it is about tenants."""

    def find(self, uuid: str) -> Tenant | None: ...
    def list_of(self, user_id: str) -> list[Tenant]:
        """The user's tenants that are there, oldest first."""

    def list_all(self) -> list[Tenant]:
        """Every tenant there ever was, oldest first."""

    def list_unfinished(self) -> list[Tenant]:
        """Tenants being created, deleted or restored."""

    def add(self, tenant: Tenant, now: int) -> bool:
        """False where the UUID is known already; then nothing is changed."""

    def put_name(self, uuid: str, name: str) -> None: ...

    def put_owner(self, uuid: str, user_id: str | None) -> None:
        """Gives a tenant an owner, if it has none."""

    def put_state(self, uuid: str, state: str, *, instead_of: tuple[str, ...], began_at: int | None = None) -> bool:
        """Moves a tenant on, if it is in one of the states `instead_of`: whether it was. `began_at` None: as it is."""


class Tenants:
    """Creating, finding, renaming, deleting."""

    def __init__(self, store: TenantStore, life: Life) -> None:
        self._store = store
        self._life = life

    def create(self, user: User, uuid: str, name: str, user_id: str | None, now: int) -> tuple[Tenant, bool]:
        """The tenant with its file, and whether it is new. Said again with the same content, it is the present one.

        Raises Conflict where the UUID is known with other content (a deleted tenant's stays reserved), Forbidden for
        another owner than oneself.
        """
        if user_id not in (None, user.uuid):
            raise Forbidden("A tenant can be created for oneself only. Leave user_id out.")
        is_new = self._store.add(Tenant(uuid, name, user.uuid, CREATING), now)
        tenant = self._store.find(uuid)
        if tenant is None or (tenant.name, tenant.user_id) != (name, user.uuid) or _is_gone(tenant):
            raise Conflict("This UUID is taken. Make a new one.")
        if tenant.state == CREATING:
            self._life.create(tenant)
        return tenant, is_new

    def list_of(self, user: User, user_id: str | None) -> list[Tenant]:
        """The tenants the user may open; with `user_id`, those of them that this user owns."""
        return [tenant for tenant in self._store.list_of(user.uuid) if user_id in (None, tenant.user_id)]

    def ids_with_files(self) -> list[str]:
        """The tenants that have a file, be it a damaged one, for the commands of whoever runs the server."""
        return [tenant.uuid for tenant in self._store.list_all() if tenant.state in (ACTIVE, QUARANTINED)]

    def find(self, user: User, tenant_id: str | None) -> Tenant:
        """The tenant itself, whatever its file is like. Raises NotFound, TenantDeleted, Forbidden, Busy."""
        return self._open(user, tenant_id, access.may_read, to_use_file=False)

    def to_read(self, user: User, tenant_id: str | None) -> Tenant:
        """The tenant, to read its book. Raises NotFound, TenantDeleted, Forbidden, Busy, Quarantined."""
        return self._open(user, tenant_id, access.may_read)

    def to_write(self, user: User, tenant_id: str | None) -> Tenant:
        """The tenant, to write its book. Raises NotFound, TenantDeleted, Forbidden, Busy, Quarantined."""
        return self._open(user, tenant_id, access.may_write)

    def as_operator(self, tenant_id: str | None) -> Tenant:
        """The tenant, for the commands of whoever runs the server. Raises NotFound, TenantDeleted, Busy."""
        return self._open(None, tenant_id, access.may_manage)

    def rename(self, user: User, tenant_id: str | None, name: str) -> Tenant:
        """The tenant with another name. Raises what `to_read` raises."""
        tenant = self._open(user, tenant_id, access.may_manage, to_use_file=False)
        self._store.put_name(tenant.uuid, name)
        return tenant._replace(name=name)

    def delete(self, user: User, tenant_id: str | None, now: int) -> None:
        """Ends all access in every process and moves the file to the trash. Raises what `to_read` raises."""
        self._life.delete(self._open(user, tenant_id, access.may_manage, to_use_file=False), now)

    def _open(
        self,
        user: User | None,
        tenant_id: str | None,
        may: Callable[[User, Tenant], bool],
        *,
        to_use_file: bool = True,
    ) -> Tenant:
        tenant = self._store.find(tenant_id) if tenant_id else None
        if tenant is None or (user is not None and not access.is_member(user, tenant)):
            raise NotFound("There is no such tenant.")
        if _is_gone(tenant):
            raise TenantDeleted
        if user is not None and not may(user, tenant):
            raise Forbidden("Your role does not allow this.")
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


def _is_gone(tenant: Tenant) -> bool:
    return tenant.state in (DELETING, DELETED)
