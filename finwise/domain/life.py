"""The life of a tenant's file: created, deleted, replaced by a restore, found damaged.

Two databases cannot commit together, so users.db keeps a tenant's state: `creating`, `deleting` and `restoring` say
what was begun, and the next process that finds them finishes it. Each step can be repeated.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

from finwise.domain.events import tell
from finwise.domain.staging import Staging
from finwise.domain.tenant import ACTIVE, CREATING, DELETED, DELETING, QUARANTINED, RESTORING, Tenant, TenantStore
from finwise.errors import BadSetting, Busy, FinWiseError, NotFound, TenantDeleted

_RESTORABLE = (ACTIVE, QUARANTINED, DELETED)

log = logging.getLogger(__name__)


class TenantFiles(Protocol):
    """The tenants' files. Every method is idempotent."""

    def create(self, tenant_id: str, is_wanted: Callable[[], bool]) -> None:
        """Asks `is_wanted` under the tenant's lock: a file that is in use already is not touched."""

    def delete(self, tenant_id: str, began_at: int) -> bool:
        """Ends all access and moves the file to the trash, where `began_at` (µs) names it.

        False: access has ended, but the file could not be moved yet.
        """

    def set_aside(self, tenant_id: str, began_at: int, is_unknown: Callable[[], bool]) -> None:
        """Moves to the trash what nobody owns; asks `is_unknown` under the tenant's lock."""

    def exists(self, tenant_id: str) -> bool:
        """Whether the tenant's file is there, now that nobody is moving it."""

    def tenant_ids(self) -> set[str]:
        """The tenants whose files lie in the folder."""

    def alone(self) -> AbstractContextManager[None]:
        """One process at a time."""


