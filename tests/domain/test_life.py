"""The life of a tenant's file: the next process finishes what was begun, and one tenant's trouble is nobody else's."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.user import User
from finwise.errors import BadSetting, Busy, Conflict, FinWiseError, Quarantined, TenantDeleted
from finwise.store import folder as folders
from finwise.store.databases import Databases
from finwise.store.trash import Trash
from harness.callers import as_caller
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user, uses
from tests.store.files import names, outside, tenant_file, value
from tests.store.processes import Peer

Happening = Callable[[Domain, Path], None]


@pytest.fixture
def domain(settings: Settings) -> Iterator[Domain]:
    opened = create_domain(settings)
    yield opened
    opened.close()


@pytest.fixture
def user(domain: Domain) -> User:
    return add_user(domain)


@pytest.fixture
def tenant_id(domain: Domain, user: User) -> str:
    made = add_tenant(domain, user)
    domain.sync.push(made, PushRequest([change("kept")]), now())
    return made


def state(settings: Settings, tenant_id: str) -> str:
    said: str = value(settings.users_db, f"SELECT state FROM tenants WHERE uuid = '{tenant_id}'")
    return said


def damage(domain: Domain, path: Path) -> None:
    domain.close()
    path.write_bytes(b"no database " * 1_000)


def lose(domain: Domain, path: Path) -> None:
    domain.close()
    path.unlink()


@pytest.mark.parametrize("happen", [damage, lose])
def test_one_damaged_or_missing_file_of_twenty_is_quarantined_and_the_others_serve(
    settings: Settings, domain: Domain, user: User, tmp_path: Path, happen: object
) -> None:
    tenants = [add_tenant(domain, user) for _ in range(20)]
    for tenant_id in tenants:
        domain.sync.push(tenant_id, PushRequest([change("kept")]), now())
    happen(domain, tenant_file(tmp_path, tenants[7]))  # type: ignore[operator] # one of the two functions
    for use in uses(domain, tenants[7]):
        with pytest.raises(Quarantined):
            use()
    for tenant_id in tenants[:7] + tenants[8:]:
        assert len(domain.sync.pull(tenant_id, PullRequest()).entities) == 1
        assert state(settings, tenant_id) == "active"
    assert state(settings, tenants[7]) == "quarantined"
    with pytest.raises(Quarantined):
        domain.tenants.to_read(as_caller(user), tenants[7])


def test_a_missing_file_is_never_made_anew(
    settings: Settings, domain: Domain, user: User, tenant_id: str, tmp_path: Path
) -> None:
    lose(domain, tenant_file(tmp_path, tenant_id))
    for _ in range(2):
        again = create_domain(settings)
        with pytest.raises(Quarantined):
            again.sync.pull(tenant_id, PullRequest())
        again.tenants.create(user, tenant_id, "Home", None, now())
        again.close()
    assert names(tenant_file(tmp_path, tenant_id)) == []


def test_a_tenant_without_a_file_is_quarantined_at_the_start(
    settings: Settings, domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    lose(domain, tenant_file(tmp_path, tenant_id))
    create_domain(settings).close()
    assert state(settings, tenant_id) == "quarantined"


def test_a_quarantine_ends_when_the_file_was_proven_whole(
    settings: Settings, domain: Domain, user: User, tenant_id: str, tmp_path: Path
) -> None:
    path = tenant_file(tmp_path, tenant_id)
    domain.close()
    os.replace(path, tmp_path / "elsewhere")  # as where a drive was not mounted
    create_domain(settings).close()
    assert domain.verification.verify(tenant_id)
    assert state(settings, tenant_id) == "quarantined"
    os.replace(tmp_path / "elsewhere", path)
    assert state(settings, tenant_id) == "quarantined"
    assert domain.verification.verify(tenant_id) == []
    assert domain.verification.release(tenant_id)
    assert not domain.verification.release(tenant_id)
    assert domain.tenants.to_read(as_caller(user), tenant_id)


def test_what_verify_finds_is_quarantined(settings: Settings, domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    with outside(tenant_file(tmp_path, tenant_id)) as connection:
        connection.execute("UPDATE sync_entities SET change_id = 'another'")
    assert domain.sync.pull(tenant_id, PullRequest()).entities, "nobody has noticed yet"
    assert domain.verification.verify(tenant_id)
    assert state(settings, tenant_id) == "quarantined"


def test_an_entity_that_cannot_be_read_any_more_is_quarantined_by_who_pushes_it(
    settings: Settings, domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    with outside(tenant_file(tmp_path, tenant_id)) as connection:
        connection.execute("UPDATE sync_entities SET entity = replace(entity, 'data', 'date')")
    with pytest.raises(Quarantined, match="operator"):
        domain.sync.push(tenant_id, PushRequest([change("kept")]), now())
    assert state(settings, tenant_id) == "quarantined"


def test_a_quarantined_tenant_can_be_renamed_and_deleted(
    settings: Settings, domain: Domain, user: User, tenant_id: str, tmp_path: Path
) -> None:
    damage(domain, tenant_file(tmp_path, tenant_id))
    assert domain.verification.verify(tenant_id)
    domain.tenants.rename(as_caller(user), tenant_id, "Broken", now())
    domain.tenants.delete(as_caller(user), tenant_id, now())
    assert state(settings, tenant_id) == "deleted"
    assert names(tenant_file(tmp_path, tenant_id)) == []
    with pytest.raises(TenantDeleted):
        domain.tenants.to_read(as_caller(user), tenant_id)


def test_a_file_without_a_tenant_is_set_aside_whole(
    settings: Settings, domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    stranger = new_id()
    backup = domain.backups.make(tmp_path / "backups", now(), tenant_id).folder
    os.replace(backup / f"tenant_{tenant_id}.db", tenant_file(tmp_path, stranger))
    create_domain(settings).close()
    assert names(tenant_file(tmp_path, stranger)) == []
    (aside,) = (tmp_path / "tenant_databases" / "trash").glob(f"*_orphan_tenant_{stranger}.db")
    assert value(aside, "SELECT id FROM tags") == "kept"
    assert state(settings, tenant_id) == "active"


def test_a_file_put_back_by_hand_after_a_deletion_is_set_aside(
    settings: Settings, domain: Domain, user: User, tenant_id: str, tmp_path: Path
) -> None:
    backup = domain.backups.make(tmp_path / "backups", now(), tenant_id).folder
    domain.tenants.delete(as_caller(user), tenant_id, now())
    add_tenant(domain, user)
    os.replace(backup / f"tenant_{tenant_id}.db", tenant_file(tmp_path, tenant_id))
    create_domain(settings).close()
    assert names(tenant_file(tmp_path, tenant_id)) == []
    assert state(settings, tenant_id) == "deleted"


def test_nothing_is_moved_where_users_db_knows_none_of_the_files(
    settings: Settings, domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    """Most likely the wrong users.db was named, and the files are somebody's."""
    domain.close()
    other = Settings(str(tmp_path / "other"), str(tmp_path / "elsewhere"))
    create_domain(other).close()
    with pytest.raises(BadSetting):
        create_domain(Settings(other.instance, settings.tenant_databases))
    assert tenant_file(tmp_path, tenant_id).exists()
    assert domain.sync.pull(tenant_id, PullRequest()).entities


