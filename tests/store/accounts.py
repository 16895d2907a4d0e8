"""Users and tenants made through the domain, without HTTP and without passwords."""

from finwise import now
from finwise.domain import Domain
from finwise.domain.users import NewUser, User
from tests.household import new_id


def add_user(domain: Domain) -> User:
    uuid = new_id()
    user, is_new = domain.users.register(NewUser(uuid, "Ada", f"{uuid}@example.org", None), "test", now())
    assert is_new
    return user


def add_tenant(domain: Domain, user: User) -> str:
    tenant, is_new = domain.tenants.create(user, new_id(), "Home", None, now())
    assert is_new
    return tenant.uuid
