import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.store import connection as connections
from finwise.store import databases as module
from finwise.store.databases import OURS, Databases
from finwise.store.locks import stripe
from finwise.store.pool import Pool
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import (
    MARK,
    TABLES,
    VERSION,
    create,
    is_held,
    leave_foreign_book,
    names,
    outside,
    tenant_file,
    value,
)


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
    assert not (path.parent / "trash").exists()


def test_creating_finishes_what_a_process_that_died_had_begun(databases: Databases, tenant_id: str, path: Path) -> None:
    path.touch()
    create(databases, tenant_id)
    assert value(path, MARK) == OURS
    assert value(path, "PRAGMA journal_mode") == "wal"
    assert not (path.parent / "trash").exists()


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
    (aside,) = (path.parent / "trash").glob(f"*_orphan_{path.name}")
    rows = value(aside, "SELECT count(*) FROM secrets")
    assert rows == (2 if "-wal" in leftovers else 1), "the file is kept with what its write-ahead log held"


def test_a_damaged_file_in_the_place_of_a_new_tenant_is_set_aside(
    databases: Databases, tenant_id: str, path: Path
) -> None:
    path.write_bytes(b"no database at all " * 500)
    create(databases, tenant_id)
    assert value(path, MARK) == OURS
    (aside,) = (path.parent / "trash").glob(f"*_orphan_{path.name}")
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
    assert list((path.parent / "trash").glob(f"*_orphan_{path.name}{leftover}"))


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
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A device that got no answer asks again; both requests find the tenant `creating`, one of them is slow.
    user, tenant_id = add_user(domain), new_id()
    create_really = Databases.create

    def create_late(databases: Databases, asked_id: str, is_wanted: Callable[[], bool]) -> None:
        monkeypatch.setattr(Databases, "create", create_really)
        domain.tenants.create(user, asked_id, "Home", None, now())
        domain.sync.push(asked_id, PushRequest([change("e1")]), now())
        create_really(databases, asked_id, is_wanted)

    monkeypatch.setattr(Databases, "create", create_late)
    domain.tenants.create(user, tenant_id, "Home", None, now())
    assert [version.id for version in domain.sync.pull(tenant_id, PullRequest()).entities] == ["e1"]


def test_the_server_starts_although_one_tenant_cannot_be_created(settings: Settings, tmp_path: Path) -> None:
    domain = create_domain(settings)
    tenant_id = add_tenant(domain, add_user(domain))
    domain.close()
    with outside(Path(settings.instance, "users.db")) as connection:
        connection.execute("UPDATE tenants SET state = 'creating'")
    tenant_file(tmp_path, tenant_id).write_bytes(b"no database at all " * 500)
    create_domain(settings).close()
