"""Maintenance: forgets what is old, and gives space back.

When tombstones are purged, the horizon moves with them: a device that slept past it has to load everything, and never
gets an answer that lacks a deletion.
"""

import logging
from typing import NamedTuple, Protocol

from finwise.domain.book import Books, Purged
from finwise.domain.copies import Copies
from finwise.domain.events import tell
from finwise.domain.life import Life
from finwise.domain.tenant import ACTIVE, TenantStore
from finwise.domain.times import millis_text
from finwise.errors import FinWiseError

_DAY = 24 * 60 * 60 * 1_000_000  # µs
_LATE = _DAY  # by which a run may come too late before the clock is distrusted
_EXPIRED_FOR = 30 * _DAY  # for so long an expired token still names its device
_HOUR = 60 * 60 * 1_000_000  # µs

log = logging.getLogger(__name__)


class Ages(NamedTuple):
    """After how many days maintenance forgets what is old."""

    tombstones: int
    conflicts: int
    trash: int
    every: int  # hours between two runs by the server itself; 0: never


class MaintenanceStore(Protocol):
    """users.db, as far as maintenance needs it."""

    def claim(self, now: int, last_before: int) -> int | None:
        """When the last run was, 0 if there was none, all in µs. It is `now` from here on.

        None: it was after `last_before`, and does not lie ahead of the clock. Then nothing has changed.
        """

    def forget_expired(self, before: str) -> None:
        """Removes tokens and invitations that expired before a time."""


class Files(Protocol):
    """The files, as far as maintenance needs them."""

    def shrink(self, tenant_id: str) -> None:
        """Gives unused space back to the disk."""

    def purge_trash(self, before: int) -> int:
        """Removes for good what came to the trash before `before` (µs): how many files that were."""


class Maintenance:
    """Maintenance of one tenant, or of all; `finwise compact` and the server itself run it."""

    def __init__(
        self,
        tenants: TenantStore,
        books: Books,
        files: Files,
        copies: Copies,
        life: Life,
        store: MaintenanceStore,
        ages: Ages,
    ) -> None:
        self._tenants = tenants
        self._books = books
        self._files = files
        self._copies = copies
        self._life = life
        self._store = store
        self._ages = ages

    def run_for(self, tenant_id: str, now: int) -> Purged:
        """Forgets what is old in one tenant's book, in one transaction; gives space back. Raises what Books raises."""
        with self._books.transact(tenant_id) as book:
            book.lift_limit()
            purged = book.purge(now - self._ages.tombstones * _DAY, now - self._ages.conflicts * _DAY, now)
        self._files.shrink(tenant_id)
        if purged.tombstones or purged.conflicts:
            told = {"deletions": purged.tombstones, "conflicts": purged.conflicts}
            tell("tenant.compacted", tenant_id=tenant_id, **told)
        return purged

    def purge_trash(self, now: int) -> int:
        """Removes for good what has been in the trash for long: how many files that were."""
        return self._files.purge_trash(now - self._ages.trash * _DAY)

    def run(self, now: int) -> None:
        """Everything, for every tenant; a failure with one does not stop the others."""
        self._life.finish(now)
        done = 0
        for tenant in self._tenants.list_all():
            if tenant.state == ACTIVE:
                try:
                    self.run_for(tenant.uuid, now)
                    done += 1
                except FinWiseError as error:
                    log.warning("maintenance of tenant %s failed: %s", tenant.uuid, error.detail)
        removed = self.purge_trash(now)
        self._copies.remove_leftovers(now - _DAY)
        self._store.forget_expired(millis_text(now - _EXPIRED_FOR))
        tell("maintenance.done", tenants=done, removed_files=removed)

    def run_if_due(self, now: int) -> bool:
        """Runs if no process did within the time set: whether it ran.

        After a run that is far too late, nothing is forgotten: the clock may have jumped ahead. The next run that is
        in time confirms it.
        """
        every = self._ages.every * _HOUR
        last = self._store.claim(now, now - every) if every else None
        if last is None:
            return False
        if last and now - last > every + _LATE:
            tell("maintenance.put_off", last_run=millis_text(last), clock=millis_text(now))
            return False
        self.run(now)
        return True
