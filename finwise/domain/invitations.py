"""Invitations: a code that makes its holder a member of a tenant, or lets them sign up; once, and for some days.

A code is random and only its hash is stored, so nobody can forge it or read it from users.db. It can be withdrawn.
People hand it over in any way they trust.
"""

import secrets
from hashlib import sha256
from typing import NamedTuple, Protocol
from uuid import uuid4

from finwise.domain.events import tell
from finwise.domain.tenant import Tenant
from finwise.domain.times import millis_text
from finwise.domain.user import User
from finwise.errors import Invalid, NotFound

MOST_OPEN = 100  # invitations to one tenant; without a limit, one owner could fill everybody's disk
_DAY = 24 * 60 * 60 * 1_000_000  # µs


class Invitation(NamedTuple):
    """An invitation without its code; times are canonical text."""

    id: str
    tenant_id: str | None  # None: it permits signing up, and no more
    role: str | None
    invited_by: str | None  # a user; None: the operator
    created_at: str
    expires_at: str


class Invited(NamedTuple):
    """A new invitation with its code, which cannot be shown a second time."""

    invitation: Invitation
    code: str


class InvitationStore(Protocol):
    """users.db, as far as it is about invitations."""

    def add(self, invitation: Invitation, hashed: str, most: int) -> None:
        """Raises Conflict if the tenant has `most` open ones, or the inviting user no longer exists."""

    def list_of(self, tenant_id: str, now: str) -> list[Invitation]:
        """Those of a tenant that nobody has used and that have not expired, oldest first."""

    def delete(self, tenant_id: str, invitation_id: str) -> bool:
        """Whether the tenant had such an invitation that nobody had used."""

    def use(self, hashed: str, user_id: str, now: int) -> str:
        """Makes the user a member, and returns the tenant. Idempotent for the same user.

        Raises NotFound (`unknown`) if it is not open or its tenant does not exist; Conflict if the user is already a
        member.
        """


class Invitations:
    """Inviting and accepting. The caller checks who may invite (access.py)."""

    def __init__(self, store: InvitationStore, days: int) -> None:
        self._store = store
        self._days = days

    def invite(
        self, inviter: User | None, tenant: Tenant | None, role: str | None, now: int, days: int | None = None
    ) -> Invited:
        """A new invitation to a tenant with a role in it, or without both: to sign up. Raises Invalid, Conflict.

        `days` until it expires: at most the server's setting, which is also the default.
        """
        if days is not None and not 1 <= days <= self._days:
            raise Invalid("The invitation cannot last that long.", errors={"days": [f"Give 1 to {self._days} days."]})
        invitation = Invitation(
            str(uuid4()),
            tenant and tenant.uuid,
            role,
            inviter and inviter.uuid,
            millis_text(now),
            millis_text(now + (days or self._days) * _DAY),
        )
        code = f"fwi_{secrets.token_urlsafe(24)}"
        self._store.add(invitation, hashed_code(code), MOST_OPEN)
        tell("invitation.added", invitation_id=invitation.id, tenant_id=invitation.tenant_id, role=role)
        return Invited(invitation, code)

    def list_of(self, tenant: Tenant, now: int) -> list[Invitation]:
        """The open invitations to a tenant, oldest first."""
        return self._store.list_of(tenant.uuid, millis_text(now))

    def revoke(self, tenant: Tenant, invitation_id: str | None) -> None:
        """Withdraws an open invitation. Raises NotFound."""
        if invitation_id is None or not self._store.delete(tenant.uuid, invitation_id):
            raise NotFound("There is no such invitation; it may have been used already.")
        tell("invitation.revoked", invitation_id=invitation_id, tenant_id=tenant.uuid)

    def accept(self, user: User, code: str, now: int) -> str:
        """Makes the user a member: of which tenant. Raises NotFound, Conflict."""
        tenant_id = self._store.use(hashed_code(code), user.uuid, now)
        tell("invitation.accepted", tenant_id=tenant_id, user_id=user.uuid)
        return tenant_id


def unknown() -> NotFound:
    """The answer to a code that opens nothing, for any reason."""
    return NotFound("This invitation is unknown, used or expired. Ask for a new one.")


def hashed_code(code: str) -> str:
    """What is stored of a code: it has 192 random bits, so it needs no salt."""
    return sha256(code.encode("utf-8", "replace")).hexdigest()
