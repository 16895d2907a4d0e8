"""Which files may replace a tenant's: only whole ones that FinWise made. A refusal changes nothing."""

import shutil
from pathlib import Path

import pytest

from finwise import now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.restores import Newcomer
from finwise.domain.sync import PushRequest
from finwise.domain.user import User
from finwise.errors import FinWiseError, Invalid, NewerSchema, OlderSchema, TenantDeleted
from finwise.store.databases import OURS
from harness.callers import as_caller
from tests.household import new_id
from tests.store.files import MARK, leave_foreign_book, old_file, outside, tenant_file, value
from tests.store.restores.books import ids, picture, trash_of


def test_a_file_whose_book_is_in_its_log_alone_is_refused_and_nothing_changes(
    domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    copy = Path(shutil.copyfile(tenant_file(tmp_path, tenant_id), tmp_path / "copy.db"))
    assert value(copy, "SELECT count(*) FROM sqlite_schema") == 0, "all of it is in the log"
    with pytest.raises(Invalid, match=r"copy\.db-wal"):
        domain.restores.adopt(tenant_id, copy, now())
    assert ids(domain, tenant_id) == {"kept"}
    shutil.copyfile(f"{tenant_file(tmp_path, tenant_id)}-wal", f"{copy}-wal")
    domain.restores.adopt(tenant_id, copy, now())
    assert ids(domain, tenant_id) == {"kept"}, "with its log it is whole"


def test_a_changed_byte_of_a_backup_is_noticed_and_nothing_is_restored(
    domain: Domain, tenant_id: str, backup: Path
) -> None:
    file = backup / f"tenant_{tenant_id}.db"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(Invalid, match="content has changed"):
        domain.restores.from_backup(tenant_id, backup, now())
    assert ids(domain, tenant_id) == {"kept", "since"}


REFUSED = {
    "CREATE TRIGGER evil AFTER INSERT ON sync_entities BEGIN DELETE FROM sync_entities; END": Invalid,
    "CREATE TABLE more (text)": Invalid,
    "CREATE VIRTUAL TABLE more USING fts5(text)": Invalid,
    "ALTER TABLE sync_entities ADD COLUMN more TEXT": Invalid,
    "ALTER TABLE sync_entities ADD COLUMN more TEXT AS (upper(entity)) VIRTUAL": Invalid,
    "CREATE INDEX more ON sync_entities (lower(entity))": Invalid,
    "UPDATE sync_entities SET entity = replace(entity, 'holiday', 'forged')": Invalid,
    "PRAGMA user_version = 99": NewerSchema,
    "PRAGMA user_version = -1": OlderSchema,
}  # what somebody did to a copy -> the error


@pytest.mark.parametrize(("statement", "error"), REFUSED.items())
def test_a_file_with_anything_that_is_not_ours_is_refused_and_nothing_changes(
    settings: Settings, domain: Domain, tenant_id: str, copy: Path, statement: str, error: type[FinWiseError]
) -> None:
    with outside(copy) as connection:
        connection.execute(statement)
    domain.close()
    before = picture(settings)
    with pytest.raises(error):
        domain.restores.adopt(tenant_id, copy, now())
    assert picture(settings) == before


@pytest.mark.parametrize("life", ["deleted", "unknown"])
def test_a_refused_file_changes_nothing_of_a_tenant_that_is_not_there(
    settings: Settings, domain: Domain, user: User, tenant_id: str, copy: Path, life: str
) -> None:
    target = new_id() if life == "unknown" else tenant_id
    if life == "deleted":
        domain.tenants.delete(as_caller(user), tenant_id, now())
    with outside(copy) as connection:
        connection.execute("CREATE TABLE more (text)")
    domain.close()
    before = picture(settings)
    with pytest.raises(Invalid):
        domain.restores.adopt(target, copy, now(), Newcomer(user.email))
    assert picture(settings) == before


@pytest.mark.parametrize("content", [None, b"", b"no database " * 1_000, b"SQLite format 3\0" + bytes(5_000)])
def test_what_is_no_database_is_refused_and_leaves_nothing(
    domain: Domain, tenant_id: str, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "other").write_bytes(content)
    with pytest.raises(Invalid):
        domain.restores.adopt(tenant_id, tmp_path / "other", now())
    assert list((tmp_path / "tenant_databases").glob("restoring/*")) == []
    assert ids(domain, tenant_id) == {"kept"}


def test_views_of_a_foreign_file_are_replaced_by_ours(
    domain: Domain, tenant_id: str, copy: Path, tmp_path: Path
) -> None:
    with outside(copy) as connection:
        connection.execute("DROP VIEW tags")
        connection.execute("CREATE VIEW tags AS SELECT 'forged' AS name")
        connection.execute("CREATE VIEW evil AS SELECT load_extension('evil')")
    domain.restores.adopt(tenant_id, copy, now())
    domain.sync.push(tenant_id, PushRequest([]), now())
    path = tenant_file(tmp_path, tenant_id)
    assert value(path, "SELECT name FROM tags") == "holiday"
    assert value(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'evil'") == 0


def test_the_tables_of_litestream_are_left_behind(domain: Domain, tenant_id: str, copy: Path, tmp_path: Path) -> None:
    with outside(copy) as connection:
        connection.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
    domain.restores.adopt(tenant_id, copy, now())
    tables = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_litestream%'"
    assert value(tenant_file(tmp_path, tenant_id), tables) == 0


def test_a_file_of_an_older_schema_is_checked_and_brought_up_to_date(
    domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    old_file(old, "tenant")
    with outside(old) as edited:
        edited.execute("UPDATE sync_entities SET entity = replace(entity, 'ä', 'a')")
    with pytest.raises(Invalid, match="1 entities are not what was stored"):
        domain.restores.adopt(tenant_id, old, now())
    with outside(old) as edited:
        edited.execute("UPDATE sync_entities SET entity = replace(entity, 'second a', 'second ä')")
        edited.execute("CREATE TRIGGER mine AFTER DELETE ON sync_entities BEGIN SELECT 1; END")
    with pytest.raises(Invalid, match="triggers that are not FinWise's"):
        domain.restores.adopt(tenant_id, old, now())
    with outside(old) as edited:
        edited.execute("DROP TRIGGER mine")
    domain.restores.adopt(tenant_id, old, now())
    assert ids(domain, tenant_id) == {"living", "gone"}
    assert domain.verification.verify(tenant_id) == []


def test_a_mark_of_another_life_does_not_matter(domain: Domain, tenant_id: str, copy: Path, tmp_path: Path) -> None:
    with outside(copy) as connection:
        connection.execute("PRAGMA application_id = 1")
    domain.restores.adopt(tenant_id, copy, now())
    assert value(tenant_file(tmp_path, tenant_id), MARK) == OURS


def test_sidecars_that_lie_about_never_reach_the_new_file(
    domain: Domain, user: User, tenant_id: str, copy: Path, tmp_path: Path
) -> None:
    path = tenant_file(tmp_path, tenant_id)
    domain.tenants.delete(as_caller(user), tenant_id, now())
    leave_foreign_book(path, ("-wal", "-shm"))
    domain.restores.adopt(tenant_id, copy, now())
    assert ids(domain, tenant_id) == {"kept"}
    assert value(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'secrets'") == 0
    assert domain.verification.verify(tenant_id) == []


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_sidecar_without_its_file_goes_to_the_trash_before_the_new_file_comes(
    domain: Domain, tenant_id: str, copy: Path, tmp_path: Path, suffix: str
) -> None:
    path = tenant_file(tmp_path, tenant_id)
    domain.close()
    path.unlink()
    Path(f"{path}{suffix}").write_bytes(b"stale")
    domain.restores.adopt(tenant_id, copy, now())
    (moved,) = (tmp_path / "tenant_databases" / "trash").iterdir()
    assert moved.name.endswith(suffix)
    assert moved.read_bytes() == b"stale"
    assert ids(domain, tenant_id) == {"kept"}
    assert domain.verification.verify(tenant_id) == []


def test_a_damaged_file_in_the_trash_is_refused_and_the_tenant_stays_deleted(
    domain: Domain, user: User, tenant_id: str, tmp_path: Path
) -> None:
    domain.tenants.delete(as_caller(user), tenant_id, now())
    trash_of(tmp_path, tenant_id).write_bytes(b"no database " * 1_000)
    with pytest.raises(Invalid):
        domain.restores.from_trash(tenant_id, now())
    with pytest.raises(TenantDeleted):
        domain.tenants.to_read(as_caller(user), tenant_id)
