import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain.sync import PushRequest
from finwise.errors import FinWiseError
from finwise.store import connection as connections
from finwise.store.databases import Databases
from finwise.store.folder import Folder
from finwise.store.locks import stripe
from finwise.store.pool import Pool
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import (
    BOTH,
    STORED,
    TABLES,
    VERSION,
    create,
    is_held,
    on_posix,
    open_databases,
    store,
    stored,
    tenant_file,
    value,
)
from tests.store.processes import Peer, files_no_larger_than, kill_while_writing, outcomes, ready


@pytest.mark.skipif(not on_posix, reason="Windows has no such modes")
def test_files_are_for_their_owner_alone_whatever_the_umask_of_the_process(settings: Settings, tmp_path: Path) -> None:
    before = os.umask(0o022)  # as under gunicorn and most other servers
    try:
        domain = create_domain(settings)
        tenant_id = add_tenant(domain, add_user(domain))
        domain.sync.push(tenant_id, PushRequest([change()]), now())
        with domain.copies.of(tenant_id):
            domain.backups.make(tmp_path / "backups", now())
            found = {path for path in tmp_path.rglob("*") if path.is_file() and path.name != "manifest.json"}
            names = {path.name.partition(".")[2] for path in found}
            assert names >= {"db", "db-wal", "db-shm", "lock"}
            assert [path for path in found if path.stat().st_mode & 0o077] == []
    finally:
        os.umask(before)


def epoch(databases: Databases, tenant_id: str, way: str) -> str:
    """The epoch, asked by `read` or by `transact`."""
    with getattr(databases, way)(tenant_id) as connection:
        found: str = connection.execute("SELECT epoch FROM sync_book").fetchone()[0]
    return found


def test_the_folders_are_made_and_closed_to_others(tmp_path: Path) -> None:
    Folder(tmp_path / "a" / "tenants", tmp_path / "b" / "locks")
    for folder in (tmp_path / "a" / "tenants", tmp_path / "b" / "locks"):
        assert folder.is_dir()
        assert folder.stat().st_mode & 0o077 == 0 or not on_posix


@pytest.mark.usefixtures("shipped_settings")
@pytest.mark.parametrize("way", BOTH)
@pytest.mark.parametrize(
    ("pragma", "wanted"),
    [
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("wal_autocheckpoint", 1_000),
        ("journal_mode", "wal"),
    ],
)
def test_every_connection_has_the_settings_that_are_relied_on(
    databases: Databases, tenant_id: str, way: str, pragma: str, wanted: object
) -> None:
    create(databases, tenant_id)
    with getattr(databases, way)(tenant_id) as connection:
        assert connection.execute(f"PRAGMA {pragma}").fetchone()[0] == wanted


@pytest.mark.parametrize("way", BOTH)
def test_whichever_request_comes_first_makes_the_schema_and_the_epoch(
    databases: Databases, tenant_id: str, path: Path, way: str
) -> None:
    create(databases, tenant_id)
    first = epoch(databases, tenant_id, way)
    assert first
    assert value(path, VERSION) > 0
    assert epoch(databases, tenant_id, "read") == epoch(databases, tenant_id, "transact") == first


def test_two_tenants_have_different_epochs(databases: Databases) -> None:
    tenants = [new_id() for _ in range(10)]
    for tenant_id in tenants:
        create(databases, tenant_id)
    assert len({epoch(databases, tenant_id, "read") for tenant_id in tenants}) == len(tenants)


def test_processes_and_threads_that_race_for_the_first_request_see_one_epoch(
    databases: Databases, tmp_path: Path
) -> None:
    tenants = [new_id() for _ in range(20)]
    for tenant_id in tenants:
        create(databases, tenant_id)
    answers = outcomes(ask_first, *[(tmp_path, tenants)] * 3)
    for tenant_id in tenants:
        (seen,) = {one for answer in answers for one in answer[tenant_id]}
        assert seen == epoch(databases, tenant_id, "read")


def ask_first(pipe: Connection, root: Path, tenants: list[str]) -> None:
    """Says, for each tenant, the epochs that four threads got which asked at the same moment."""
    databases = open_databases(root)
    barrier = Barrier(4)

    def ask(tenant_id: str, way: str) -> str:
        barrier.wait()
        return epoch(databases, tenant_id, way)

    ready(pipe)
    with ThreadPoolExecutor(4) as threads:
        answers = {tenant_id: list(threads.map(partial(ask, tenant_id), BOTH * 2)) for tenant_id in tenants}
    pipe.send(answers)


def test_a_transaction_that_fails_stores_nothing(databases: Databases, used_id: str) -> None:
    with pytest.raises(ZeroDivisionError):
        store(databases, used_id, 2, fail)
    assert stored(databases, used_id) == 1
    store(databases, used_id, 3)
    assert stored(databases, used_id) == 3


