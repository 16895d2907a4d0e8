"""Backups: copies of every file, each proven whole, in a folder with a manifest."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from finwise.domain.copies import Fingerprint
from finwise.domain.events import tell
from finwise.domain.tenant import ACTIVE, QUARANTINED, RESTORING, Tenant, TenantStore
from finwise.domain.times import millis_text
from finwise.errors import FinWiseError, NotFound, TenantDeleted
from finwise.version import __version__

Advance = Callable[[int, int], None]  # told how many tenants of how many are done


class Entry(NamedTuple):
    """A tenant's copy."""

    uuid: str
    name: str
    user_id: str | None
    file: str
    bytes: int
    sha256: str
    epoch: str
    last_stamp: int
    entities: int  # the number of living ones
    digest: dict[str, str]  # entity_type -> 16 hex digits


class Manifest(NamedTuple):
    """What is in a backup, and what could not be copied."""

    finwise: str  # the version that made it
    made_at: str  # canonical text
    users_db: Fingerprint | None
    tenants: Sequence[Entry]
    problems: Sequence[str]  # a sentence each


class Leftovers(NamedTuple):
    """Folders of incomplete backups, by name: those removed, and those that may still be running."""

    removed: Sequence[str]
    kept: Sequence[str]


class Backup(NamedTuple):
    """A new backup, and the incomplete ones beside it."""

    folder: Path
    manifest: Manifest
    leftovers: Leftovers


class KeptArchives(Protocol):
    """Finished backups on disk, made here or elsewhere."""

    def read(self, archive: Path) -> Manifest:
        """Raises Invalid if there is no complete backup."""

    def file_of(self, archive: Path, entry: Entry) -> Path:
        """A tenant's copy. Raises Invalid if it is not what was written."""

    def users_file(self, archive: Path, expected: Fingerprint) -> Path:
        """The copy of users.db. Raises Invalid if it is not what was written."""


class Archives(KeptArchives, Protocol):
    """Backups of this installation. A file's copy shows one moment, even if others write to it meanwhile."""

    def begin(self, folder: Path, now: int) -> Path:
        """A new folder below `folder`, incomplete until `finish`. Raises ReadOnly."""

    def remove_leftovers(self, archive: Path) -> Leftovers:
        """Removes leftovers of dead backups beside the new one, if nobody wrote to them for a day."""

    def add_users(self, archive: Path) -> Fingerprint:
        """Copies users.db. Raises Quarantined if the copy is not whole."""

    def list_tenants(self, archive: Path) -> list[Tenant]:
        """The tenants that the copy of users.db knows."""

    def add_tenant(self, archive: Path, tenant_id: str, name: str, user_id: str | None) -> Entry:
        """Copies a tenant's file. Raises what Books raises, and Quarantined if the copy is not whole."""

    def discard_tenant(self, archive: Path, tenant_id: str) -> None:
        """Removes a copy that is not intact."""

    def finish(self, archive: Path, manifest: Manifest) -> Path:
        """Makes the backup complete: its folder's name to go by."""

    def put_users(self, archive: Path, expected: Fingerprint) -> None:
        """Makes the copy of users.db this installation's. Raises Invalid, and Conflict if there are users."""


class Backups:
    """Makes backups and verifies them."""

    def __init__(self, tenants: TenantStore, archives: Archives) -> None:
        self._tenants = tenants
        self._archives = archives

    def make(self, folder: Path, now: int, tenant_id: str | None = None, advance: Advance | None = None) -> Backup:
        """A backup of everything, or of one tenant without users.db, while others write.

        What was acknowledged before is in it. A tenant that cannot be copied does not stop the others: the
        manifest's `problems` name it. Raises NotFound, ReadOnly, StorageFull, and Quarantined for users.db.
        """
        if tenant_id is not None:
            self._require_known(tenant_id)
        archive = self._archives.begin(folder, now)
        leftovers = self._archives.remove_leftovers(archive)  # first, because they may fill the disk
        users_db = self._archives.add_users(archive) if tenant_id is None else None
        # As the copy lists them, so that it fits the files, even if a tenant is created or restored meanwhile.
        known = self._tenants.list_all() if users_db is None else self._archives.list_tenants(archive)
        chosen = _choose(known, tenant_id)
        entries: list[Entry] = []
        problems = [
            f"tenant {tenant.uuid}: It is being restored. Make another backup."
            for tenant in known
            if tenant.state == RESTORING and tenant_id is None
        ]
        for done, tenant in enumerate(chosen, start=1):
            try:
                entries.append(self._archives.add_tenant(archive, tenant.uuid, tenant.name, tenant.user_id))
            except TenantDeleted:
                self._archives.discard_tenant(archive, tenant.uuid)  # while this was going on
            except FinWiseError as error:
                self._archives.discard_tenant(archive, tenant.uuid)
                problems.append(f"tenant {tenant.uuid}: {error.detail}")
                tell("backup.incomplete", tenant_id=tenant.uuid, reason=error.detail)
            if advance:
                advance(done, len(chosen))
        manifest = Manifest(__version__, millis_text(now), users_db, entries, problems)
        made = self._archives.finish(archive, manifest)
        tell("backup.made", folder=str(made), tenants=len(entries), problems=len(problems))
        return Backup(made, manifest, leftovers)

    def problems(self, archive: Path) -> list[str]:
        """What is wrong with a backup (`problems_of`)."""
        return problems_of(self._archives, archive)

    def _require_known(self, tenant_id: str) -> None:
        if not _choose(self._tenants.list_all(), tenant_id):
            raise NotFound("There is no such tenant.")


def problems_of(archives: KeptArchives, archive: Path) -> list[str]:
    """The problems of a backup, a sentence each: files that it never had, and files that have changed since."""
    manifest = archives.read(archive)
    found = list(manifest.problems)
    for entry in manifest.tenants:
        found += _catch(partial(archives.file_of, archive, entry))
    if manifest.users_db:
        found += _catch(partial(archives.users_file, archive, manifest.users_db))
    return found


def _choose(known: list[Tenant], tenant_id: str | None) -> list[Tenant]:
    return [tenant for tenant in known if tenant.state in (ACTIVE, QUARANTINED) and tenant_id in (None, tenant.uuid)]


def _catch(check: Callable[[], object]) -> list[str]:
    try:
        check()
    except FinWiseError as error:
        return [error.detail]
    return []
