"""An installation, and what is done in it while calls to the disk fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from finwise import create_domain
from finwise.domain import Domain
from finwise.domain.sync import PushRequest
from finwise.domain.times import millis_text
from finwise.domain.user import User
from finwise.domain.users import NewUser
from finwise.errors import Busy
from harness.callers import as_caller
from proofs.disk.recorded_work import START, YEAR, settings

OLD, NEW = "old", "new"
USER = User(str(uuid5(NAMESPACE_OID, "user")), "Ada", "ada@example.org", None)
TENANT, OTHER = str(uuid5(NAMESPACE_OID, "tenant")), str(uuid5(NAMESPACE_OID, "other"))


class House:
    """An installation, and what is done to it. `now` is later each time it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._now = START + (YEAR if folder.name == "trial" else 0)
        self.domain: Domain = create_domain(settings(folder))

    @property
    def now(self) -> int:
        self._now += 1_000_000
        return self._now

    def sign_up(self) -> None:
        self.domain.users.register(NewUser(*USER[:4]), "127.0.0.1", self.now)

    def create(self, tenant_id: str = TENANT) -> None:
        self.domain.tenants.create(USER, tenant_id, "Home", None, self.now)

    def push(self, prefix: str, count: int = 3, padding: int = 0) -> None:
        """The same changes each time, as a device repeats them."""
        elements = [element_of(f"{prefix}-{number}", padding) for number in range(count)]
        results = self.domain.sync.push(TENANT, PushRequest(elements, "device"), self.now).results
        if len(results) != count:
            raise AssertionError("a push has another number of results than changes")

    def push_deletion(self) -> None:
        moment = millis_text(START + 1_000)
        change_id = str(uuid5(NAMESPACE_OID, "deletion"))
        deletion = element_of(f"{OLD}-1", 0) | {"change_id": change_id, "deleted_at": moment, "updated_at": moment}
        self.domain.sync.push(TENANT, PushRequest([deletion], "device"), self.now)

    def delete(self) -> None:
        self.domain.tenants.delete(as_caller(USER), TENANT, self.now)

    def run_maintenance(self) -> None:
        self.domain.maintenance.run_for(TENANT, self.now + 2 * YEAR)

    def back_up(self) -> None:
        made = self.domain.backups.make(self.folder / "backups", self.now)
        if made.manifest.problems:  # reported to the caller of the backup, so it is no success
            raise Busy(made.manifest.problems[0])

    def restore(self) -> None:
        self.domain.restores.from_backup(TENANT, next((self.folder / "backups").glob("*Z")), self.now)

    def restore_from_trash(self) -> None:
        self.domain.restores.from_trash(TENANT, self.now)

    def ids(self) -> set[str]:
        """The living entities of the tenant."""
        with self.domain.sync.initial(TENANT, None) as load:
            return {entity.id for entity in load.entities}


def element_of(entity_id: str, padding: int) -> dict[str, Any]:
    """A change that stores a tag with so many letters more."""
    return {
        "change_id": str(uuid5(NAMESPACE_OID, entity_id)),
        "entity_type": "tags",
        "id": entity_id,
        "updated_at": millis_text(START),
        "data": {"name": entity_id, "padding": "x" * padding},
    }