def fail(connection: sqlite3.Connection) -> None:
    _ = 1 // 0


def test_a_first_request_that_fails_leaves_no_half_schema(databases: Databases, tenant_id: str, path: Path) -> None:
    create(databases, tenant_id)
    with pytest.raises(ZeroDivisionError), databases.transact(tenant_id):
        _ = 1 // 0
    assert value(path, TABLES) == 0
    assert value(path, VERSION) == 0
    assert epoch(databases, tenant_id, "read")


def test_what_is_written_in_a_read_is_not_stored(databases: Databases, used_id: str) -> None:
    with databases.read(used_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = 2")
    assert stored(databases, used_id) == 1


def test_a_snapshot_does_not_see_later_commits(databases: Databases, used_id: str) -> None:
    with databases.read(used_id) as connection:
        store(databases, used_id, 2)
        assert connection.execute(STORED).fetchone() == (1,)
        store(databases, used_id, 3)
        assert connection.execute(STORED).fetchone() == (1,)
    assert stored(databases, used_id) == 3


def test_who_reads_does_not_wait_for_who_writes(databases: Databases, used_id: str) -> None:
    with databases.transact(used_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = 2")
        assert stored(databases, used_id) == 1
    assert stored(databases, used_id) == 2


def test_who_writes_holds_the_lock_of_the_tenant_when_it_commits(
    databases: Databases, tenant_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = stripe(tmp_path / "locks", tenant_id)
    held = []
    create(databases, tenant_id)
    monkeypatch.setattr(connections, "leave", lambda: held.append(is_held(lock)))  # right before COMMIT
    with databases.transact(tenant_id):
        held.append(is_held(lock))
    with databases.read(tenant_id):
        held.append(is_held(lock))
    assert held == [True, True, False]


def test_no_commit_of_several_processes_is_lost(databases: Databases, tenant_id: str, tmp_path: Path) -> None:
    create(databases, tenant_id)
    outcomes(count_up, *[(tmp_path, tenant_id)] * 4)
    assert stored(databases, tenant_id) == 4 * 50


def count_up(pipe: Connection, root: Path, tenant_id: str) -> None:
    databases = open_databases(root)
    ready(pipe)
    for _ in range(50):
        with databases.transact(tenant_id) as connection:
            (number,) = connection.execute(STORED).fetchone()
            connection.execute("UPDATE sync_book SET last_stamp = ?", (number + 1,))
    pipe.send("done")


def test_what_was_committed_outlives_the_process_and_what_was_not_does_not(
    databases: Databases, tenant_id: str, tmp_path: Path
) -> None:
    create(databases, tenant_id)
    kill_while_writing(tmp_path, tenant_id)
    assert stored(databases, tenant_id) == 1
    store(databases, tenant_id, 3)
    assert stored(databases, tenant_id) == 3


# Writing back


def test_who_writes_does_not_wait_for_a_slow_reader_to_write_back(
    databases: Databases, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "WAL_PAGES", 1)
    monkeypatch.setattr(connections, "BUSY_SECONDS", 600)
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    with ThreadPoolExecutor() as threads, databases.read(tenant_id) as connection:
        threads.submit(store, databases, tenant_id, 2).result(timeout=15)
        assert connection.execute(STORED).fetchone() == (1,)


@pytest.mark.skipif(not on_posix, reason="Windows has no limit of a file's size")
def test_a_commit_stands_although_writing_back_fails(databases: Databases, tenant_id: str, tmp_path: Path) -> None:
    create(databases, tenant_id)
    with Peer(write_on_a_full_disk, tmp_path, tenant_id) as writer:
        assert writer.hear() == "committed", "an answer that says nothing was stored would be wrong"
        assert writer.hear() == connections.BUSY_SECONDS * 1000, "the connection still waits for others"
    assert stored(databases, tenant_id) == 7


def write_on_a_full_disk(pipe: Connection, root: Path, tenant_id: str) -> None:
    """The log may grow, the file may not."""
    pool = Pool()
    databases = open_databases(root, pool)
    with databases.transact(tenant_id) as connection:
        connection.execute("CREATE TABLE ballast (bytes)")
        connection.execute("INSERT INTO ballast VALUES (zeroblob(300000))")
    pool.close()  # and with the last connection all of that is in the file
    connections.WAL_PAGES = 1
    size = tenant_file(root, tenant_id).stat().st_size
    try:
        with files_no_larger_than(size + 8192), databases.transact(tenant_id) as connection:
            connection.execute("INSERT INTO ballast VALUES (zeroblob(100000))")
            connection.execute("UPDATE sync_book SET last_stamp = 7")
        pipe.send("committed")
    except FinWiseError as error:
        pipe.send(error.code)
    with databases.read(tenant_id) as connection:
        pipe.send(connection.execute("PRAGMA busy_timeout").fetchone()[0])
