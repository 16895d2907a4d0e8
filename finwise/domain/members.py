"""Members: who may open a tenant, and as what."""

from typing import NamedTuple, Protocol

from finwise.domain.access import OWNER
from finwise.domain.events import tell
from finwise.domain.tenant import Tenant
from finwise.domain.user import User
from finwise.errors import Conflict, Forbidden, NotFound


class Member(NamedTuple):
    """A user with a role in a tenant."""

    user_id: str
    name: str  # all that members learn of each other
    role: str


class MemberStore(Protocol):
    """users.db, as far as it is about members."""

    def list_of(self, tenant_id: str) -> list[Member]:
        """The owner first, then the others in the order they joined."""

    def put_role(self, tenant_id: str, user_id: str, role: str) -> bool:
        """Whether the user was a member, the owner apart."""

    def hand_over(self, tenant_id: str, from_user: str, to_user: str, now: int) -> bool:
        """Makes a member the owner, and the owner an editor: whether they were these."""

    def delete(self, tenant_id: str, user_id: str) -> bool:
        """Whether the user was a member, the owner apart.

        Open invitations that the user made, as the owner of before, end as well: one would lead back.
        """


class Members:
    """Changing and removing members. The caller checks who may manage the tenant (access.py); anybody may leave."""

    def __init__(self, store: MemberStore) -> None:
        self._store = store

    def list_of(self, tenant: Tenant) -> list[Member]:
        """The owner first, then the others in the order they joined."""
        return self._store.list_of(tenant.uuid)

    def put_role(self, tenant: Tenant, user_id: str | None, role: str, now: int) -> Member:
        """Gives a member another role. A new `owner` takes the tenant over, and the caller becomes an editor.

        Raises NotFound; Conflict for the owner, who has to hand the tenant over.
        """
        if user_id == tenant.user_id:
            if role != OWNER:
                raise Conflict("A tenant needs an owner. Make somebody else its owner first.")
        elif user_id is None or not self._change(tenant, user_id, role, now):
            raise _not_found()
        else:
            self._tell(tenant, user_id, role)
        for member in self.list_of(tenant):
            if member.user_id == user_id:
                return member
        raise _not_found()

    def remove(self, user: User, tenant: Tenant, user_id: str | None) -> None:
        """Ends a member's access, in every process at once; anybody may leave. Raises Forbidden, NotFound, Conflict."""
        if tenant.role != OWNER and user_id != user.uuid:
            raise Forbidden("Only the owner removes others.")
        if user_id == tenant.user_id:
            raise Conflict("A tenant needs an owner. Make somebody else its owner first, or delete the tenant.")
        if user_id is None or not self._store.delete(tenant.uuid, user_id):
            raise _not_found()
        tell("member.removed", tenant_id=tenant.uuid, user_id=user_id)

    def _tell(self, tenant: Tenant, user_id: str, role: str) -> None:
        if role == OWNER:
            tell("tenant.handed_over", tenant_id=tenant.uuid, user_id=user_id)
        else:
            tell("member.changed", tenant_id=tenant.uuid, user_id=user_id, role=role)

    def _change(self, tenant: Tenant, user_id: str, role: str, now: int) -> bool:
        if role == OWNER:
            return self._store.hand_over(tenant.uuid, tenant.user_id or "", user_id, now)
        return self._store.put_role(tenant.uuid, user_id, role)


def _not_found() -> NotFound:
    return NotFound("The tenant has no such member.")
