"""Another file takes the place of a tenant's: only what is a tenant's and whole, and nobody else notices."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.copies import Fingerprint
from finwise.domain.life import Life
from finwise.domain.restores import Newcomer
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.tenant import Tenant
from finwise.domain.user import User
from finwise.errors import Busy, Conflict, FinWiseError, Invalid, NewerSchema, NotFound, OlderSchema, TenantDeleted
from finwise.store.backups import Archives
from finwise.store.databases import OURS, Databases
from finwise.store.folder import Folder
from finwise.store.restores import Staging
from finwise.store.trash import Trash
from harness.callers import as_caller
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import MARK, leave_foreign_book, names, old_file, on_posix, outside, tenant_file, value


@pytest.fixture
def user(domain: Domain) -> User:
    return add_user(domain)


@pytest.fixture
def tenant_id(domain: Domain, user: User) -> str:
    made = add_tenant(domain, user)
    domain.sync.push(made, PushRequest([change("kept")]), now())
    return made


@pytest.fixture
def backup(domain: Domain, tenant_id: str, tmp_path: Path) -> Path:
    """A backup, after which the book went on."""
    folder = domain.backups.make(tmp_path / "backups", now()).folder
    domain.sync.push(tenant_id, PushRequest([change("since")]), now())
    return folder


@pytest.fixture
def copy(backup: Path, tenant_id: str, tmp_path: Path) -> Path:
    """A tenant's file from elsewhere."""
    return Path(shutil.copyfile(backup / f"tenant_{tenant_id}.db", tmp_path / "copy.db"))


def ids(domain: Domain, tenant_id: str) -> set[str]:
    return {version.id for version in domain.sync.pull(tenant_id, PullRequest()).entities}


def epoch(domain: Domain, tenant_id: str) -> str:
    return domain.sync.pull(tenant_id, PullRequest()).epoch


def test_a_backup_brings_back_what_it_holds_under_a_new_epoch(domain: Domain, tenant_id: str, backup: Path) -> None:
    before = epoch(domain, tenant_id)
    domain.restores.from_backup(tenant_id, backup, now())
    assert ids(domain, tenant_id) == {"kept"}
    assert epoch(domain, tenant_id) != before
    assert domain.verification.verify(tenant_id) == []
    domain.sync.push(tenant_id, PushRequest([change("new")]), now())
    assert ids(domain, tenant_id) == {"kept", "new"}


def test_each_restore_has_an_epoch_of_its_own(domain: Domain, tenant_id: str, backup: Path) -> None:
    epochs = {epoch(domain, tenant_id)}
    for _ in range(3):
        domain.restores.from_backup(tenant_id, backup, now())
        epochs.add(epoch(domain, tenant_id))
    assert len(epochs) == 4


def test_what_a_restore_replaced_is_whole_in_the_trash_and_comes_back(
    domain: Domain, tenant_id: str, backup: Path
) -> None:
    domain.restores.from_backup(tenant_id, backup, now())
    domain.restores.from_trash(tenant_id, now())
    assert ids(domain, tenant_id) == {"kept", "since"}


def test_the_trash_gives_back_what_the_last_restore_replaced_though_the_clock_was_ahead_before(
    domain: Domain, user: User, tenant_id: str, backup: Path
) -> None:
    a_day = 86_400_000_000
    domain.restores.from_backup(tenant_id, backup, now() + a_day)
    domain.sync.push(tenant_id, PushRequest([change("latest")]), now())
    domain.restores.from_backup(tenant_id, backup, now())
    domain.restores.from_trash(tenant_id, now())
    assert ids(domain, tenant_id) == {"kept", "latest"}
    domain.tenants.delete(as_caller(user), tenant_id, now())
    domain.restores.from_trash(tenant_id, now())
    assert ids(domain, tenant_id) == {"kept", "latest"}


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