def test_finishing_again_changes_nothing(
    settings: Settings, domain: Domain, user: User, tenant_id: str, tmp_path: Path
) -> None:
    domain.tenants.delete(as_caller(user), add_tenant(domain, user), now())

    def picture() -> object:
        folder = tmp_path / "tenant_databases"
        return sorted(str(path) for path in folder.rglob("*.db")), state(settings, tenant_id)

    before = picture()
    for _ in range(2):
        domain.life.finish(now())
        assert picture() == before


def test_a_report_about_a_deleted_tenant_says_so_and_quarantines_nothing(
    settings: Settings, domain: Domain, user: User, tenant_id: str
) -> None:
    domain.tenants.delete(as_caller(user), tenant_id, now())
    for use in uses(domain, tenant_id):
        with pytest.raises(TenantDeleted):
            use()
    assert state(settings, tenant_id) == "deleted"


@pytest.mark.parametrize("happen", [damage, lose])
def test_other_processes_respect_a_quarantine_even_when_the_file_is_whole_again(
    settings: Settings, domain: Domain, user: User, tenant_id: str, tmp_path: Path, happen: Happening
) -> None:
    path = tenant_file(tmp_path, tenant_id)
    domain.close()
    whole = path.read_bytes()
    with Peer(ask, settings, user, tenant_id) as other:
        assert other.hear() == "active"
        happen(domain, path)
        with pytest.raises(Quarantined):
            domain.sync.pull(tenant_id, PullRequest())
        other.say("and now?")
        assert other.hear() == "Quarantined"
        path.write_bytes(whole)
        domain.life.finish(now())
        other.say("and now?")
        assert other.hear() == "Quarantined"
        assert domain.verification.verify(tenant_id) == []
        assert domain.verification.release(tenant_id)
        other.say("and now?")
        assert other.hear() == "active"


