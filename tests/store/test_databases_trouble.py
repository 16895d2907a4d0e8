import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

import pytest

from finwise import entities, now
from finwise.domain import Domain
from finwise.domain.sync import PushRequest
from finwise.errors import NewerSchema, Quarantined, QuotaExceeded, ReadOnly, StorageFull
from finwise.store import connection as connections
from finwise.store import pool as pools
from finwise.store.databases import Databases
from finwise.store.pool import Pool
from tests.household import change
from tests.store.accounts import add_tenant, add_user, uses
from tests.store.files import (
    BOTH,
    TABLES,
    delete,
    leave_foreign_book,
    names,
    on_posix,
    open_databases,
    open_folder,
    outside,
    refusal,
    store,
    stored,
    tenant_file,
    trash_file,
    value,
)
from tests.store.processes import Peer, files_no_larger_than

Connect = Callable[..., sqlite3.Connection]


@contextmanager
def connecting(monkeypatch: pytest.MonkeyPatch, pool: Pool, connect: Connect) -> Iterator[None]:
    """Within it tenants' files are opened by another function."""
    pool.close()
    with monkeypatch.context() as patched:
        patched.setattr(pools, "connect", connect)
        yield
    pool.close()


@pytest.mark.parametrize("way", BOTH)
def test_a_missing_file_is_quarantined_and_not_made_anew(
    databases: Databases, tenant_id: str, path: Path, way: str
) -> None:
    assert refusal(databases, tenant_id, way) is Quarantined
    assert names(path) == []


def overwrite_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 100)


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)


def overwrite_everything(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)


@pytest.mark.parametrize("damage", [overwrite_header, truncate, overwrite_everything])
def test_a_damaged_file_is_quarantined_and_left_as_it_is(
    domain: Domain, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    user = add_user(domain)
    broken, fine = add_tenant(domain, user), add_tenant(domain, user)
    for tenant_id in (broken, fine):
        domain.sync.push(tenant_id, PushRequest([change() for _ in range(50)]), now())
    domain.close()
    path = tenant_file(tmp_path, broken)
    damage(path)
    before = path.read_bytes()
    for use in uses(domain, broken):
        with pytest.raises(Quarantined):
            use()
    assert path.read_bytes() == before
    for use in uses(domain, fine):
        use()


def test_a_damaged_tenant_can_be_deleted(databases: Databases, tenant_id: str, path: Path, tmp_path: Path) -> None:
    overwrite_everything(path)
    before = path.read_bytes()
    assert delete(databases, tenant_id)
    assert names(path) == []
    assert trash_file(tmp_path, tenant_id).read_bytes() == before


@pytest.mark.parametrize("way", BOTH)
def test_a_file_that_is_no_tenants_is_quarantined(databases: Databases, tenant_id: str, path: Path, way: str) -> None:
    leave_foreign_book(path, ("",))
    assert refusal(databases, tenant_id, way) is Quarantined
    assert value(path, TABLES) == 1


@pytest.mark.parametrize("way", BOTH)
def test_a_file_of_a_newer_finwise_is_refused_and_left_as_it_is(
    databases: Databases, pool: Pool, used_id: str, path: Path, way: str
) -> None:
    pool.close()
    with outside(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = path.read_bytes()
    assert refusal(databases, used_id, way) is NewerSchema
    pool.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize(("free", "meaning"), [(0, StorageFull), (2**40, QuotaExceeded)])
def test_where_the_file_may_not_grow_nothing_is_stored_and_reading_goes_on(
    used_id: str, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, meaning: type[Exception]
) -> None:
    """SQLite says the same of a full disk and of a file at its limit."""
    databases = Databases(open_folder(tmp_path), entities.columns(), pool, lambda _: 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    with pytest.raises(meaning):
        store(databases, used_id, 2, add_much)
    assert stored(databases, used_id) == 1
    store(databases, used_id, 3)
    assert stored(databases, used_id) == 3


def add_much(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE ballast AS SELECT zeroblob(4000000)")


@pytest.mark.skipif(not on_posix, reason="Windows has no limit of a file's size")
@pytest.mark.parametrize("way", BOTH)
def test_a_disk_without_room_for_the_index_of_the_log_counts_as_full(
    databases: Databases, pool: Pool, used_id: str, tmp_path: Path, way: str
) -> None:
    pool.close()  # the last connection takes the log and its index along
    with Peer(use_without_room, tmp_path, used_id, way) as user:
        assert user.hear() is StorageFull
    assert stored(databases, used_id) == 1


def use_without_room(pipe: Connection, root: Path, tenant_id: str, way: str) -> None:
    databases = open_databases(root)
    try:
        with files_no_larger_than(1_000):
            answer: object = refusal(databases, tenant_id, way)
    except sqlite3.Error as error:
        answer = repr(error)
    pipe.send(answer)


def test_a_file_that_cannot_be_written_is_read_only(
    databases: Databases, pool: Pool, used_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect_to_read(database: Path) -> sqlite3.Connection:
        uri = f"{database.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, isolation_level=None, factory=connections.Connection)

    with connecting(monkeypatch, pool, connect_to_read):
        with pytest.raises(ReadOnly):
            store(databases, used_id, 2)
        assert stored(databases, used_id) == 1
    store(databases, used_id, 3)
    assert stored(databases, used_id) == 3
