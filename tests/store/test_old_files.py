"""An installation of an older version: nothing is lost or changed when it is opened.

`tests/data/version_6/` has dumps of the files of one: a person with a phone, a book with a living entity, a deletion, a
conflict of either kind, and change_ids of versions that were replaced. `version_7/` has the same book, one version
later, and `version_8/` the same person.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import finwise.store.connection
from finwise import create_app, create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.conflicts import Decision
from finwise.domain.push import Result
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import OlderSchema
from finwise.store import migrations
from finwise.store.connection import connect, transaction
from finwise.store.tenants import list_tenants
from tests.conftest import settings_in
from tests.household import change
from tests.store.files import VERSION, old_file, outside, tenant_file, value

TENANT = "bbbbbbbb-0000-4000-8000-000000000001"
REMEMBERED = "dddddddd-0000-4000-8000-000000000001"
LIVING = ("tags", "living", "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", '{"name":"second ä"}')
GONE = ("tags", "gone", "2026-01-01T00:00:00.000Z", "2026-01-04T00:00:00.000Z", None)


@pytest.fixture
def old(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path)
    for folder in (settings.users_db.parent, settings.tenants_folder):
        folder.mkdir()
    old_file(settings.users_db, "users")
    old_file(tenant_file(tmp_path, TENANT), "tenant")
    return settings


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tenant_file(tmp_path, TENANT)


@pytest.fixture
def domain(old: Settings) -> Iterator[Domain]:
    with closing(create_domain(old)) as opened:
        yield opened


def test_the_entities_are_what_they_were_and_proven(domain: Domain) -> None:
    page = domain.sync.pull(TENANT, PullRequest())
    assert [tuple(entity) for entity in page.entities] == [LIVING, GONE]
    assert (page.epoch, page.next_stamp) == ("a58abe79", 1796090038546877)
    assert domain.verification.verify(TENANT) == []
    with domain.sync.initial(TENANT, None) as load:
        assert [tuple(entity) for entity in load.entities] == [LIVING]


def test_a_book_of_version_7_is_what_it_was_and_proven(domain: Domain, book: Path) -> None:
    book.unlink()
    old_file(book, "tenant", 7)
    assert [tuple(entity) for entity in domain.sync.pull(TENANT, PullRequest()).entities] == [LIVING, GONE]
    assert domain.verification.verify(TENANT) == []
    domain.sync.push(TENANT, PushRequest([change("new")]), now())
    assert value(book, "SELECT group_concat(id) FROM tags") == "living,new"


@pytest.mark.parametrize("version", [6, 8])
def test_people_log_in_as_before_and_open_their_books(old: Settings, version: int) -> None:
    old.users_db.unlink()
    old_file(old.users_db, "users", version)
    app = create_app(old)
    login = {"email": "ada@example.org", "password": "correct horse battery", "device_name": "laptop"}
    client = app.test_client()
    told = client.post("/auth/tokens", json=login).get_json()
    answer = client.get("/tenants", headers={"Authorization": f"Bearer {told['token']}"})
    [tenant] = answer.get_json()
    assert tenant["uuid"] == TENANT
    assert tenant["created_at"] == tenant["updated_at"] > "2026"
    assert told["user"]["created_at"] == told["user"]["updated_at"] > "2026"


@pytest.mark.parametrize("version", [6, 8])
def test_the_tenants_of_a_backup_are_known_whatever_made_it(tmp_path: Path, version: int) -> None:
    old_file(tmp_path / "users.db", "users", version)
    with closing(connect(tmp_path / "users.db")) as made:
        assert [tenant.uuid for tenant in list_tenants(made)] == [TENANT]


@pytest.mark.parametrize(("kind", "version"), [("tenant", 6), ("tenant", 7), ("users", 6), ("users", 8)])
def test_a_file_that_was_brought_up_to_date_has_what_a_new_one_has(tmp_path: Path, kind: str, version: int) -> None:
    path = tmp_path / "old.db"
    old_file(path, kind, version)
    with closing(connect(path)) as upgraded, closing(connect(":memory:")) as new:
        for connection in (upgraded, new):
            with transaction(connection):
                migrations.migrate(connection, kind)
        assert columns(upgraded) == columns(new)
        assert indexes(upgraded) == indexes(new)


def columns(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    return set(
        connection.execute(
            """SELECT tables.name, columns.cid, columns.name, columns.type, columns."notnull", columns.dflt_value,
                 columns.pk, columns.hidden
               FROM sqlite_schema AS tables, pragma_table_xinfo(tables.name) AS columns WHERE tables.type = 'table'
               AND columns.name <> 'conflict_id'"""  # whose default nothing uses any more
        ).fetchall()
    )


def indexes(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    return set(
        connection.execute(
            """SELECT indexes.tbl_name, indexes.name, columns.seqno, columns.name
               FROM sqlite_schema AS indexes, pragma_index_info(indexes.name) AS columns WHERE indexes.type = 'index'"""
        ).fetchall()
    )


def test_an_old_row_that_changes_later_is_noticed(domain: Domain, book: Path) -> None:
    domain.sync.pull(TENANT, PullRequest())
    with outside(book) as connection:
        connection.execute("UPDATE sync_entities SET device_id = 'another' WHERE is_deleted")
        connection.execute("UPDATE sync_conflicts SET data = '{}' WHERE id = 'gone'")
    assert len(domain.verification.verify(TENANT)) == 2


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE sync_entities SET entity = replace(entity, 'ä', 'a') WHERE NOT is_deleted", "1 entities"),
        ("UPDATE sync_entities SET device_id = 'another' WHERE NOT is_deleted", "1 entities"),
        ("UPDATE sync_entities SET is_deleted = 1", "1 entities"),
        ("UPDATE sync_conflicts SET data = '{}' WHERE id = 'living'", "1 conflicts"),
        ("UPDATE sync_book SET horizon = 1", "Epoch, last stamp, horizon, digests or sums"),
    ],
)
def test_an_old_row_that_was_changed_before_is_noticed_still(
    domain: Domain, book: Path, statement: str, what: str
) -> None:
    with outside(book) as connection:
        connection.execute(statement)
    (found,) = domain.verification.verify(TENANT)
    assert found.startswith(f"{what} are not what was stored")


def test_views_that_somebody_made_or_broke_do_not_stop_a_file_from_being_brought_up_to_date(
    domain: Domain, book: Path
) -> None:
    with outside(book) as connection:
        connection.execute("CREATE VIEW mine AS SELECT entity FROM sync_entities")
        connection.execute("CREATE VIEW broken AS SELECT x FROM nowhere")
    domain.sync.push(TENANT, PushRequest([change("new")]), now())
    assert value(book, "SELECT group_concat(id) FROM tags") == "living,new"


def test_the_conflicts_keep_order_names_and_content(domain: Domain) -> None:
    with domain.conflicts.list_of(TENANT) as found:
        kept = [conflict for chunk in found.chunks for conflict in chunk]
    assert [(each.conflict_id[:4], each.kept.reason, each.kept.loser.data) for each in kept] == [
        ("31fc", "older", '{"name":"late"}'),
        ("76bd", "overwritten", '{"name":"of the phone"}'),
    ]
    version = domain.conflicts.restore(TENANT, kept[0].conflict_id, Decision(), now())
    assert version.data == '{"name":"late"}'


def test_a_change_that_was_remembered_is_still_known(domain: Domain) -> None:
    again = change("living", change_id=REMEMBERED)
    (result,) = domain.sync.push(TENANT, PushRequest([again]), now()).results
    assert isinstance(result, Result)
    assert result.verdict.status == "superseded"


def test_an_update_that_is_cut_off_leaves_the_old_file(
    domain: Domain, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(finwise.store.connection, "checksum", dies)
        with pytest.raises(sqlite3.OperationalError):
            domain.sync.pull(TENANT, PullRequest())
    assert value(book, VERSION) == 6
    assert [tuple(entity) for entity in domain.sync.pull(TENANT, PullRequest()).entities] == [LIVING, GONE]


@pytest.mark.parametrize("version", [1, 5])
def test_a_file_of_a_development_version_is_refused_and_left_alone(domain: Domain, book: Path, version: int) -> None:
    with outside(book) as connection:
        connection.execute(f"PRAGMA user_version = {version:d}")
    with pytest.raises(OlderSchema, match="development version"):
        domain.sync.pull(TENANT, PullRequest())
    with pytest.raises(OlderSchema):
        domain.sync.push(TENANT, PushRequest([change("new")]), now())
    assert value(book, VERSION) == version


def test_a_users_db_of_a_development_version_does_not_start_and_is_left_alone(old: Settings) -> None:
    with outside(old.users_db) as connection:
        connection.execute("PRAGMA user_version = 4")
    with pytest.raises(OlderSchema):
        create_domain(old)
    assert value(old.users_db, VERSION) == 4
