"""Who may what with a tenant: its owner everything, everybody else nothing."""

from collections.abc import Callable

import pytest

from finwise.domain import access
from finwise.domain.tenants import ACTIVE, Tenant
from finwise.domain.users import User
from tests.household import new_id

OWNER = User(new_id(), "Ada", "ada@example.org", None)
NAMESAKE = User(new_id(), "Ada", "ada@example.org", None)
QUESTIONS = [access.is_member, access.may_read, access.may_write, access.may_manage]


@pytest.mark.parametrize("may", QUESTIONS)
def test_the_owner_may(may: Callable[[User, Tenant], bool]) -> None:
    assert may(OWNER, Tenant(new_id(), "Home", OWNER.uuid, ACTIVE))


@pytest.mark.parametrize("may", QUESTIONS)
def test_somebody_else_may_not_whatever_their_name(may: Callable[[User, Tenant], bool]) -> None:
    assert not may(NAMESAKE, Tenant(new_id(), "Home", OWNER.uuid, ACTIVE))


@pytest.mark.parametrize("may", QUESTIONS)
def test_a_tenant_whose_owner_is_gone_belongs_to_nobody(may: Callable[[User, Tenant], bool]) -> None:
    assert not may(OWNER, Tenant(new_id(), "Home", None, ACTIVE))
