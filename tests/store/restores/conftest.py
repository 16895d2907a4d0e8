"""What the tests of restores share: a tenant with a book, a backup of it, and a file from elsewhere."""

import shutil
from pathlib import Path

import pytest

from finwise import now
from finwise.domain import Domain
from finwise.domain.sync import PushRequest
from finwise.domain.user import User
from tests.household import change
from tests.store.accounts import add_tenant, add_user


@pytest.fixture
def user(domain: Domain) -> User:
    return add_user(domain)


@pytest.fixture
def tenant_id(domain: Domain, user: User) -> str:
    made = add_tenant(domain, user)
    domain.sync.push(made, PushRequest([change("kept")]), now())
    return made


@pytest.fixture
def backup(domain: Domain, tenant_id: str, tmp_path: Path) -> Path:
    """A backup, after which the book went on."""
    folder = domain.backups.make(tmp_path / "backups", now()).folder
    domain.sync.push(tenant_id, PushRequest([change("since")]), now())
    return folder


@pytest.fixture
def copy(backup: Path, tenant_id: str, tmp_path: Path) -> Path:
    """A tenant's file from elsewhere."""
    return Path(shutil.copyfile(backup / f"tenant_{tenant_id}.db", tmp_path / "copy.db"))
