"""Tenants: account books, each with a file of its own.

Two databases cannot commit together, so users.db keeps a tenant's state: `creating` and `deleting` say what was begun,
and whoever finds them finishes it. Each step may be done again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

from finwise.domain import access
from finwise.domain.users import User
from finwise.errors import Busy, Conflict, FinWiseError, Forbidden, NotFound, TenantDeleted

log = logging.getLogger(__name__)

CREATING, ACTIVE, DELETING, DELETED = "creating", "active", "deleting", "deleted"


class Tenant(NamedTuple):
    """An account book. `user_id` is its owner, None once a deleted tenant's owner is deleted too."""

    uuid: str
    name: str
    user_id: str | None
    state: str


class TenantStore(Protocol):
    """users.db, as far as it is about tenants."""

    def find(self, uuid: str) -> Tenant | None: ...
    def list_of(self, user_id: str) -> list[Tenant]:
        """The user's tenants that are there, oldest first."""

    def list_unfinished(self) -> list[Tenant]:
        """Tenants being created or deleted."""

    def add(self, tenant: Tenant, now: int) -> bool:
        """False where the UUID is known already; then nothing is changed."""

    def put_name(self, uuid: str, name: str) -> None: ...

    def put_state(self, uuid: str, state: str, *, instead_of: tuple[str, ...]) -> None:
        """Moves a tenant on, if it is in one of the states `instead_of`."""


class TenantFiles(Protocol):
    """The tenants' files. Creating and deleting may be done again."""

    def create(self, tenant_id: str, is_wanted: Callable[[], bool]) -> None:
        """Asks `is_wanted` under the tenant's lock: a file that is in use already is not touched."""

    def delete(self, tenant_id: str) -> bool:
        """False where access has ended, but the file could not be moved out of the way yet."""


class Tenants:
    """Creating, finding, renaming, deleting."""

    def __init__(self, store: TenantStore, files: TenantFiles) -> None:
        self._store = store
        self._files = files

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
            self._finish_creating(tenant)
        return tenant, is_new

    def list_of(self, user: User, user_id: str | None) -> list[Tenant]:
        """The tenants the user may open; with `user_id`, those of them that this user owns."""
        return [tenant for tenant in self._store.list_of(user.uuid) if user_id in (None, tenant.user_id)]

    def to_read(self, user: User, tenant_id: str | None) -> Tenant:
        """The tenant, to read its book. Raises NotFound, TenantDeleted, Forbidden, Busy."""
        return self._open(user, tenant_id, access.may_read)

    def to_write(self, user: User, tenant_id: str | None) -> Tenant:
        """The tenant, to write its book. Raises NotFound, TenantDeleted, Forbidden, Busy."""
        return self._open(user, tenant_id, access.may_write)

    def as_operator(self, tenant_id: str | None) -> Tenant:
        """The tenant, for the commands of whoever runs the server. Raises NotFound, TenantDeleted, Busy."""
        return self._open(None, tenant_id, access.may_manage)

    def rename(self, user: User, tenant_id: str | None, name: str) -> Tenant:
        """The tenant with another name. Raises what `to_read` raises."""
        tenant = self._open(user, tenant_id, access.may_manage)
        self._store.put_name(tenant.uuid, name)
        return tenant._replace(name=name)

    def delete(self, user: User, tenant_id: str | None) -> None:
        """Ends all access in every process and moves the file to the trash. Raises what `to_read` raises."""
        tenant = self._open(user, tenant_id, access.may_manage)
        self._store.put_state(tenant.uuid, DELETING, instead_of=(CREATING, ACTIVE))
        self._finish_deleting(tenant)

    def finish(self) -> None:
        """Finishes what a process that died had begun; what cannot be finished now is left for the next time."""
        for tenant in self._store.list_unfinished():
            try:
                if tenant.state == CREATING:
                    self._finish_creating(tenant)
                else:
                    self._finish_deleting(tenant)
            except FinWiseError as error:
                log.warning("tenant %s stays in state %s: %s", tenant.uuid, tenant.state, error.detail)

    def _open(self, user: User | None, tenant_id: str | None, may: Callable[[User, Tenant], bool]) -> Tenant:
        tenant = self._store.find(tenant_id) if tenant_id else None
        if tenant is None or (user is not None and not access.is_member(user, tenant)):
            raise NotFound("There is no such tenant.")
        if _is_gone(tenant):
            raise TenantDeleted
        if user is not None and not may(user, tenant):
            raise Forbidden("Your role does not allow this.")
        if tenant.state == CREATING:
            raise Busy("The tenant is being created. Try again in a moment.", retry_after=1)
        return tenant

    def _finish_creating(self, tenant: Tenant) -> None:
        self._files.create(tenant.uuid, lambda: self._is_being_created(tenant.uuid))
        self._store.put_state(tenant.uuid, ACTIVE, instead_of=(CREATING,))

    def _is_being_created(self, tenant_id: str) -> bool:
        tenant = self._store.find(tenant_id)
        return tenant is not None and tenant.state == CREATING

    def _finish_deleting(self, tenant: Tenant) -> None:
        if self._files.delete(tenant.uuid):
            self._store.put_state(tenant.uuid, DELETED, instead_of=(DELETING,))


def _is_gone(tenant: Tenant) -> bool:
    return tenant.state in (DELETING, DELETED)
