"""The record of a tenant, the states it goes through, and where records of tenants are kept."""

from typing import NamedTuple, Protocol

CREATING, ACTIVE, DELETING, DELETED = "creating", "active", "deleting", "deleted"
RESTORING = "restoring"  # another file takes the place of its file
QUARANTINED = "quarantined"  # its file is damaged or missing, and the operator has not looked yet
STATES = (CREATING, ACTIVE, QUARANTINED, RESTORING, DELETING, DELETED)


class Tenant(NamedTuple):
    """An account book."""

    uuid: str
    name: str
    user_id: str | None  # its owner; None once a deleted tenant has lost its owner, too
    state: str
    began_at: int | None = None  # when its last deletion or restore was begun, µs
    quota_mib: int | None = None  # None: the server's setting
    created_at: str = ""  # canonical; empty before it is stored
    updated_at: str = ""  # when it got its present name or owner; empty before it is stored
    role: str | None = None  # of the user it was looked up for; None: not a member


class TenantStore(Protocol):
    """users.db, as far as it is about tenants."""

    def find(self, uuid: str) -> Tenant | None: ...
    def find_for(self, user_id: str, uuid: str) -> Tenant | None:
        """The tenant with the user's role in it."""

    def list_for(self, user_id: str) -> list[Tenant]:
        """The tenants that are there and that the user has a role in, oldest first."""

    def list_all(self) -> list[Tenant]:
        """Every tenant there ever was, oldest first."""

    def list_unfinished(self) -> list[Tenant]:
        """Tenants being created, deleted or restored."""

    def add(self, tenant: Tenant, now: int, most: int | None = None) -> bool:
        """False if the UUID is known already; then nothing is changed.

        Raises Conflict if the owner has made `most` tenants that are there or were deleted within a day.
        """

    def put_name(self, uuid: str, name: str, now: int) -> None: ...
    def put_quota(self, uuid: str, quota_mib: int | None) -> bool:
        """Whether there is such a tenant. None: the server's setting."""

    def put_owner(self, uuid: str, user_id: str | None) -> None:
        """Gives a tenant an owner, if it has none."""

    def put_state(self, uuid: str, state: str, *, instead_of: tuple[str, ...], began_at: int | None = None) -> bool:
        """Changes a tenant's state if it is in one of `instead_of`: whether it was. `began_at` None: as it is."""
