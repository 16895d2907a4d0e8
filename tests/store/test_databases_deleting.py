import sqlite3
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain.sync import PushRequest
from finwise.errors import FinWiseError, TenantDeleted
from finwise.store import connection as connections
from finwise.store import databases as module
from finwise.store import folder
from finwise.store.databases import DEAD, Databases
from finwise.store.locks import stripe
from harness.callers import as_caller
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user, uses
from tests.store.files import (
    BOTH,
    MARK,
    STORED,
    create,
    delete,
    is_held,
    names,
    on_posix,
    open_databases,
    outside,
    refusal,
    store,
    stored,
    tenant_file,
    trash_file,
    value,
)
from tests.store.processes import Peer, kill_while_writing, outcomes, ready


def test_deleting_ends_access_and_moves_the_file_to_the_trash(
    databases: Databases, used_id: str, path: Path, tmp_path: Path
) -> None:
    assert delete(databases, used_id)
    assert names(path) == []
    trash = trash_file(tmp_path, used_id)
    assert value(trash, MARK) == DEAD
    assert value(trash, STORED) == 1
    assert trash.parent.stat().st_mode & 0o077 == 0 or not on_posix
    for way in BOTH:
        assert refusal(databases, used_id, way) is TenantDeleted


def test_deleting_again_changes_nothing(databases: Databases, tenant_id: str, path: Path, tmp_path: Path) -> None:
    create(databases, tenant_id)
    delete(databases, tenant_id)
    before = trash_file(tmp_path, tenant_id).read_bytes()
    assert delete(databases, tenant_id)
    assert trash_file(tmp_path, tenant_id).read_bytes() == before
    assert names(path) == []


def test_a_tenant_that_was_never_used_can_be_deleted(databases: Databases, tenant_id: str, path: Path) -> None:
    create(databases, tenant_id)
    assert delete(databases, tenant_id)
    assert refusal(databases, tenant_id, "read") is TenantDeleted


def test_deleting_one_tenant_leaves_the_others(databases: Databases, tenant_id: str) -> None:
    other = new_id()
    for each in (tenant_id, other):
        create(databases, each)
        store(databases, each, 1)
    delete(databases, tenant_id)
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
        assert delete(databases, tenant_id) == on_posix
        assert names(path) == [] or not on_posix
        reader.say("go on")
        assert reader.hear() == 1, "a snapshot is what it was to its end"
        assert reader.hear() == [TenantDeleted, TenantDeleted]
    assert delete(databases, tenant_id)
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
    databases: Databases, used_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_late(connection: sqlite3.Connection) -> None:
        assert delete(databases, used_id) == on_posix
        connections.begin_snapshot(connection)

    monkeypatch.setattr(module, "begin_snapshot", begin_late)
    with pytest.raises(TenantDeleted), databases.read(used_id):
        pass


def test_deleting_ends_access_of_a_process_that_waits_for_the_lock(
    databases: Databases, used_id: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retire = Databases.retire
    with Peer(write_when_told, tmp_path, used_id) as writer:
        assert writer.hear() == "ready"

        def mark_while_somebody_waits(self: Databases, tenant_id: str, mark: int) -> None:
            writer.say("go")
            assert writer.hear() == "writing"
            assert is_held(stripe(tmp_path / "locks", used_id))
            retire(self, tenant_id, mark)

        monkeypatch.setattr(Databases, "retire", mark_while_somebody_waits)
        assert delete(databases, used_id)
        assert writer.hear() is TenantDeleted
    assert names(path) == []
    assert value(trash_file(tmp_path, used_id), STORED) == 1


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
        assert delete(databases, tenant_id) == on_posix
        assert names(path) == [] or not on_posix
        user.say("go on")
        assert user.hear() == [TenantDeleted, TenantDeleted]
    assert delete(databases, tenant_id)
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
    kill_while_writing(tmp_path, tenant_id)
    assert f"{path.name}-wal" in names(path)
    assert delete(databases, tenant_id)
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
            delete(databases, tenant_id)
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
        patched.setattr(folder, "_MOVE_TRIES", 2)
        assert not delete(open_databases(tmp_path), tenant_id)
        domain.tenants.delete(as_caller(user), tenant_id, now())
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
