"""Who may what with a tenant: what the role allows, as far as the token goes."""

from collections.abc import Callable

import pytest

from finwise.domain import access
from finwise.domain.access import EDITOR, OWNER, VIEWER
from finwise.domain.tenant import ACTIVE, Tenant
from finwise.domain.token import Caller, Token
from finwise.domain.user import User
from tests.household import new_id

ADA = User(new_id(), "Ada", "ada@example.org", None)
TENANT = Tenant(new_id(), "Home", ADA.uuid, ACTIVE)
QUESTIONS: dict[str, Callable[[Caller, Tenant], bool]] = {
    "see": access.is_visible,
    "read": access.may_read,
    "write": access.may_write,
    "leave": access.may_leave,
    "manage": access.may_manage,
}


def caller(tenant_id: str | None = None, *, read_only: bool = False, is_admin: bool = False) -> Caller:
    token = Token(new_id(), ADA.uuid, "phone", "", "", tenant_id=tenant_id, read_only=read_only)
    return Caller(ADA._replace(is_admin=is_admin), token)


def allowed(asking: Caller, role: str | None) -> set[str]:
    tenant = TENANT._replace(role=role)
    return {name for name, may in QUESTIONS.items() if may(asking, tenant)}


@pytest.mark.parametrize(
    ("role", "what"),
    [
        (OWNER, {"see", "read", "write", "leave", "manage"}),
        (EDITOR, {"see", "read", "write", "leave"}),
        (VIEWER, {"see", "read", "leave"}),
        (None, set()),
    ],
)
def test_a_role_allows_what_it_is_for(role: str | None, what: set[str]) -> None:
    assert allowed(caller(), role) == what


def test_an_administrator_may_nothing_with_a_tenant_of_others() -> None:
    assert allowed(caller(is_admin=True), None) == set()


@pytest.mark.parametrize("role", [OWNER, EDITOR, VIEWER])
def test_a_token_to_read_does_not_write_nor_act_as_a_member(role: str) -> None:
    assert allowed(caller(read_only=True), role) == {"see", "read"}


def test_a_token_for_one_tenant_syncs_it_and_does_nothing_else() -> None:
    assert allowed(caller(TENANT.uuid), OWNER) == {"see", "read", "write"}
    assert allowed(caller(TENANT.uuid), VIEWER) == {"see", "read"}
    assert allowed(caller(new_id()), OWNER) == set()
