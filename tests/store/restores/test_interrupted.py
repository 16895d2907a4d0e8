"""Restores that die, or meet others: each is finished later, or has never begun."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.life import Life
from finwise.domain.sync import PushRequest
from finwise.domain.tenant import Tenant
from finwise.domain.user import User
from finwise.errors import Busy, FinWiseError
from finwise.store.databases import Databases
from finwise.store.folder import Folder
from finwise.store.restores import Staging
from finwise.store.trash import Trash
from harness.callers import as_caller
from tests.household import change
from tests.store.accounts import add_tenant
from tests.store.files import value
from tests.store.restores.books import epoch, ids, picture, trash_of


def test_there_is_one_restore_at_a_time(domain: Domain, tenant_id: str, copy: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "tenant_databases", tmp_path / "instance" / "locks")
    with folder.alone("restore"), pytest.raises(Busy):
        domain.restores.adopt(tenant_id, copy, now())
    assert ids(domain, tenant_id) == {"kept", "since"}


def dies(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_restore_that_dies_before_it_marks_the_present_file_is_finished(
    settings: Settings, domain: Domain, tenant_id: str, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Databases, "retire", dies)
        with pytest.raises(KeyboardInterrupt):
            domain.restores.from_backup(tenant_id, backup, now())
    domain.close()
    again = create_domain(settings)
    assert ids(again, tenant_id) == {"kept"}
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
        pictures.append(picture(settings))
    assert pictures[0] == pictures[1]
    assert list((tmp_path / "tenant_databases" / "restoring").iterdir()) == []
    if done:
        replaced = trash_of(tmp_path, tenant_id)
        assert value(replaced, "SELECT group_concat(id) FROM (SELECT id FROM tags ORDER BY id)") == "kept,since"


def cut_after_moving(life: Life, tenant: Tenant, moment: int) -> Tenant:
    life._store.put_state(tenant.uuid, "restoring", instead_of=("active",), began_at=moment)
    assert life._staging.replace(tenant.uuid, moment)
    raise KeyboardInterrupt
