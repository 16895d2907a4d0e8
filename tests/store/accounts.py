"""Users and tenants made and used through the domain, without HTTP and without passwords."""

from collections.abc import Callable

from finwise import now
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.user import User
from finwise.domain.users import NewUser
from tests.household import change, new_id


def add_user(domain: Domain) -> User:
    uuid = new_id()
    user, is_new = domain.users.register(NewUser(uuid, "Ada", f"{uuid}@example.org", None), "test", now())
    assert is_new
    return user


def add_tenant(domain: Domain, user: User) -> str:
    tenant, is_new = domain.tenants.create(user, new_id(), "Home", None, now())
    assert is_new
    return tenant.uuid


def uses(domain: Domain, tenant_id: str) -> list[Callable[[], object]]:
    """A pull and a push, for the caller to make."""
    return [
        lambda: domain.sync.pull(tenant_id, PullRequest()),
        lambda: domain.sync.push(tenant_id, PushRequest([change()]), now()),
    ]
