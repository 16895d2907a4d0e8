"""The model's FinWise: an installation with one user, in a folder."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import finwise
from finwise.config import Settings
from finwise.domain.sync import PullRequest
from finwise.domain.user import User
from finwise.domain.users import NewUser
from proofs.model.service import Direct, Service
from proofs.model.state import CONFLICT_DAYS, SECOND, TOMBSTONE_DAYS

START = 1_800_000_000 * SECOND


class Installation:
    """FinWise with one user, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.domain = finwise.create_domain(
            Settings(
                instance=str(folder / "instance"),
                tenant_databases=str(folder / "tenants"),
                tombstone_days=TOMBSTONE_DAYS,
                conflict_days=CONFLICT_DAYS,
                maintenance_hours=0,
                tenants_per_user=1_000_000,  # each run and each example has two of its own
            )
        )
        new = NewUser(str(UUID(int=1)), "Ada", "ada@example.org", None)
        self.user: User = self.domain.users.register(new, "::1", START)[0]
        self.service: Service = Direct(self.domain)
        self._tenants = 0

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *failure: object) -> None:
        self.domain.close()

    def new_tenant(self) -> str:
        self._tenants += 1
        tenant_id = str(UUID(int=self._tenants + 1))
        self.domain.tenants.create(self.user, tenant_id, "Home", None, START)
        self.domain.sync.pull(tenant_id, PullRequest())
        return tenant_id

    def file(self, tenant_id: str) -> Path:
        return self.folder / "tenants" / f"tenant_{tenant_id}.db"
