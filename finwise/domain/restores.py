"""Restoring: another file replaces a tenant's. It gets a new epoch.

Devices are told so by 410 `epoch_changed`, load the book and give back what the file lacks (protocol.md 7).
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from finwise.domain.backups import Archives, Entry, Manifest
from finwise.domain.life import Life
from finwise.domain.names import email_key
from finwise.domain.staging import Staging
from finwise.domain.tenant import Tenant
from finwise.domain.user import UserStore
from finwise.errors import Conflict, NotFound

Advance = Callable[[int, int], None]  # told how many tenants of how many are done


class Newcomer(NamedTuple):
    """Owner and name for a tenant that this installation does not know, or whose owner has left."""

    email: str
    name: str | None = None


class Restores:
    """Restoring one tenant; the others are not touched. Or everything, into an empty installation."""

    def __init__(self, life: Life, users: UserStore, staging: Staging, archives: Archives) -> None:
        self._life = life
        self._users = users
        self._staging = staging
        self._archives = archives

    def from_backup(self, tenant_id: str, archive: Path, now: int, newcomer: Newcomer | None = None) -> Tenant:
        """Restores a tenant from a backup. Raises Invalid, NotFound, Busy."""
        for entry in self._archives.read(archive).tenants:
            if entry.uuid == tenant_id:
                return self._from_entry(archive, entry, now, newcomer)
        raise NotFound("The backup has no such tenant.")

    def from_trash(self, tenant_id: str, now: int, newcomer: Newcomer | None = None) -> Tenant:
        """Restores a deleted tenant, or the file that a restore replaced. Raises Invalid, NotFound, Busy."""
        file = self._staging.find_in_trash(tenant_id, self._life.last_moved_at(tenant_id))
        if file is None:
            raise NotFound("The trash has no file of this tenant.")
        return self._put(tenant_id, file, now, newcomer, may_be_new=True)

    def adopt(self, tenant_id: str, file: Path, now: int, newcomer: Newcomer | None = None) -> Tenant:
        """Makes a file from elsewhere the tenant's. Raises Invalid, NotFound, Busy, Conflict."""
        return self._put(tenant_id, file, now, newcomer)

    def _put(
        self, tenant_id: str, file: Path, now: int, newcomer: Newcomer | None, *, may_be_new: bool = False
    ) -> Tenant:
        owner = self._owner(newcomer)
        name = newcomer.name if newcomer else None
        with self._staging.alone():
            tenant = self._life.to_restore(tenant_id, owner, name or "Restored")
            self._staging.stage(tenant.uuid, file, may_be_new=may_be_new)
            return self._life.restore(tenant, now)

    def everything(self, archive: Path, now: int, advance: Advance | None = None) -> int:
        """Restores a complete backup into an installation without users: returns the number of tenants.

        If it was interrupted, calling it again restores the tenants that have no file yet and touches no other. Raises
        Conflict if there are users and no file is missing, Invalid if the backup is not whole or is of one tenant only.
        """
        manifest = self._archives.read(archive)
        if manifest.users_db is None:
            raise Conflict("This is a backup of one tenant. Name the tenant, and its owner.")
        if not self._missing(manifest):
            self._archives.put_users(archive, manifest.users_db)
        missing = self._missing(manifest)
        for done, entry in enumerate(missing, start=1):
            self._from_entry(archive, entry, now, None)
            if advance:
                advance(done, len(missing))
        return len(missing)

    def _missing(self, manifest: Manifest) -> list[Entry]:
        """The tenants of a backup that this installation knows and whose files it lacks."""
        return [entry for entry in manifest.tenants if self._life.is_missing(entry.uuid)]

    def _from_entry(self, archive: Path, entry: Entry, now: int, newcomer: Newcomer | None) -> Tenant:
        if newcomer and newcomer.name is None:
            newcomer = newcomer._replace(name=entry.name)
        return self.adopt(entry.uuid, self._archives.file_of(archive, entry), now, newcomer)

    def _owner(self, newcomer: Newcomer | None) -> str | None:
        if newcomer is None:
            return None
        user = self._users.find_by_email(email_key(newcomer.email))
        if user is None:
            raise NotFound("There is no user with this e-mail.")
        return user.uuid
