"""The one place that decides who may do what with a tenant."""

from finwise.domain.tenant import Tenant
from finwise.domain.token import Caller

ROLES = OWNER, EDITOR, VIEWER = "owner", "editor", "viewer"
LOGINS = PASSWORD, HEADER, NONE = "password", "header", "none"  # how people log in to an installation
SIGN_UPS = OPEN, INVITATION, CLOSED = "open", "invitation", "closed"  # who may sign up


def is_visible(caller: Caller, tenant: Tenant) -> bool:
    """Whether the tenant exists for the caller; to all others it is as unknown as one that never existed."""
    return tenant.role is not None and caller.token.tenant_id in (None, tenant.uuid)


def may_read(caller: Caller, tenant: Tenant) -> bool:
    """Whether the caller may pull and export the tenant's book."""
    return is_visible(caller, tenant)


def may_write(caller: Caller, tenant: Tenant) -> bool:
    """Whether the caller may push to the tenant's book, and decide its conflicts."""
    return is_visible(caller, tenant) and tenant.role in (OWNER, EDITOR) and not caller.token.read_only


def may_leave(caller: Caller, tenant: Tenant) -> bool:
    """Whether the caller may act as a member: see who the others are, and leave."""
    return is_visible(caller, tenant) and not caller.is_restricted


def may_manage(caller: Caller, tenant: Tenant) -> bool:
    """Whether the caller may rename, share and delete the tenant."""
    return is_visible(caller, tenant) and tenant.role == OWNER and not caller.is_restricted
