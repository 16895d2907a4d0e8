"""What the store's tests share: files below `tmp_path`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from finwise.store.central import Central
from finwise.store.databases import Databases
from finwise.store.pool import Pool
from tests.household import new_id
from tests.store.files import open_central, open_databases, tenant_file


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
def central(tmp_path: Path, pool: Pool) -> Central:
    return open_central(tmp_path, pool)


@pytest.fixture
def tenant_id() -> str:
    return new_id()


@pytest.fixture
def path(tmp_path: Path, tenant_id: str) -> Path:
    """Where the tenant's file belongs."""
    return tenant_file(tmp_path, tenant_id)
