"""A tenant's file stops growing above its quota; that is no full disk, and nobody else's trouble."""

import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest

from finwise import entities
from finwise.domain.book import Remembered
from finwise.errors import FinWiseError, QuotaExceeded, StorageFull
from finwise.store.book import Books
from finwise.store.databases import Databases
from finwise.store.page_limit import lift_page_limit
from finwise.store.pool import Pool
from tests.household import new_id
from tests.store.files import create, open_folder, store, stored

MIB = 1024 * 1024


class Usage(NamedTuple):
    """What `shutil.disk_usage` says of a disk, as far as it is asked."""

    free: int


@pytest.fixture
def small(tmp_path: Path, pool: Pool) -> Databases:
    """Databases whose files may hold 1 MiB."""
    return Databases(open_folder(tmp_path), entities.columns(), pool, lambda _: MIB)


@pytest.fixture
def full_id(small: Databases, tenant_id: str) -> str:
    create(small, tenant_id)
    store(small, tenant_id, 1)
    return tenant_id


def grow(connection: sqlite3.Connection, size: int) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS weight (bytes)")
    connection.execute("INSERT INTO weight VALUES (zeroblob(?))", (size,))


def outgrow(databases: Databases, tenant_id: str) -> type[FinWiseError] | None:
    """What is raised where one transaction writes as much as the file may hold with what is in it already."""
    try:
        store(databases, tenant_id, 2, then=lambda connection: grow(connection, MIB))
    except FinWiseError as error:
        return type(error)
    return None


def test_one_transaction_that_outgrows_the_file_is_refused_as_the_quota(small: Databases, full_id: str) -> None:
    assert outgrow(small, full_id) is QuotaExceeded
    assert stored(small, full_id) == 1


def test_the_same_on_a_disk_without_room_is_a_full_disk(
    small: Databases, full_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=MIB))
    assert outgrow(small, full_id) is StorageFull
    assert stored(small, full_id) == 1


def test_a_file_may_be_as_long_as_the_quota(small: Databases, full_id: str) -> None:
    with small.read(full_id) as connection:
        used, page = connection.pragma("page_count"), connection.page_size
    store(small, full_id, 2, then=lambda connection: grow(connection, MIB - (used + 4) * page))
    assert stored(small, full_id) == 2
    assert outgrow(small, full_id) is QuotaExceeded


def test_a_schema_is_made_however_small_the_quota_is(tmp_path: Path, pool: Pool, tenant_id: str) -> None:
    smallest = Databases(open_folder(tmp_path), entities.columns(), pool, lambda _: 4096)
    create(smallest, tenant_id)
    store(smallest, tenant_id, 1)
    assert stored(smallest, tenant_id) == 1


def test_a_file_that_is_longer_than_a_quota_that_was_lowered_grows_no_more(
    databases: Databases, tmp_path: Path, pool: Pool, used_id: str
) -> None:
    store(databases, used_id, 2, then=lambda connection: grow(connection, 2 * MIB))
    lowered = Databases(open_folder(tmp_path), entities.columns(), pool, lambda _: MIB)
    with pytest.raises(QuotaExceeded):
        store(lowered, used_id, 3, then=lambda connection: connection.execute("CREATE TABLE more (x)"))
    store(lowered, used_id, 4, then=lambda connection: connection.execute("DROP TABLE weight"))
    store(lowered, used_id, 5, then=lambda connection: connection.execute("CREATE TABLE more (x)"))
    assert stored(databases, used_id) == 5


def test_one_tenant_at_its_limit_does_not_keep_another_from_writing(small: Databases, full_id: str) -> None:
    other = new_id()
    create(small, other)
    assert outgrow(small, full_id) is QuotaExceeded
    store(small, other, 5)
    assert stored(small, other) == 5


def test_of_a_file_that_grew_beyond_the_quota_it_is_known_at_once(small: Databases, full_id: str) -> None:
    books = Books(small)
    with books.transact(full_id) as book:
        assert not book.is_full()
    with books.transact(full_id) as book:
        book.lift_limit()
        book.add_remembered([Remembered(("tags", f"{number}"), new_id(), number) for number in range(20_000)])
    with books.transact(full_id) as book:
        assert book.is_full()


def test_a_limit_that_was_lifted_holds_again_in_the_next_transaction(small: Databases, full_id: str) -> None:
    with small.transact(full_id) as connection:
        lift_page_limit(connection)
        grow(connection, 2 * MIB)
        connection.execute("DROP TABLE weight")
    small.shrink(full_id)
    assert outgrow(small, full_id) is QuotaExceeded
