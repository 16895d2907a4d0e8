"""What the store's tests share: files below `tmp_path`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from finwise import create_domain
from finwise.config import Settings
from finwise.domain import Domain
from finwise.store.databases import Databases
from finwise.store.pool import Pool
from finwise.store.tenants import TenantStore
from finwise.store.users import UserStore
from finwise.store.users_database import UsersDatabase
from tests.household import new_id
from tests.store.files import create, open_databases, open_users_database, store, tenant_file


@pytest.fixture
def pool() -> Iterator[Pool]:
    """The connections of this process that wait for their next use; closed at the end."""
    made = Pool()
    yield made
    made.close()


@pytest.fixture
def databases(tmp_path: Path, pool: Pool) -> Databases:
    return open_databases(tmp_path, pool)


@pytest.fixture
def users_database(tmp_path: Path, pool: Pool) -> UsersDatabase:
    return open_users_database(tmp_path, pool)


@pytest.fixture
def users(users_database: UsersDatabase) -> UserStore:
    return UserStore(users_database)


@pytest.fixture
def tenants(users_database: UsersDatabase) -> TenantStore:
    return TenantStore(users_database)


@pytest.fixture
def domain(settings: Settings) -> Iterator[Domain]:
    opened = create_domain(settings)
    yield opened
    opened.close()


@pytest.fixture
def tenant_id() -> str:
    return new_id()


@pytest.fixture
def path(tmp_path: Path, tenant_id: str) -> Path:
    """Where the tenant's file belongs."""
    return tenant_file(tmp_path, tenant_id)


@pytest.fixture
def used_id(databases: Databases, tenant_id: str) -> str:
    """The tenant, once it has a file and 1 is stored in it."""
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    return tenant_id
