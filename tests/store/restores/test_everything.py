"""Restoring a complete backup: once, after an interruption, and beside single restores."""

import shutil
from pathlib import Path

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.copies import Fingerprint
from finwise.domain.sync import PushRequest
from finwise.domain.user import User
from finwise.errors import Conflict
from finwise.store.backups import Archives
from harness.callers import as_caller
from tests.household import change
from tests.store.accounts import add_tenant
from tests.store.restores.books import epoch, ids


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
