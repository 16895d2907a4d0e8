"""Emptying a book: every entity is deleted in one set of changes, so the devices get the deletions like any other."""

from typing import Any
from uuid import uuid4

from finwise.domain.change import Entity
from finwise.domain.events import tell
from finwise.domain.sync import Sync
from finwise.domain.times import millis_text

DEVICE_ID = "finwise-reset"


def empty_book(sync: Sync, tenant_id: str, now: int) -> int:
    """Deletes what a tenant's book holds, all of it or nothing: how many entities. Raises what Sync.storing raises.

    Versions that lost a conflict stay for a person to look at.
    """
    deleted = 0
    with sync.storing(tenant_id, DEVICE_ID, now) as changes:
        changes.lift_limit()
        for living in changes.living_before():
            changes.store([_deletion(entity, millis_text(now)) for entity in living])
            deleted += len(living)
    tell("tenant.reset", tenant_id=tenant_id, deletions=deleted)
    return deleted


def _deletion(entity: Entity, now: str) -> dict[str, Any]:
    return {
        "change_id": str(uuid4()),
        "entity_type": entity.entity_type,
        "id": entity.id,
        "updated_at": now,
        "deleted_at": now,
        "base_updated_at": entity.updated_at,
    }