def test_an_empty_file_is_refused(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(Invalid, match="holds no book"):
        domain.restores.adopt(tenant_id, tmp_path / "empty.db", now())
    assert ids(domain, tenant_id) == {"kept"}


def test_a_tenant_deleted_before_anybody_opened_its_book_comes_back(domain: Domain, user: User) -> None:
    made = add_tenant(domain, user)
    domain.tenants.delete(as_caller(user), made, now())
    domain.restores.from_trash(made, now())
    assert ids(domain, made) == set()


def test_a_deleted_tenant_comes_back_out_of_the_trash(domain: Domain, user: User, tenant_id: str) -> None:
    before = epoch(domain, tenant_id)
    domain.tenants.delete(as_caller(user), tenant_id, now())
    domain.restores.from_trash(tenant_id, now())
    assert domain.tenants.to_read(as_caller(user), tenant_id).state == "active"
    assert ids(domain, tenant_id) == {"kept"}
    assert epoch(domain, tenant_id) != before


def test_a_restored_tenant_can_be_deleted_and_restored_again(domain: Domain, user: User, tenant_id: str) -> None:
    for _ in range(2):
        domain.tenants.delete(as_caller(user), tenant_id, now())
        domain.restores.from_trash(tenant_id, now())
    assert ids(domain, tenant_id) == {"kept"}


def test_a_damaged_tenant_is_restored_and_served_again(
    domain: Domain, user: User, tenant_id: str, backup: Path, tmp_path: Path
) -> None:
    domain.close()
    tenant_file(tmp_path, tenant_id).write_bytes(b"no database " * 1_000)
    with pytest.raises(FinWiseError):
        domain.sync.pull(tenant_id, PullRequest())
    domain.restores.from_backup(tenant_id, backup, now())
    assert domain.tenants.to_read(as_caller(user), tenant_id).state == "active"
    assert ids(domain, tenant_id) == {"kept"}


def test_the_other_tenants_are_not_touched(domain: Domain, user: User, tenant_id: str, tmp_path: Path) -> None:
    other = add_tenant(domain, user)
    domain.sync.push(other, PushRequest([change("theirs")]), now())
    backup = domain.backups.make(tmp_path / "backups", now()).folder
    domain.close()
    before = tenant_file(tmp_path, other).read_bytes()
    domain.restores.from_backup(tenant_id, backup, now())
    domain.close()
    assert tenant_file(tmp_path, other).read_bytes() == before


def test_a_changed_byte_of_a_backup_is_noticed_and_nothing_is_restored(
    domain: Domain, tenant_id: str, backup: Path
) -> None:
    file = backup / f"tenant_{tenant_id}.db"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(Invalid, match="content has changed"):
        domain.restores.from_backup(tenant_id, backup, now())
    assert ids(domain, tenant_id) == {"kept", "since"}


HOSTILE = [
    "CREATE TRIGGER evil AFTER INSERT ON sync_entities BEGIN DELETE FROM sync_entities; END",
    "CREATE TABLE more (text)",
    "CREATE VIRTUAL TABLE more USING fts5(text)",
    "ALTER TABLE sync_entities ADD COLUMN more TEXT",
    "ALTER TABLE sync_entities ADD COLUMN more TEXT AS (upper(entity)) VIRTUAL",
    "CREATE INDEX more ON sync_entities (lower(entity))",
    "UPDATE sync_entities SET entity = replace(entity, 'holiday', 'forged')",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_file_with_anything_that_is_not_ours_is_refused(
    domain: Domain, tenant_id: str, copy: Path, statement: str
) -> None:
    with outside(copy) as connection:
        connection.execute(statement)
    with pytest.raises(Invalid):
        domain.restores.adopt(tenant_id, copy, now())
    assert ids(domain, tenant_id) == {"kept", "since"}


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


@pytest.mark.parametrize("content", [b"", b"no database " * 1_000, b"SQLite format 3\0" + bytes(5_000)])
def test_what_is_no_database_is_refused(domain: Domain, tenant_id: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    if content:
        with pytest.raises(Invalid):
            domain.restores.adopt(tenant_id, tmp_path / "other", now())
    with pytest.raises(Invalid):
        domain.restores.adopt(tenant_id, tmp_path / "nothing", now())
    assert names(tmp_path / "tenant_databases" / "restoring" / "x") == []


def test_a_file_of_a_newer_finwise_is_refused(domain: Domain, tenant_id: str, copy: Path) -> None:
    with outside(copy) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerSchema):
        domain.restores.adopt(tenant_id, copy, now())


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


def test_a_tenant_that_nobody_knows_needs_an_owner(domain: Domain, user: User, copy: Path) -> None:
    unknown = new_id()
    with pytest.raises(NotFound):
        domain.restores.adopt(unknown, copy, now())
    with pytest.raises(NotFound):
        domain.restores.adopt(unknown, copy, now(), Newcomer("nobody@example.org"))
    domain.restores.adopt(unknown, copy, now(), Newcomer(user.email, "Moved"))
    tenant = domain.tenants.to_read(as_caller(user), unknown)
    assert (tenant.name, tenant.user_id) == ("Moved", user.uuid)
    assert ids(domain, unknown) == {"kept"}


def test_a_tenant_whose_owner_has_left_needs_a_new_one(domain: Domain, user: User, tenant_id: str) -> None:
    domain.tenants.delete(as_caller(user), tenant_id, now())
    domain.users.delete(user, now())
    heir = add_user(domain)
    with pytest.raises(NotFound, match="--owner"):
        domain.restores.from_trash(tenant_id, now())
    domain.restores.from_trash(tenant_id, now(), Newcomer(heir.email))
    assert domain.tenants.to_read(as_caller(heir), tenant_id).user_id == heir.uuid


def test_there_is_one_restore_at_a_time(domain: Domain, tenant_id: str, copy: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "tenant_databases", tmp_path / "instance" / "locks")
    with folder.alone("restore"), pytest.raises(Busy):
        domain.restores.adopt(tenant_id, copy, now())
    assert ids(domain, tenant_id) == {"kept", "since"}


def dies(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("place", "name", "restored"),
    [
        (Staging, "stage", False),
        (Databases, "retire", True),
        (Trash, "put", True),
    ],
)
def test_a_restore_that_was_cut_off_is_finished_or_never_was(
    settings: Settings,
    domain: Domain,
    tenant_id: str,
    backup: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: type,
    name: str,
    restored: bool,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(place, name, dies)
        with pytest.raises(KeyboardInterrupt):
            domain.restores.from_backup(tenant_id, backup, now())
    domain.close()
    for _ in range(2):
        again = create_domain(settings)
        assert ids(again, tenant_id) == ({"kept"} if restored else {"kept", "since"})
        assert again.tenants.as_operator(tenant_id).state == "active"
        again.close()


def test_finishing_what_died_leaves_a_restore_that_is_under_way_alone(
    settings: Settings, domain: Domain, tenant_id: str, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would put the file of one restore in place under the name of another, or say that it is done too early."""
    replace, calls, seen = Staging.replace, 0, []

    def starts_elsewhere(self: Staging, *arguments: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == 1:
            create_domain(settings).close()
            seen.append(domain.tenants.ids_in_state("restoring"))
            seen.append([file.name for file in (tmp_path / "tenant_databases" / "restoring").iterdir()])
        return replace(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Staging, "replace", starts_elsewhere)
        domain.restores.from_backup(tenant_id, backup, now())
    assert (calls, seen) == (1, [[tenant_id], [f"tenant_{tenant_id}.db"]])
    assert ids(domain, tenant_id) == {"kept"}


def test_devices_wait_while_their_tenant_is_restored(
    domain: Domain, user: User, tenant_id: str, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    put = Trash.put

    def put_and_ask(self: Trash, *arguments: Any) -> bool:
        moved = put(self, *arguments)
        uses = (domain.tenants.to_read, domain.tenants.to_write)
        seen.extend(outcome(partial(use, as_caller(user), tenant_id)) for use in uses)
        return moved

    monkeypatch.setattr(Trash, "put", put_and_ask)
    domain.restores.from_backup(tenant_id, backup, now())
    assert seen == [Busy, Busy]


def outcome(use: Callable[[], object]) -> object:
    try:
        return use()
    except FinWiseError as error:
        return type(error)


def test_where_the_present_file_cannot_be_moved_it_stays_the_tenants(
    domain: Domain, user: User, tenant_id: str, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where somebody has it open."""
    with monkeypatch.context() as patched:
        patched.setattr(Trash, "put", lambda *_: False)
        with pytest.raises(Busy):
            domain.restores.from_backup(tenant_id, backup, now())
    assert domain.tenants.to_read(as_caller(user), tenant_id).state == "active"
    assert ids(domain, tenant_id) == {"kept", "since"}


def test_everything_is_restored_where_nothing_is(
    domain: Domain, user: User, tenant_id: str, backup: Path, tmp_path: Path
) -> None:
    with pytest.raises(Conflict):
        domain.restores.everything(backup, now())
    elsewhere = create_domain(Settings(str(tmp_path / "other" / "i"), str(tmp_path / "other" / "t")))
    assert elsewhere.restores.everything(backup, now()) == 1
    assert elsewhere.tenants.to_read(as_caller(user), tenant_id).name == "Home"
    assert ids(elsewhere, tenant_id) == {"kept"}
    elsewhere.close()


@pytest.mark.skipif(not on_posix, reason="Windows has no such permissions")
def test_what_is_restored_is_closed_to_others(domain: Domain, tenant_id: str, backup: Path, tmp_path: Path) -> None:
    domain.restores.from_backup(tenant_id, backup, now())
    assert (tmp_path / "tenant_databases" / "restoring").stat().st_mode & 0o077 == 0
    assert backup.stat().st_mode & 0o077 == 0


def picture(settings: Settings, tenant_id: str) -> object:
    """Everything a restore could change, of all tenants."""
    files = [path for path in Path(settings.tenant_databases).rglob("*") if path.suffix in (".db", ".partial")]
    with outside(Path(settings.users_db)) as connection:
        rows = connection.execute("SELECT * FROM tenants ORDER BY uuid").fetchall()
    return rows, {path: path.read_bytes() for path in files}


@pytest.mark.parametrize("life", ["active", "deleted", "unknown"])
@pytest.mark.parametrize("statement", [*HOSTILE, "PRAGMA user_version = 99", "PRAGMA user_version = -1"])
def test_where_a_file_is_refused_nothing_has_changed(
    settings: Settings, domain: Domain, user: User, tenant_id: str, copy: Path, life: str, statement: str
) -> None:
    target = new_id() if life == "unknown" else tenant_id
    if life == "deleted":
        domain.tenants.delete(as_caller(user), tenant_id, now())
    with outside(copy) as connection:
        connection.execute(statement)
    domain.close()
    before = picture(settings, target)
    with pytest.raises((Invalid, NewerSchema, OlderSchema)):
        domain.restores.adopt(target, copy, now(), Newcomer(user.email))
    assert picture(settings, target) == before


MOVES = 6  # renames of a restore: the copy is ready, the present file and its three sidecars, the copy goes there


@pytest.mark.parametrize("done", range(MOVES + 1))
def test_a_restore_goes_on_at_whatever_rename_it_was_cut_off(
    settings: Settings,
    domain: Domain,
    user: User,
    tenant_id: str,
    tmp_path: Path,
    backup: Path,
    monkeypatch: pytest.MonkeyPatch,
    done: int,
) -> None:
    other, before = add_tenant(domain, user), epoch(domain, tenant_id)
    domain.sync.push(other, PushRequest([change("theirs")]), now())
    others_epoch = epoch(domain, other)
    replace, steps = Path.replace, iter(range(MOVES + 1))

    def replace_or_die(source: Path, target: Path) -> Path:
        if next(steps) == done:
            raise KeyboardInterrupt
        return replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_die)
        if done == MOVES:  # all was moved, and users.db was not told
            patched.setattr(Life, "restore", cut_after_moving)
        with pytest.raises(KeyboardInterrupt):
            domain.restores.from_backup(tenant_id, backup, now())
    domain.close()
    pictures = []
    for _ in range(2):
        again = create_domain(settings)
        assert ids(again, tenant_id) == ({"kept"} if done else {"kept", "since"})
        assert (epoch(again, tenant_id) != before) == bool(done)
        assert again.tenants.to_read(as_caller(user), tenant_id).state == "active"
        assert (ids(again, other), epoch(again, other)) == ({"theirs"}, others_epoch)
        again.close()
        pictures.append(picture(settings, tenant_id))
    assert pictures[0] == pictures[1]
    assert list((tmp_path / "tenant_databases" / "restoring").iterdir()) == []
    if done:
        replaced = trash_of(tmp_path, tenant_id)
        assert value(replaced, "SELECT group_concat(id) FROM (SELECT id FROM tags ORDER BY id)") == "kept,since"


def cut_after_moving(life: Life, tenant: Tenant, moment: int) -> Tenant:
    life._store.put_state(tenant.uuid, "restoring", instead_of=("active",), began_at=moment)
    assert life._staging.replace(tenant.uuid, moment)
    raise KeyboardInterrupt


def trash_of(root: Path, tenant_id: str) -> Path:
    """The one file of the tenant in the trash."""
    (found,) = (root / "tenant_databases" / "trash").glob(f"*_tenant_{tenant_id}.db")
    return found


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


def test_a_damaged_file_goes_to_the_trash_as_it_is(
    domain: Domain, tenant_id: str, backup: Path, tmp_path: Path
) -> None:
    domain.close()
    damaged = b"no database " * 1_000
    tenant_file(tmp_path, tenant_id).write_bytes(damaged)
    domain.restores.from_backup(tenant_id, backup, now())
    assert trash_of(tmp_path, tenant_id).read_bytes() == damaged


def test_a_damaged_file_in_the_trash_is_refused_and_the_tenant_stays_deleted(
    domain: Domain, user: User, tenant_id: str, tmp_path: Path
) -> None:
    domain.tenants.delete(as_caller(user), tenant_id, now())
    trash_of(tmp_path, tenant_id).write_bytes(b"no database " * 1_000)
    with pytest.raises(Invalid):
        domain.restores.from_trash(tenant_id, now())
    with pytest.raises(TenantDeleted):
        domain.tenants.to_read(as_caller(user), tenant_id)


def test_an_unknown_tenant_of_a_backup_gets_its_name_from_there(
    domain: Domain, user: User, tenant_id: str, backup: Path, tmp_path: Path
) -> None:
    elsewhere = create_domain(Settings(str(tmp_path / "other" / "i"), str(tmp_path / "other" / "t")))
    heir = add_user(elsewhere)
    with pytest.raises(NotFound, match="--owner"):
        elsewhere.restores.from_backup(tenant_id, backup, now())
    elsewhere.restores.from_backup(tenant_id, backup, now(), Newcomer(heir.email))
    tenant = elsewhere.tenants.to_read(as_caller(heir), tenant_id)
    assert (tenant.name, tenant.user_id) == ("Home", heir.uuid)
    elsewhere.close()


def test_a_known_tenant_keeps_its_owner_and_name(domain: Domain, user: User, tenant_id: str, copy: Path) -> None:
    domain.restores.adopt(tenant_id, copy, now(), Newcomer(add_user(domain).email, "Mine now"))
    tenant = domain.tenants.to_read(as_caller(user), tenant_id)
    assert (tenant.name, tenant.user_id) == ("Home", user.uuid)


def whole_backup(domain: Domain, user: User, tenant_id: str, folder: Path) -> tuple[Path, list[str]]:
    """A backup of three tenants, and which."""
    others = [add_tenant(domain, user) for _ in range(2)]
    for other in others:
        domain.sync.push(other, PushRequest([change("kept")]), now())
    return domain.backups.make(folder, now()).folder, [tenant_id, *others]


@pytest.mark.parametrize("done", range(0, 9, 2))  # of the moves of three restores, three each
def test_a_restore_of_everything_that_dies_at_any_step_goes_on_when_it_is_done_again(
    domain: Domain, user: User, tenant_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    folder, tenants = whole_backup(domain, user, tenant_id, tmp_path / "backups")
    elsewhere = Settings(str(tmp_path / "other" / "i"), str(tmp_path / "other" / "t"))
    dying, replace, steps = create_domain(elsewhere), Path.replace, iter(range(100))

    def replace_or_die(source: Path, target: Path) -> Path:
        if target.suffix == ".db" and next(steps) == done:
            raise KeyboardInterrupt
        return replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_die)
        with pytest.raises(KeyboardInterrupt):
            dying.restores.everything(folder, now())
    dying.close()
    again = create_domain(elsewhere)
    before = {each: epoch(again, each) for each in tenants if not again.life.is_missing(each)}
    if len(before) < 3:
        assert again.restores.everything(folder, now()) == 3 - len(before)
    assert [ids(again, each) for each in tenants] == [{"kept"}] * 3
    assert {each: epoch(again, each) for each in before} == before, "what was there is left as it is"
    assert {again.tenants.as_operator(each).state for each in tenants} == {"active"}
    with pytest.raises(Conflict, match="users already"):
        again.restores.everything(folder, now())
    again.close()


def test_tenants_may_be_restored_one_by_one_before_everything_goes_on(
    domain: Domain, user: User, tenant_id: str, tmp_path: Path
) -> None:
    folder, tenants = whole_backup(domain, user, tenant_id, tmp_path / "backups")
    domain.close()
    shutil.rmtree(tmp_path / "tenant_databases")
    (tmp_path / "tenant_databases").mkdir()
    lost = create_domain(Settings(str(tmp_path / "instance"), str(tmp_path / "tenant_databases")))
    lost.restores.from_backup(tenants[2], folder, now())
    lost.sync.push(tenants[2], PushRequest([change("since")]), now())
    assert lost.restores.everything(folder, now()) == 2
    assert [ids(lost, each) for each in tenants] == [{"kept"}, {"kept"}, {"kept", "since"}]
    lost.close()


def test_a_whole_backup_that_a_tenant_joined_while_it_was_made_can_be_restored(
    domain: Domain, user: User, tenant_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """users.db is copied at one moment and the tenants at others."""
    add_users = Archives.add_users

    def add_users_and_somebody_creates(self: Archives, archive: Path) -> Fingerprint:
        copied = add_users(self, archive)
        add_tenant(domain, user)
        return copied

    with monkeypatch.context() as patched:
        patched.setattr(Archives, "add_users", add_users_and_somebody_creates)
        folder = domain.backups.make(tmp_path / "backups", now()).folder
    elsewhere = create_domain(Settings(str(tmp_path / "other" / "i"), str(tmp_path / "other" / "t")))
    try:
        elsewhere.restores.everything(folder, now())
        assert ids(elsewhere, tenant_id) == {"kept"}
    finally:
        elsewhere.close()
