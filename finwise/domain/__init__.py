"""The rules. This layer knows the standard library only; stores and hashers are passed in."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NamedTuple, Protocol

from finwise.domain.administration import Administration, Quotas
from finwise.domain.backups import Backups
from finwise.domain.conflicts import Conflicts
from finwise.domain.copies import Copies
from finwise.domain.devices import Devices
from finwise.domain.imports import Uploads
from finwise.domain.invitations import Invitations
from finwise.domain.life import Life
from finwise.domain.limits import Limits
from finwise.domain.maintenance import Maintenance
from finwise.domain.members import Members
from finwise.domain.restores import Restores
from finwise.domain.sync import Sync
from finwise.domain.tenants import Tenants
from finwise.domain.tokens import Tokens
from finwise.domain.users import Users
from finwise.domain.verification import Verification
from finwise.errors import FinWiseError


class Health(Protocol):
    """Whether the server can use the files it needs."""

    def problems(self) -> list[FinWiseError]:
        """What is wrong; empty if all is well."""


class HeldPermissions(Protocol):
    """A block in which this thread sees permissions as they were when it began."""

    def __enter__(self) -> "HeldPermissions": ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def release(self) -> None:
        """Ends it before its block does; what is looked up after this may be newer."""


class Domain(NamedTuple):
    """The rules joined to their stores: what the views and the commands call."""

    users: Users
    tenants: Tenants
    tokens: Tokens
    members: Members
    invitations: Invitations
    administration: Administration
    quotas: Quotas
    sync: Sync
    conflicts: Conflicts
    devices: Devices
    copies: Copies
    uploads: Uploads
    life: Life
    maintenance: Maintenance
    backups: Backups
    restores: Restores
    verification: Verification
    health: Health
    limits: Limits
    hold_permissions: Callable[[], HeldPermissions]
    alone: Callable[[str], AbstractContextManager[None]]  # one process at a time does the work of this name within it
    fold: Callable[[float], list[str]]  # folds logs into files for some seconds: the files it could not do, by name
    close: Callable[[], None]  # closes connections that wait for their next use, as must be done before a fork
