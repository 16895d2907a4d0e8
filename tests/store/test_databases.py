import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier

import pytest

from finwise import create_domain, entities, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import FinWiseError, NewerSchema, Quarantined, ReadOnly, StorageFull, TenantDeleted
from finwise.store import connection as connections
from finwise.store import databases as module
from finwise.store import pool as pools
from finwise.store.databases import DEAD, OURS, Databases
from finwise.store.locks import stripe
from finwise.store.pool import Pool
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import create, is_held, names, open_databases, outside, tenant_file, trash_file, value
from tests.store.processes import Peer, outcomes, ready

MARK = "PRAGMA application_id"
VERSION = "PRAGMA user_version"
TABLES = "SELECT count(*) FROM sqlite_schema"
STORED = "SELECT last_stamp FROM sync_book"
BOTH = ["read", "transact"]

on_posix = sys.platform != "win32"


def store(databases: Databases, tenant_id: str, number: int) -> None:
    """Stores a number in the book; `STORED` finds it."""
    with databases.transact(tenant_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = ?", (number,))


def stored(databases: Databases, tenant_id: str) -> int:
    with databases.read(tenant_id) as connection:
        number: int = connection.execute(STORED).fetchone()[0]
    return number


def epoch(databases: Databases, tenant_id: str, way: str) -> str:
    """The epoch, asked by `read` or by `transact`."""
    with getattr(databases, way)(tenant_id) as connection:
        found: str = connection.execute("SELECT epoch FROM sync_book").fetchone()[0]
    return found


def refusal(databases: Databases, tenant_id: str, way: str) -> type[FinWiseError] | None:
    """What `read` or `transact` raises, None if it lets one in."""
    try:
        with getattr(databases, way)(tenant_id):
            return None
    except FinWiseError as error:
        return type(error)


Connect = Callable[..., sqlite3.Connection]


@contextmanager
def connecting(monkeypatch: pytest.MonkeyPatch, pool: Pool, connect: Connect) -> Iterator[None]:
    """Within it tenants' files are opened by another function."""
    pool.close()
    with monkeypatch.context() as patched:
        patched.setattr(pools, "connect", connect)
        yield
    pool.close()


# Creating


def test_creating_makes_a_file_without_any_table(databases: Databases, tenant_id: str, path: Path) -> None:
    create(databases, tenant_id)
    assert names(path) == [path.name]
    assert path.name == f"tenant_{tenant_id}.db"
    assert value(path, MARK) == OURS == int.from_bytes(b"FiNW")
    assert value(path, "PRAGMA journal_mode") == "wal"
    assert value(path, VERSION) == 0
    assert value(path, TABLES) == 0


def test_creating_again_changes_nothing(databases: Databases, tenant_id: str, path: Path) -> None:
    create(databases, tenant_id)
    before = path.stat()
    create(databases, tenant_id)
    assert (path.stat().st_ino, path.stat().st_size) == (before.st_ino, before.st_size)
    assert (value(path, MARK), value(path, VERSION), value(path, TABLES)) == (OURS, 0, 0)
    assert not any((path.parent / "trash").iterdir())


def test_creating_finishes_what_a_process_that_died_had_begun(databases: Databases, tenant_id: str, path: Path) -> None:
    path.touch()
    create(databases, tenant_id)
    assert value(path, MARK) == OURS
    assert value(path, "PRAGMA journal_mode") == "wal"
    assert not any((path.parent / "trash").iterdir())


def test_creating_holds_the_lock_of_the_tenant(
    databases: Databases, tenant_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    def connect(database: Path, *, create: bool = False) -> sqlite3.Connection:
        held.append(is_held(stripe(tmp_path / "locks", tenant_id)))
        return connections.connect(database, create=create)

    monkeypatch.setattr(module, "connect", connect)
    create(databases, tenant_id)
    assert held == [True]


@pytest.mark.parametrize("leftovers", [("",), ("", "-wal"), ("", "-wal", "-shm")])
def test_a_foreign_file_in_the_place_of_a_new_tenant_is_set_aside(
    databases: Databases, tenant_id: str, path: Path, leftovers: tuple[str, ...]
) -> None:
    leave_foreign_book(path, leftovers)
    create(databases, tenant_id)
    assert not has_foreign_table(databases, tenant_id)
    (aside,) = (path.parent / "trash").glob(f"orphan_*_{path.name}")
    rows = value(aside, "SELECT count(*) FROM secrets")
    assert rows == (2 if "-wal" in leftovers else 1), "the file is kept with what its write-ahead log held"


def test_a_damaged_file_in_the_place_of_a_new_tenant_is_set_aside(
    databases: Databases, tenant_id: str, path: Path
) -> None:
    path.write_bytes(b"no database at all " * 500)
    create(databases, tenant_id)
    assert value(path, MARK) == OURS
    (aside,) = (path.parent / "trash").glob(f"orphan_*_{path.name}")
    assert aside.read_bytes().startswith(b"no database at all")


@pytest.mark.parametrize("leftovers", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_write_ahead_log_without_its_file_does_not_become_part_of_a_new_tenant(
    databases: Databases, pool: Pool, tenant_id: str, path: Path, leftovers: tuple[str, ...]
) -> None:
    leave_foreign_book(path, leftovers)
    create(databases, tenant_id)
    assert not has_foreign_table(databases, tenant_id)
    pool.close()
    assert names(path) == [path.name]
    assert value(path, "PRAGMA integrity_check") == "ok"


@pytest.mark.parametrize("leftover", ["-wal", "-shm"])
def test_what_lies_in_the_place_of_a_sidecar_is_set_aside_too(
    databases: Databases, tenant_id: str, path: Path, leftover: str
) -> None:
    leave_foreign_book(path, (leftover,))
    create(databases, tenant_id)
    assert names(path) == [path.name]
    assert list((path.parent / "trash").glob(f"orphan_*_{path.name}{leftover}"))


def test_a_write_ahead_log_beside_an_empty_tenant_does_not_become_part_of_it(
    databases: Databases, tenant_id: str, path: Path
) -> None:
    create(databases, tenant_id)
    leave_foreign_book(path, ("-wal", "-shm"))
    create(databases, tenant_id)
    assert not has_foreign_table(databases, tenant_id)


def test_a_rollback_journal_without_its_file_does_not_become_part_of_a_new_tenant(
    databases: Databases, tenant_id: str, path: Path
) -> None:
    leave_foreign_journal(path)
    create(databases, tenant_id)
    assert names(path) == [path.name]
    assert not has_foreign_table(databases, tenant_id)


def leave_foreign_book(path: Path, suffixes: tuple[str, ...]) -> None:
    """Files of another book as a process that died leaves them: one row in the file, one in its log."""
    other = path.parent / "other.db"
    owner = sqlite3.connect(other, isolation_level=None)
    owner.execute("PRAGMA journal_mode = WAL").fetchall()
    owner.execute("CREATE TABLE secrets (text)")
    owner.execute("INSERT INTO secrets VALUES ('in the file')")
    owner.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    owner.execute("INSERT INTO secrets VALUES ('in the log')")
    for suffix in suffixes:
        shutil.copyfile(f"{other}{suffix}", f"{path}{suffix}")
    owner.close()
    other.unlink()


def leave_foreign_journal(path: Path) -> None:
    """The journal of a transaction that was under way in another book."""
    other = path.parent / "other.db"
    owner = sqlite3.connect(other, isolation_level=None)
    owner.execute("CREATE TABLE secrets (text)")
    owner.execute(FILL)
    owner.execute("PRAGMA cache_size = 1")  # so that the transaction reaches the disk before it ends
    owner.execute("BEGIN")
    owner.execute("UPDATE secrets SET text = upper(text) || '!'")
    shutil.copyfile(f"{other}-journal", f"{path}-journal")
    assert Path(f"{path}-journal").stat().st_size > 4096
    owner.close()
    other.unlink()


FILL = """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
          INSERT INTO secrets SELECT printf('%.1000c', 's') FROM n"""


def has_foreign_table(databases: Databases, tenant_id: str) -> bool:
    with databases.transact(tenant_id) as connection:
        found = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'secrets'").fetchone()[0]
    return bool(found)


def test_a_second_creation_that_comes_late_does_not_set_aside_what_was_stored_meanwhile(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A device that got no answer asks again; both requests find the tenant `creating`, one of them is slow.
    domain = create_domain(settings)
    user, tenant_id = add_user(domain), new_id()
    create_really = Databases.create

    def create_late(databases: Databases, asked_id: str, is_wanted: Callable[[], bool]) -> None:
        monkeypatch.setattr(Databases, "create", create_really)
        domain.tenants.create(user, asked_id, "Home", None, now())
        domain.sync.push(asked_id, PushRequest([change("e1")]), now())
        create_really(databases, asked_id, is_wanted)

    monkeypatch.setattr(Databases, "create", create_late)
    domain.tenants.create(user, tenant_id, "Home", None, now())
    assert [version.id for version in domain.sync.pull(tenant_id, PullRequest()).versions] == ["e1"]
    domain.close()


def test_the_server_starts_although_one_tenant_cannot_be_created(settings: Settings, tmp_path: Path) -> None:
    domain = create_domain(settings)
    tenant_id = add_tenant(domain, add_user(domain))
    domain.close()
    with outside(Path(settings.instance, "users.db")) as connection:
        connection.execute("UPDATE tenants SET state = 'creating'")
    tenant_file(tmp_path, tenant_id).write_bytes(b"no database at all " * 500)
    create_domain(settings).close()


def test_the_server_starts_although_one_tenant_cannot_be_deleted_yet(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect_to_read(database: Path, *, create: bool = False) -> sqlite3.Connection:
        connection = connections.connect(database, create=create)
        connection.execute("PRAGMA query_only = ON")
        return connection

    domain = create_domain(settings)
    tenant_id = add_tenant(domain, add_user(domain))
    domain.close()
    with outside(Path(settings.instance, "users.db")) as connection:
        connection.execute("UPDATE tenants SET state = 'deleting'")
    with monkeypatch.context() as patched:
        patched.setattr(module, "connect", connect_to_read)
        create_domain(settings).close()
    create_domain(settings).close()
    assert names(tenant_file(tmp_path, tenant_id)) == []


# Reading and writing


@pytest.mark.parametrize("way", BOTH)
@pytest.mark.parametrize(
    ("pragma", "wanted"),
    [
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("wal_autocheckpoint", 0),
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


def test_a_transaction_that_fails_stores_nothing(databases: Databases, tenant_id: str) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    with pytest.raises(ZeroDivisionError):
        store_and_fail(databases, tenant_id)
    assert stored(databases, tenant_id) == 1
    store(databases, tenant_id, 3)
    assert stored(databases, tenant_id) == 3


def store_and_fail(databases: Databases, tenant_id: str) -> None:
    with databases.transact(tenant_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = 2")
        _ = 1 // 0


def test_a_first_request_that_fails_leaves_no_half_schema(databases: Databases, tenant_id: str, path: Path) -> None:
    create(databases, tenant_id)
    with pytest.raises(ZeroDivisionError), databases.transact(tenant_id):
        _ = 1 // 0
    assert value(path, TABLES) == 0
    assert value(path, VERSION) == 0
    assert epoch(databases, tenant_id, "read")


def test_what_is_written_in_a_read_is_not_stored(databases: Databases, tenant_id: str) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    with databases.read(tenant_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = 2")
    assert stored(databases, tenant_id) == 1


def test_a_snapshot_does_not_see_later_commits(databases: Databases, tenant_id: str) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    with databases.read(tenant_id) as connection:
        store(databases, tenant_id, 2)
        assert connection.execute(STORED).fetchone() == (1,)
        store(databases, tenant_id, 3)
        assert connection.execute(STORED).fetchone() == (1,)
    assert stored(databases, tenant_id) == 3


def test_who_reads_does_not_wait_for_who_writes(databases: Databases, tenant_id: str) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    with databases.transact(tenant_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = 2")
        assert stored(databases, tenant_id) == 1
    assert stored(databases, tenant_id) == 2


def test_who_writes_holds_the_lock_of_the_tenant_until_its_log_is_written_back(
    databases: Databases, tenant_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = stripe(tmp_path / "locks", tenant_id)
    held = []
    monkeypatch.setattr(module, "write_back", lambda *_: held.append(is_held(lock)))
    create(databases, tenant_id)
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
    with Peer(commit_and_go_on, tmp_path, tenant_id) as writer:
        assert writer.hear() == "committed"
        assert writer.hear() == "writing"
        writer.kill()
        assert stored(databases, tenant_id) == 1
        store(databases, tenant_id, 3)
        assert stored(databases, tenant_id) == 3


def commit_and_go_on(pipe: Connection, root: Path, tenant_id: str) -> None:
    databases = open_databases(root)
    with databases.read(tenant_id):  # keeps the file open, so that the end of the commit does not write it back
        store(databases, tenant_id, 1)
        pipe.send("committed")
        with databases.transact(tenant_id) as connection:
            connection.execute("UPDATE sync_book SET last_stamp = 2")
            pipe.send("writing")
            pipe.recv()


# Writing back


@pytest.mark.parametrize(("limit", "is_emptied"), [(connections.WAL_LIMIT, False), (0, True)])
def test_a_write_ahead_log_is_written_back_when_it_is_large(
    databases: Databases, tenant_id: str, path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, is_emptied: bool
) -> None:
    monkeypatch.setattr(connections, "WAL_LIMIT", limit)
    create(databases, tenant_id)
    with outside(path) as keeps_open:
        keeps_open.execute(TABLES).fetchone()  # and so keeps the last FinWise connection from writing back
        store(databases, tenant_id, 1)
        assert (Path(f"{path}-wal").stat().st_size == 0) == is_emptied
        assert stored(databases, tenant_id) == 1


def test_who_writes_does_not_wait_for_a_slow_reader_to_write_back(
    databases: Databases, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "WAL_LIMIT", 0)
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
    connections.WAL_LIMIT = 0
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


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What this process writes beyond that fails, as on a full disk."""
    if sys.platform != "win32":
        import resource

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Deleting


def test_deleting_ends_access_and_moves_the_file_to_the_trash(
    databases: Databases, tenant_id: str, path: Path, tmp_path: Path
) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    assert databases.delete(tenant_id)
    assert names(path) == []
    trash = trash_file(tmp_path, tenant_id)
    assert value(trash, MARK) == DEAD
    assert value(trash, STORED) == 1
    for way in BOTH:
        assert refusal(databases, tenant_id, way) is TenantDeleted


def test_deleting_again_changes_nothing(databases: Databases, tenant_id: str, path: Path, tmp_path: Path) -> None:
    create(databases, tenant_id)
    databases.delete(tenant_id)
    before = trash_file(tmp_path, tenant_id).read_bytes()
    assert databases.delete(tenant_id)
    assert trash_file(tmp_path, tenant_id).read_bytes() == before
    assert names(path) == []


def test_a_tenant_that_was_never_used_can_be_deleted(databases: Databases, tenant_id: str, path: Path) -> None:
    create(databases, tenant_id)
    assert databases.delete(tenant_id)
    assert refusal(databases, tenant_id, "read") is TenantDeleted


def test_deleting_one_tenant_leaves_the_others(databases: Databases, tenant_id: str) -> None:
    other = new_id()
    for each in (tenant_id, other):
        create(databases, each)
        store(databases, each, 1)
    databases.delete(tenant_id)
    assert stored(databases, other) == 1


def test_deleting_ends_access_in_a_process_that_reads_the_file(
    databases: Databases, tenant_id: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.1)  # the reader does not go away while it is waited for
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    with Peer(read_twice, tmp_path, tenant_id) as reader:
        assert reader.hear() == "reading"
        store(databases, tenant_id, 2)  # is in the log alone, for the reader holds its snapshot
        assert databases.delete(tenant_id) == on_posix
        assert names(path) == [] or not on_posix
        reader.say("go on")
        assert reader.hear() == 1, "a snapshot is what it was to its end"
        assert reader.hear() == [TenantDeleted, TenantDeleted]
    assert databases.delete(tenant_id)
    assert names(path) == []
    assert value(trash_file(tmp_path, tenant_id), MARK) == DEAD
    assert value(trash_file(tmp_path, tenant_id), STORED) == 2


def read_twice(pipe: Connection, root: Path, tenant_id: str) -> None:
    databases = open_databases(root)
    with databases.read(tenant_id) as connection:
        connection.execute(STORED).fetchone()
        pipe.send("reading")
        pipe.recv()
        pipe.send(connection.execute(STORED).fetchone()[0])
    pipe.send([refusal(databases, tenant_id, way) for way in BOTH])


def test_deleting_ends_access_of_a_reader_that_had_only_just_opened_the_file(
    databases: Databases, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    snapshot = connections.snapshot

    @contextmanager
    def snapshot_late(connection: sqlite3.Connection) -> Iterator[None]:
        assert databases.delete(tenant_id) == on_posix
        with snapshot(connection):
            yield

    monkeypatch.setattr(module, "snapshot", snapshot_late)
    with pytest.raises(TenantDeleted), databases.read(tenant_id):
        pass


def test_deleting_ends_access_of_a_process_that_waits_for_the_lock(
    databases: Databases, tenant_id: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    mark_dead = module._mark_dead
    with Peer(write_when_told, tmp_path, tenant_id) as writer:
        assert writer.hear() == "ready"

        def mark_while_somebody_waits(path: Path) -> None:
            writer.say("go")
            assert writer.hear() == "writing"
            assert is_held(stripe(tmp_path / "locks", tenant_id))
            mark_dead(path)

        monkeypatch.setattr(module, "_mark_dead", mark_while_somebody_waits)
        assert databases.delete(tenant_id)
        assert writer.hear() is TenantDeleted
    assert names(path) == []
    assert value(trash_file(tmp_path, tenant_id), STORED) == 1


def write_when_told(pipe: Connection, root: Path, tenant_id: str) -> None:
    databases = open_databases(root)
    ready(pipe)
    pipe.send("writing")
    pipe.send(refusal(databases, tenant_id, "transact"))


def test_deleting_ends_access_of_processes_whose_connections_wait_for_their_next_use(
    databases: Databases, tenant_id: str, path: Path, tmp_path: Path
) -> None:
    create(databases, tenant_id)
    with Peer(use_again_when_told, tmp_path, tenant_id) as user:
        assert user.hear() == "used"
        store(databases, tenant_id, 2)
        assert databases.delete(tenant_id) == on_posix
        assert names(path) == [] or not on_posix
        user.say("go on")
        assert user.hear() == [TenantDeleted, TenantDeleted]
    assert databases.delete(tenant_id)
    assert names(path) == []
    assert value(trash_file(tmp_path, tenant_id), STORED) == 2


def use_again_when_told(pipe: Connection, root: Path, tenant_id: str) -> None:
    databases = open_databases(root)
    store(databases, tenant_id, 1)
    pipe.send("used")
    pipe.recv()
    pipe.send([refusal(databases, tenant_id, way) for way in BOTH])


def test_deleting_takes_along_what_a_killed_process_left_behind(
    databases: Databases, tenant_id: str, path: Path, tmp_path: Path
) -> None:
    create(databases, tenant_id)
    with Peer(commit_and_go_on, tmp_path, tenant_id) as writer:
        assert writer.hear() == "committed"
        assert writer.hear() == "writing"
        writer.kill()
    assert f"{path.name}-wal" in names(path)
    assert databases.delete(tenant_id)
    assert names(path) == []
    assert value(trash_file(tmp_path, tenant_id), STORED) == 1


def test_a_push_that_races_a_deletion_is_stored_or_refused(tmp_path: Path, databases: Databases) -> None:
    tenants = [new_id() for _ in range(30)]
    for tenant_id in tenants:
        create(databases, tenant_id)
        store(databases, tenant_id, 0)
    counted, _ = outcomes(count_until_deleted, (tmp_path, tenants, False), (tmp_path, tenants, True))
    for tenant_id in tenants:
        assert names(tenant_file(tmp_path, tenant_id)) == []
        assert value(trash_file(tmp_path, tenant_id), STORED) == counted[tenant_id]


def count_until_deleted(pipe: Connection, root: Path, tenants: list[str], deletes: bool) -> None:
    """Says how many commits to each tenant were acknowledged; or deletes the tenants while that goes on."""
    databases = open_databases(root)
    ready(pipe)
    counted = dict.fromkeys(tenants, 0)
    for tenant_id in tenants:
        if deletes:
            databases.delete(tenant_id)
            continue
        while refusal_of_number(databases, tenant_id, counted[tenant_id] + 1) is None:
            counted[tenant_id] += 1
    pipe.send(counted)


def refusal_of_number(databases: Databases, tenant_id: str, number: int) -> type[FinWiseError] | None:
    try:
        store(databases, tenant_id, number)
    except TenantDeleted as error:
        return type(error)
    return None


def test_a_file_that_cannot_be_moved_yet_is_of_no_use_to_anybody_and_moved_later(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = create_domain(settings)
    user = add_user(domain)
    tenant_id = add_tenant(domain, user)
    domain.sync.push(tenant_id, PushRequest([change("e1")]), now())
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse_to_move)
        patched.setattr(module, "_MOVE_TRIES", 2)
        assert not open_databases(tmp_path).delete(tenant_id)
        domain.tenants.delete(user, tenant_id)
    assert tenant_file(tmp_path, tenant_id).exists()
    for use in uses(domain, tenant_id):
        with pytest.raises(TenantDeleted):
            use()
    domain.close()
    create_domain(settings).close()  # as at the next start
    assert names(tenant_file(tmp_path, tenant_id)) == []
    assert value(trash_file(tmp_path, tenant_id), "SELECT count(*) FROM sync_entities") == 1
    assert value(Path(settings.instance, "users.db"), "SELECT state FROM tenants") == "deleted"


def refuse_to_move(source: Path, target: Path) -> None:
    """As Windows does while somebody has the file open."""
    raise PermissionError(13, "The process cannot access the file")


def uses(domain: Domain, tenant_id: str) -> list[Callable[[], object]]:
    return [
        lambda: domain.sync.pull(tenant_id, PullRequest()),
        lambda: domain.sync.push(tenant_id, PushRequest([change()]), now()),
    ]


# What goes wrong


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
    settings: Settings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    domain = create_domain(settings)
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
    domain.close()


def test_a_damaged_tenant_can_be_deleted(databases: Databases, tenant_id: str, path: Path, tmp_path: Path) -> None:
    overwrite_everything(path)
    before = path.read_bytes()
    assert databases.delete(tenant_id)
    assert names(path) == []
    assert trash_file(tmp_path, tenant_id).read_bytes() == before


@pytest.mark.parametrize("way", BOTH)
def test_a_file_that_is_no_tenants_is_quarantined(databases: Databases, tenant_id: str, path: Path, way: str) -> None:
    leave_foreign_book(path, ("",))
    assert refusal(databases, tenant_id, way) is Quarantined
    assert value(path, TABLES) == 1


@pytest.mark.parametrize("way", BOTH)
def test_a_file_of_a_newer_finwise_is_refused_and_left_as_it_is(
    databases: Databases, pool: Pool, tenant_id: str, path: Path, way: str
) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    pool.close()
    with outside(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = path.read_bytes()
    assert refusal(databases, tenant_id, way) is NewerSchema
    pool.close()
    assert path.read_bytes() == before


def test_on_a_full_disk_nothing_is_stored_and_reading_goes_on(
    databases: Databases, pool: Pool, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect_to_full_disk(database: Path) -> sqlite3.Connection:
        connection = connections.connect(database)
        connection.execute("PRAGMA max_page_count = 1").fetchall()  # SQLite takes it as: no larger than it is
        return connection

    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    with connecting(monkeypatch, pool, connect_to_full_disk):
        with pytest.raises(StorageFull):
            store_much(databases, tenant_id)
        assert stored(databases, tenant_id) == 1
    store(databases, tenant_id, 3)
    assert stored(databases, tenant_id) == 3


def store_much(databases: Databases, tenant_id: str) -> None:
    with databases.transact(tenant_id) as connection:
        connection.execute("UPDATE sync_book SET last_stamp = 2")
        connection.execute("CREATE TABLE ballast AS SELECT zeroblob(100000)")


@pytest.mark.skipif(not on_posix, reason="Windows has no limit of a file's size")
@pytest.mark.parametrize("way", BOTH)
def test_a_disk_without_room_for_the_index_of_the_log_counts_as_full(
    databases: Databases, pool: Pool, tenant_id: str, tmp_path: Path, way: str
) -> None:
    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    pool.close()  # the last connection takes the log and its index along
    with Peer(use_without_room, tmp_path, tenant_id, way) as user:
        assert user.hear() is StorageFull
    assert stored(databases, tenant_id) == 1


def use_without_room(pipe: Connection, root: Path, tenant_id: str, way: str) -> None:
    databases = open_databases(root)
    try:
        with files_no_larger_than(1_000):
            answer: object = refusal(databases, tenant_id, way)
    except sqlite3.Error as error:
        answer = repr(error)
    pipe.send(answer)


def test_a_file_that_cannot_be_written_is_read_only(
    databases: Databases, pool: Pool, tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect_to_read(database: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)

    create(databases, tenant_id)
    store(databases, tenant_id, 1)
    with connecting(monkeypatch, pool, connect_to_read):
        with pytest.raises(ReadOnly):
            store(databases, tenant_id, 2)
        assert stored(databases, tenant_id) == 1
    store(databases, tenant_id, 3)
    assert stored(databases, tenant_id) == 3


def test_the_folders_are_made_and_closed_to_others(tmp_path: Path) -> None:
    Databases(tmp_path / "a" / "tenants", tmp_path / "b" / "locks", entities.columns(), Pool())
    for folder in (tmp_path / "a" / "tenants", tmp_path / "a" / "tenants" / "trash", tmp_path / "b" / "locks"):
        assert folder.is_dir()
        assert folder.stat().st_mode & 0o077 == 0 or not on_posix
