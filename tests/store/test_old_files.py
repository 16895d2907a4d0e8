"""Files of the first schema, with content: nothing of it is lost or changed when they are brought up to date."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import finwise.store.connection
from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.change import Version
from finwise.domain.conflicts import Decision
from finwise.domain.digest import ZERO, add, weight
from finwise.domain.push import Result
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.user import User
from finwise.errors import TenantDeleted
from finwise.store import migrations
from finwise.store.connection import connect, transaction
from finwise.store.databases import OURS
from harness.callers import as_caller
from tests.household import change
from tests.store.accounts import add_tenant, add_user
from tests.store.files import VERSION, outside, tenant_file, value

REMEMBERED = "0c0ffee0-0000-4000-8000-000000000000"
TIME = "2025-01-09T19:01:00.000Z"
ENTITIES = [
    Version(3, "tags", "living", TIME, TIME, '{"name":"ä"}', "c3", None),
    Version(5, "tags", "gone", TIME, TIME, None, "c5", "phone"),
]
CONFLICTS = [
    ("older", 4, "tags", "living", TIME, TIME, '{"name":"late"}', "c1", None),
    ("overwritten", 6, "tags", "gone", TIME, TIME, None, "c2", "phone"),
]


@contextmanager
def first_schema(path: Path, kind: str) -> Iterator[sqlite3.Connection]:
    """A new file as the first FinWise made it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(connect(path, create=True)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        with transaction(connection):
            migrations.migrate(connection, kind, 1)
            yield connection


@pytest.fixture
def user(domain: Domain) -> User:
    return add_user(domain)


@pytest.fixture
def tenant_id(domain: Domain, user: User, tmp_path: Path) -> str:
    """A tenant whose file is of the first schema."""
    made = add_tenant(domain, user)
    path = tenant_file(tmp_path, made)
    domain.close()
    path.unlink()
    with first_schema(path, "tenant") as connection:
        connection.executemany(
            """INSERT INTO sync_entities (stamp, entity_type, id, created_at, updated_at, data, change_id, device_id)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            ENTITIES,
        )
        connection.executemany(
            """INSERT INTO sync_conflicts
                 (reason, kept_at, entity_type, id, created_at, updated_at, data, change_id, device_id)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            CONFLICTS,
        )
        digest = add(ZERO, weight(ENTITIES[0]))
        connection.execute("INSERT INTO sync_digests VALUES ('tags', ?)", (digest,))
        connection.execute("INSERT INTO sync_change_ids VALUES (?, 'tags', 'living', 3)", (REMEMBERED,))
        connection.execute("UPDATE sync_book SET last_stamp = 6, epoch = 'before'")
        connection.execute(f"PRAGMA application_id = {OURS:d}")
    return made


def test_the_entities_are_what_they_were_and_proven(domain: Domain, tenant_id: str) -> None:
    page = domain.sync.pull(tenant_id, PullRequest())
    assert list(page.entities) == [version[1:6] for version in ENTITIES]
    assert (page.epoch, page.next_stamp) == ("before", 6)
    assert domain.verification.verify(tenant_id) == []


def test_an_old_row_that_changes_later_is_noticed(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    domain.sync.pull(tenant_id, PullRequest())
    with outside(tenant_file(tmp_path, tenant_id)) as connection:
        connection.execute("UPDATE sync_entities SET device_id = 'another' WHERE is_deleted")
        connection.execute("UPDATE sync_conflicts SET data = '{}' WHERE id = 'gone'")
    assert len(domain.verification.verify(tenant_id)) == 2


@pytest.mark.parametrize(
    ("schema", "statement", "what"),
    [
        (4, "UPDATE sync_entities SET data = '{}' WHERE id = 'living'", "1 entities"),
        (5, "UPDATE sync_entities SET entity = replace(entity, 'ä', 'a') WHERE id = 'living'", "1 entities"),
        (5, "UPDATE sync_entities SET entity = 'nothing' WHERE id = 'living'", "1 entities"),
        (5, "UPDATE sync_entities SET id = 'another' WHERE id = 'living'", "1 entities"),
        (5, "UPDATE sync_conflicts SET data = '{}' WHERE id = 'living'", "1 conflicts"),
        (6, "UPDATE sync_entities SET entity = replace(entity, 'ä', 'a') WHERE NOT is_deleted", "1 entities"),
        (6, "UPDATE sync_entities SET device_id = 'another' WHERE NOT is_deleted", "1 entities"),
        (6, "UPDATE sync_entities SET is_deleted = 1", "1 entities"),
        (6, "UPDATE sync_conflicts SET data = '{}' WHERE id = 'living'", "1 conflicts"),
        (6, "UPDATE sync_book SET horizon = 1", "Epoch, last stamp, horizon, digests or sums"),
        (5, "UPDATE sync_book SET horizon = 1", "Epoch, last stamp, horizon, digests or sums"),
    ],
)
def test_an_old_row_that_was_changed_before_is_noticed_still(
    domain: Domain, tenant_id: str, tmp_path: Path, schema: int, statement: str, what: str
) -> None:
    path = tenant_file(tmp_path, tenant_id)
    with closing(connect(path)) as connection, transaction(connection):
        migrations.migrate(connection, "tenant", schema)
        connection.execute(statement)
    (found,) = domain.verification.verify(tenant_id)
    assert found.startswith(f"{what} are not what was stored")


@pytest.mark.parametrize(("schema", "column"), [(4, "data"), (5, "id"), (6, "entity")])
def test_views_that_somebody_made_or_broke_do_not_stop_a_file_from_being_brought_up_to_date(
    domain: Domain, tenant_id: str, tmp_path: Path, schema: int, column: str
) -> None:
    with closing(connect(tenant_file(tmp_path, tenant_id))) as connection, transaction(connection):
        migrations.migrate(connection, "tenant", schema)
        connection.execute(f"CREATE VIEW mine AS SELECT {column} FROM sync_entities")
        connection.execute("CREATE VIEW broken AS SELECT x FROM nowhere")
    domain.sync.push(tenant_id, PushRequest([change("new")]), now())
    assert value(tenant_file(tmp_path, tenant_id), "SELECT group_concat(id) FROM tags") == "living,new"


def test_the_conflicts_keep_order_and_content_and_get_names(domain: Domain, tenant_id: str) -> None:
    with domain.conflicts.list_of(tenant_id) as found:
        kept = [conflict for chunk in found.chunks for conflict in chunk]
    assert [(each.kept.reason, each.kept.kept_at, *each.kept.loser[1:]) for each in kept] == CONFLICTS
    assert len({each.conflict_id for each in kept}) == 2
    assert all(len(each.conflict_id) == 32 for each in kept)
    version = domain.conflicts.restore(tenant_id, kept[0].conflict_id, Decision(), now())
    assert version.data == '{"name":"late"}'


def test_two_files_with_the_same_content_do_not_share_names_of_conflicts(
    domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    path = tenant_file(tmp_path, tenant_id)
    copy.write_bytes(path.read_bytes())
    domain.sync.pull(tenant_id, PullRequest())
    with closing(connect(copy)) as connection, transaction(connection):
        migrations.migrate(connection, "tenant")
    query = "SELECT min(conflict_id) FROM sync_conflicts"
    assert value(path, query) != value(copy, query)


def test_a_change_that_was_remembered_is_still_known(domain: Domain, tenant_id: str) -> None:
    again = change("living", change_id=REMEMBERED)
    (result,) = domain.sync.push(tenant_id, PushRequest([again]), now()).results
    assert isinstance(result, Result)
    assert (result.verdict.status, result.version) == ("superseded", ENTITIES[0])


def test_a_migration_that_is_cut_off_leaves_the_old_file(
    domain: Domain, tenant_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(finwise.store.connection, "checksum", dies)
        with pytest.raises(sqlite3.OperationalError):
            domain.sync.pull(tenant_id, PullRequest())
    assert value(tenant_file(tmp_path, tenant_id), VERSION) == 1
    assert list(domain.sync.pull(tenant_id, PullRequest()).entities) == [version[1:6] for version in ENTITIES]


# users.db

STATES = ("active", "deleted", "creating", "deleting")


@pytest.fixture
def old_users(tmp_path: Path) -> Settings:
    """An installation with a users.db of the first schema, with a user and a tenant in each state."""
    root = tmp_path / "old"
    settings = Settings(str(root / "instance"), str(root / "tenant_databases"), maintenance_hours=0)
    with first_schema(settings.users_db, "users") as connection:
        connection.execute("INSERT INTO users VALUES ('u1', 'Ada', 'Ada@x.org', 'ada@x.org', NULL, ?)", (TIME,))
        connection.execute("INSERT INTO tokens VALUES ('t1', 'u1', 'hash', 'phone', ?, '2999-01-01')", (TIME,))
        for state in STATES:
            connection.execute(
                "INSERT INTO tenants VALUES (?, ?, 'u1', ?, ?)", (tenant_named(state), state, state, TIME)
            )
        connection.execute("INSERT INTO tenants VALUES (?, 'left', NULL, 'deleted', ?)", (tenant_named("left"), TIME))
    with first_schema(tenant_file(root, tenant_named("active")), "tenant") as connection:
        connection.execute(f"PRAGMA application_id = {OURS:d}")
    return settings


def tenant_named(state: str) -> str:
    return f"00000000-0000-4000-8000-{(*STATES, 'left').index(state):012}"


def test_users_and_their_tenants_are_what_they_were_and_what_was_begun_is_finished(old_users: Settings) -> None:
    with closing(create_domain(old_users)) as domain:
        domain.life.finish(now())
        user = User("u1", "Ada", "Ada@x.org", "")
        assert [tenant.name for tenant in domain.tenants.list_for(as_caller(user), None)] == ["active", "creating"]
        with pytest.raises(TenantDeleted):
            domain.tenants.to_read(as_caller(user), tenant_named("deleting"))
        assert domain.backups.make(old_users.users_db.parent / "backups", now()).manifest.problems == []