def ask(pipe: Connection, settings: Settings, user: User, tenant_id: str) -> None:
    """Says again and again whether the tenant may be used."""
    domain = create_domain(settings)
    while True:
        try:
            pipe.send(domain.tenants.to_write(as_caller(user), tenant_id).state)
        except FinWiseError as error:
            pipe.send(type(error).__name__)
        pipe.recv()


def test_a_damaged_file_is_not_moved_or_changed_by_a_quarantine(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    path = tenant_file(tmp_path, tenant_id)
    damage(domain, path)
    for use in uses(domain, tenant_id):
        with pytest.raises(Quarantined):
            use()
    domain.life.finish(now())
    assert path.read_bytes() == b"no database " * 1_000


@pytest.mark.parametrize(("begun", "explanation"), [("restoring", Busy), ("deleting", TenantDeleted)])
def test_a_missing_file_is_explained_by_what_is_under_way(
    settings: Settings,
    domain: Domain,
    tenant_id: str,
    tmp_path: Path,
    begun: str,
    explanation: type[FinWiseError],
) -> None:
    lose(domain, tenant_file(tmp_path, tenant_id))
    put_state(settings, tenant_id, begun)
    for use in uses(domain, tenant_id):
        with pytest.raises(explanation):
            use()
    assert state(settings, tenant_id) == begun


def put_state(settings: Settings, tenant_id: str, to: str) -> None:
    with outside(settings.users_db) as connection:
        connection.execute("UPDATE tenants SET state = ?, began_at = ? WHERE uuid = ?", (to, now(), tenant_id))


@pytest.mark.parametrize("held_up", [(Databases, "retire"), (Trash, "put"), (folders, "sync_folder")])
def test_a_deletion_that_was_cut_off_is_finished_under_the_same_name(
    settings: Settings,
    domain: Domain,
    user: User,
    tenant_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    held_up: tuple[object, str],
) -> None:
    moment = now()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(*held_up, dies)
        with pytest.raises(KeyboardInterrupt):
            domain.tenants.delete(as_caller(user), tenant_id, moment)
    assert state(settings, tenant_id) == "deleting"
    with pytest.raises(TenantDeleted):
        domain.tenants.to_write(as_caller(user), tenant_id)
    for later in (1, 2):
        domain.life.finish(moment + later * 1_000_000)
        assert state(settings, tenant_id) == "deleted"
        assert names(tenant_file(tmp_path, tenant_id)) == []
        (kept,) = (tmp_path / "tenant_databases" / "trash").glob("*.db")
        assert kept.name.startswith(
            (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).strftime("%Y%m%dT%H%M%S.%fZ_deleted")
        )
        assert value(kept, "SELECT id FROM tags") == "kept"


def test_a_restore_without_a_file_that_waits_does_not_invent_one(
    settings: Settings, domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    lose(domain, tenant_file(tmp_path, tenant_id))
    put_state(settings, tenant_id, "restoring")
    for _ in range(2):
        domain.life.finish(now())
        assert state(settings, tenant_id) == "quarantined"
        assert names(tenant_file(tmp_path, tenant_id)) == []


def test_a_deleted_tenants_id_stays_reserved(domain: Domain, user: User, tenant_id: str, tmp_path: Path) -> None:
    domain.tenants.delete(as_caller(user), tenant_id, now())
    for owner in (user, add_user(domain)):
        with pytest.raises(Conflict):
            domain.tenants.create(owner, tenant_id, "Home", None, now())
    assert names(tenant_file(tmp_path, tenant_id)) == []
