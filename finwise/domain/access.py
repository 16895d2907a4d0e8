"""The one place where it is decided whether a user may read or write a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finwise.domain.tenants import Tenant
    from finwise.domain.users import User


def is_member(user: User, tenant: Tenant) -> bool:
    """Whether the tenant exists for this user at all; for everybody else it is as unknown as any other."""
    return tenant.user_id == user.uuid


def may_read(user: User, tenant: Tenant) -> bool:
    """Whether the user may pull the tenant's book."""
    return is_member(user, tenant)


def may_write(user: User, tenant: Tenant) -> bool:
    """Whether the user may push to the tenant's book."""
    return is_member(user, tenant)


def may_manage(user: User, tenant: Tenant) -> bool:
    """Whether the user may rename and delete the tenant."""
    return is_member(user, tenant)
