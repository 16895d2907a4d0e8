"""Proving that files are whole."""

from typing import Protocol

from finwise.domain.life import Life
from finwise.errors import Quarantined


class Wholeness(Protocol):
    """Looks at the files, without changing them."""

    def damages(self, tenant_id: str) -> list[str]:
        """What is wrong with a tenant's file, a sentence each. Raises what Books raises."""

    def damages_of_users(self) -> list[str]:
        """What is wrong with users.db."""


class Verification:
    """`finwise verify`: quarantines damaged files, and ends the quarantine of intact ones."""

    def __init__(self, wholeness: Wholeness, life: Life) -> None:
        self._wholeness = wholeness
        self._life = life

    def verify(self, tenant_id: str) -> list[str]:
        """What is wrong with a tenant's file, a sentence each; nobody uses a damaged one any more."""
        try:
            found = self._wholeness.damages(tenant_id)
        except Quarantined as error:
            return [error.detail]
        if found:
            self._life.report(tenant_id)
        return found

    def verify_users(self) -> list[str]:
        """What is wrong with users.db, a sentence each."""
        return self._wholeness.damages_of_users()

    def release(self, tenant_id: str) -> bool:
        """Brings a tenant that `verify` found whole back into use: whether it was quarantined."""
        return self._life.release(tenant_id)