class Life:
    """Moves tenants from state to state, with their files."""

    def __init__(self, store: TenantStore, files: TenantFiles, staging: Staging) -> None:
        self._store = store
        self._files = files
        self._staging = staging

    def create(self, tenant: Tenant) -> None:
        """Makes the file of a tenant that is being created."""
        self._files.create(tenant.uuid, lambda: self._state(tenant.uuid) == CREATING)
        self._store.put_state(tenant.uuid, ACTIVE, instead_of=(CREATING,))

    def delete(self, tenant: Tenant, now: int) -> None:
        """Ends all access to a tenant in every process, and moves its file to the trash."""
        self._store.put_state(tenant.uuid, DELETING, instead_of=(CREATING, ACTIVE, QUARANTINED), began_at=now)
        self._finish_deleting(self._store.find(tenant.uuid) or tenant, now)
        tell("tenant.deleted", tenant_id=tenant.uuid)

    def go_on(self, tenant_id: str, now: int) -> None:
        """Finishes a deletion that was begun in users.db."""
        tenant = self._store.find(tenant_id)
        if tenant and tenant.state == DELETING:
            self._finish_deleting(tenant, now)
            tell("tenant.deleted", tenant_id=tenant_id)

    def last_moved_at(self, tenant_id: str) -> int | None:
        """When the last deletion or restore of a tenant was begun (µs), which names the file it moved to the trash."""
        tenant = self._store.find(tenant_id)
        return tenant.began_at if tenant else None

    def is_missing(self, tenant_id: str) -> bool:
        """Whether a tenant's file is not there and should be."""
        return self._state(tenant_id) in (ACTIVE, QUARANTINED) and not self._files.exists(tenant_id)

    def to_restore(self, tenant_id: str, owner: str | None, name: str) -> Tenant:
        """The tenant whose file is to be replaced, with `owner` if it has none. Raises NotFound, Busy."""
        tenant = self._store.find(tenant_id) or Tenant(tenant_id, name, None, DELETED)
        if tenant.state not in _RESTORABLE:
            raise _under_way()
        if tenant.user_id is None:
            tenant = tenant._replace(user_id=owner)
        if tenant.user_id is None:
            raise NotFound("This installation knows no owner of this tenant. Name one (--owner).")
        return tenant

    def restore(self, tenant: Tenant, now: int) -> Tenant:
        """Replaces the tenant's file by the staged one. Raises Busy; then nothing has changed."""
        if not self._store.add(tenant, now):
            self._store.put_owner(tenant.uuid, tenant.user_id)
        before = self._state(tenant.uuid)
        if not self._store.put_state(tenant.uuid, RESTORING, instead_of=_RESTORABLE, began_at=now):
            raise _under_way()
        if not self._staging.replace(tenant.uuid, now):
            self._store.put_state(tenant.uuid, before or DELETED, instead_of=(RESTORING,))
            raise Busy("Another process has the tenant's file open. Stop the server, or try again.", retry_after=10)
        self._end_restore(tenant)
        return tenant._replace(state=ACTIVE)

    def report(self, tenant_id: str) -> None:
        """Called when a tenant's file is found damaged or missing: nobody uses it until the operator has looked.

        Raises TenantDeleted or Busy if that is what explains it.
        """
        state = self._state(tenant_id)
        if state in (DELETING, DELETED):
            raise TenantDeleted
        if state == RESTORING:
            raise Busy("The tenant is being restored. Try again in a moment.", retry_after=2)
        if self._store.put_state(tenant_id, QUARANTINED, instead_of=(ACTIVE,)):
            tell("tenant.quarantined", tenant_id=tenant_id)

    def release(self, tenant_id: str) -> bool:
        """Ends a quarantine after a check found the file intact: whether there was one."""
        released = self._store.put_state(tenant_id, ACTIVE, instead_of=(QUARANTINED,))
        if released:
            tell("tenant.released", tenant_id=tenant_id)
        return released

    def require_ours(self) -> None:
        """Raises BadSetting if tenants' files are there and users.db knows none: it is of another installation."""
        there = self._files.tenant_ids()  # first, because a tenant is in users.db before it has a file
        if there and not there & {tenant.uuid for tenant in self._store.list_all()}:
            raise BadSetting(
                f"users.db knows none of the {len(there)} account books whose files are there: it is another "
                "installation's, or new. Set FINWISE_INSTANCE and FINWISE_TENANT_DATABASES to folders that belong "
                "together, or put the right users.db back: each backup has a copy. To begin without these books, move "
                "their files to another folder."
            )

    def finish(self, now: int) -> None:
        """Finishes what a dead process began, and compares users.db with the existing files.

        What cannot be finished now is left for the next time. Doing it again changes nothing.
        """
        with self._files.alone():
            self._finish_those(now, CREATING, DELETING)
            self._finish_restores(now)
            self._compare(now)

    def _finish_restores(self, now: int) -> None:
        """Those of dead processes: during a restore, a staged file may belong to it and stays."""
        try:
            with self._staging.alone():
                self._finish_those(now, RESTORING)
                self._staging.remove_leftovers({tenant.uuid for tenant in self._store.list_unfinished()})
        except Busy as error:
            log.info("staged files stay as they are: %s", error.detail)

    def _finish_those(self, now: int, *states: str) -> None:
        for tenant in self._store.list_unfinished():
            if tenant.state in states:
                try:
                    self._finish(tenant, now)
                except FinWiseError as error:
                    log.warning("tenant %s stays in state %s: %s", tenant.uuid, tenant.state, error.detail)

    def _finish(self, tenant: Tenant, now: int) -> None:
        if tenant.state == CREATING:
            self.create(tenant)
        elif tenant.state == DELETING:
            self._finish_deleting(tenant, now)
        elif self._staging.replace(tenant.uuid, tenant.began_at or now):
            self._end_restore(tenant)

    def _end_restore(self, tenant: Tenant) -> None:
        self._store.put_state(tenant.uuid, ACTIVE, instead_of=(RESTORING,))
        tell("tenant.restored", tenant_id=tenant.uuid)

    def _finish_deleting(self, tenant: Tenant, now: int) -> None:
        if self._files.delete(tenant.uuid, tenant.began_at or now):
            self._store.put_state(tenant.uuid, DELETED, instead_of=(DELETING,))

    def _compare(self, now: int) -> None:
        """Tenants without a file are quarantined; files without a tenant are set aside, never removed."""
        there = self._files.tenant_ids()  # first, because a tenant is in users.db before it has a file
        tenants = self._store.list_all()
        for tenant in tenants:
            if tenant.state == ACTIVE and tenant.uuid not in there and not self._files.exists(tenant.uuid):
                self.report(tenant.uuid)
        strange = there - {tenant.uuid for tenant in tenants if tenant.state != DELETED}
        if strange and not there & {tenant.uuid for tenant in tenants}:
            log.error("users.db knows none of the %d tenants' files; nothing was moved. Is it theirs?", len(strange))
            return
        for tenant_id in strange:
            log.error("the file of tenant %s has no owner in users.db: it is set aside in the trash", tenant_id)
            self._files.set_aside(tenant_id, now, partial(self._is_unowned, tenant_id))

    def _is_unowned(self, tenant_id: str) -> bool:
        return self._state(tenant_id) in (None, DELETED)

    def _state(self, tenant_id: str) -> str | None:
        tenant = self._store.find(tenant_id)
        return tenant.state if tenant else None


def _under_way() -> Busy:
    return Busy("The tenant is being created, deleted or restored. Try again in a moment.", retry_after=2)
