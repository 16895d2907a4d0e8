"""A tenant is restored from a backup, the trash or a file; the other tenants are not touched."""

from pathlib import Path

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.restores import Newcomer
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.user import User
from finwise.errors import FinWiseError, NotFound
from harness.callers import as_caller
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import on_posix, tenant_file
from tests.store.restores.books import epoch, ids, trash_of


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


def test_a_tenant_deleted_before_anybody_opened_its_book_comes_back(domain: Domain, user: User) -> None:
    made = add_tenant(domain, user)
    domain.tenants.delete(as_caller(user), made, now())
    domain.restores.from_trash(made, now())
    assert ids(domain, made) == set()


def test_a_deleted_tenant_comes_back_out_of_the_trash_again_and_again(
    domain: Domain, user: User, tenant_id: str
) -> None:
    epochs = {epoch(domain, tenant_id)}
    for _ in range(2):
        domain.tenants.delete(as_caller(user), tenant_id, now())
        domain.restores.from_trash(tenant_id, now())
        assert domain.tenants.to_read(as_caller(user), tenant_id).state == "active"
        assert ids(domain, tenant_id) == {"kept"}
        epochs.add(epoch(domain, tenant_id))
    assert len(epochs) == 3


def test_a_damaged_tenant_is_restored_and_its_file_goes_to_the_trash_as_it_is(
    domain: Domain, user: User, tenant_id: str, backup: Path, tmp_path: Path
) -> None:
    domain.close()
    damaged = b"no database " * 1_000
    tenant_file(tmp_path, tenant_id).write_bytes(damaged)
    with pytest.raises(FinWiseError):
        domain.sync.pull(tenant_id, PullRequest())
    domain.restores.from_backup(tenant_id, backup, now())
    assert domain.tenants.to_read(as_caller(user), tenant_id).state == "active"
    assert ids(domain, tenant_id) == {"kept"}
    assert trash_of(tmp_path, tenant_id).read_bytes() == damaged


def test_the_other_tenants_are_not_touched(domain: Domain, user: User, tenant_id: str, tmp_path: Path) -> None:
    other = add_tenant(domain, user)
    domain.sync.push(other, PushRequest([change("theirs")]), now())
    backup = domain.backups.make(tmp_path / "backups", now()).folder
    domain.close()
    before = tenant_file(tmp_path, other).read_bytes()
    domain.restores.from_backup(tenant_id, backup, now())
    domain.close()
    assert tenant_file(tmp_path, other).read_bytes() == before


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


@pytest.mark.skipif(not on_posix, reason="Windows has no such permissions")
def test_what_is_restored_is_closed_to_others(domain: Domain, tenant_id: str, backup: Path, tmp_path: Path) -> None:
    domain.restores.from_backup(tenant_id, backup, now())
    assert (tmp_path / "tenant_databases" / "restoring").stat().st_mode & 0o077 == 0
    assert backup.stat().st_mode & 0o077 == 0


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
