"""Three books: one in use, one that nothing is done to, one in the trash."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from finwise import create_domain
from finwise.config import Settings
from finwise.domain.sync import PushRequest
from finwise.domain.users import NewUser
from harness.callers import as_caller

NOW = 1_790_000_000_000_000  # µs
USER, OTHER, HOME, NEW, GONE = (f"{number}0000000-0000-4000-8000-000000000000" for number in range(1, 6))


def settings(folder: Path) -> Settings:
    """An installation in a folder."""
    return Settings(str(folder / "instance"), str(folder / "tenant_databases"))


def change(entity_id: str, name: str | None) -> dict[str, object]:
    """A change of a tag, newer than what is stored; without a name a deletion."""
    moment = "2026-02-01T00:00:00.000Z"
    return {
        "change_id": str(uuid4()),
        "entity_type": "tags",
        "id": entity_id,
        "updated_at": moment,
        "deleted_at": None if name else moment,
        "data": {"name": name} if name else None,
    }


def prepare(folder: Path) -> None:
    """Two books, one of which has a deletion, is in a backup and has gone on since; and one in the trash."""
    domain = create_domain(settings(folder))
    user, _ = domain.users.register(NewUser(USER, "Ada", "ada@example.org", None), "", NOW)
    for tenant_id in (HOME, OTHER, GONE):
        domain.tenants.create(user, tenant_id, "Book", None, NOW)
        domain.sync.push(tenant_id, PushRequest([change("old", "old")]), NOW)
    domain.sync.push(HOME, PushRequest([change("dead", None)]), NOW)
    domain.tenants.delete(as_caller(user), GONE, NOW)
    domain.backups.make(folder / "backups", NOW)
    domain.sync.push(HOME, PushRequest([change("since", "since the backup")]), NOW + 1)
    domain.close()
