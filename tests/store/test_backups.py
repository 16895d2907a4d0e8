"""Backups and copies: of one moment, whole, while everybody goes on."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from finwise import __version__, create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.copies import Fingerprint
from finwise.domain.sync import PullRequest, PushRequest
from finwise.domain.user import User
from finwise.errors import Invalid, NotFound, ReadOnly
from finwise.store.backups import Archives
from harness.callers import as_caller
from tests.household import change, new_id
from tests.store.accounts import add_tenant, add_user
from tests.store.files import names, outside, tenant_file, value
from tests.store.processes import Peer


@pytest.fixture
def user(domain: Domain) -> User:
    return add_user(domain)


@pytest.fixture
def tenant_id(domain: Domain, user: User) -> str:
    made = add_tenant(domain, user)
    domain.sync.push(
        made, PushRequest([change("t1"), change("t2"), change("t3", deleted_at="2026-01-09T19:01:00Z")]), now()
    )
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "of backups"


def test_the_manifest_says_what_is_in_a_backup(domain: Domain, user: User, tenant_id: str, folder: Path) -> None:
    page = domain.sync.pull(tenant_id, PullRequest())
    made = domain.backups.make(folder, now())
    said = json.loads((made.folder / "manifest.json").read_text())
    (entry,) = said["tenants"]
    assert (said["format"], said["finwise"], said["problems"]) == (1, __version__, [])
    assert (entry["uuid"], entry["name"], entry["user_id"]) == (tenant_id, "Home", user.uuid)
    assert (entry["epoch"], entry["last_stamp"], entry["entities"]) == (page.epoch, page.next_stamp, 2)
    assert entry["bytes"] == (made.folder / entry["file"]).stat().st_size
    assert set(entry["digest"]) == {"tags"}
    assert sorted(path.name for path in made.folder.iterdir()) == ["manifest.json", entry["file"], "users.db"]
    assert domain.backups.problems(made.folder) == []


def test_users_db_in_a_backup_has_the_users(domain: Domain, user: User, tenant_id: str, folder: Path) -> None:
    users = domain.backups.make(folder, now()).folder / "users.db"
    assert value(users, "SELECT email FROM users") == user.email
    assert value(users, "PRAGMA integrity_check") == "ok"


def test_a_copy_can_be_read_where_nothing_can_be_written(domain: Domain, tenant_id: str, folder: Path) -> None:
    made = domain.backups.make(folder, now()).folder
    file = made / f"tenant_{tenant_id}.db"
    assert value(file, "PRAGMA journal_mode") == "delete"
    assert names(file) == [file.name]


def test_a_backup_of_one_tenant_has_no_other_and_no_users(
    domain: Domain, user: User, tenant_id: str, folder: Path
) -> None:
    add_tenant(domain, user)
    made = domain.backups.make(folder, now(), tenant_id).folder
    assert sorted(path.name for path in made.iterdir()) == ["manifest.json", f"tenant_{tenant_id}.db"]
    with pytest.raises(NotFound):
        domain.backups.make(folder, now(), new_id())


def test_a_damaged_tenant_keeps_the_others_not_out_and_is_named(
    domain: Domain, user: User, tenant_id: str, folder: Path, tmp_path: Path
) -> None:
    damaged = add_tenant(domain, user)
    domain.sync.push(damaged, PushRequest([change()]), now())
    domain.close()
    with closing(sqlite3.connect(tenant_file(tmp_path, damaged))) as connection:
        connection.execute("UPDATE sync_entities SET entity = replace(entity, 'holiday', 'forged')")
        connection.commit()
    made = domain.backups.make(folder, now())
    assert [entry.uuid for entry in made.manifest.tenants] == [tenant_id]
    (problem,) = made.manifest.problems
    assert damaged in problem
    assert not (made.folder / f"tenant_{damaged}.db").exists()
    assert domain.backups.problems(made.folder) == [problem]


def test_a_tenant_that_was_never_used_and_one_that_was_deleted_are_no_trouble(
    domain: Domain, user: User, tenant_id: str, folder: Path
) -> None:
    empty, gone = add_tenant(domain, user), add_tenant(domain, user)
    domain.tenants.delete(as_caller(user), gone, now())
    made = domain.backups.make(folder, now())
    assert {entry.uuid for entry in made.manifest.tenants} == {tenant_id, empty}
    assert made.manifest.problems == []


def test_a_tenant_that_is_deleted_meanwhile_is_left_out(
    domain: Domain, user: User, tenant_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tenant_ = Archives.add_tenant

    def delete_first(self: Archives, archive: Path, uuid: str, *arguments: Any) -> object:
        domain.tenants.delete(as_caller(user), uuid, now())
        return add_tenant_(self, archive, uuid, *arguments)

    monkeypatch.setattr(Archives, "add_tenant", delete_first)
    made = domain.backups.make(folder, now())
    assert (made.manifest.tenants, made.manifest.problems) == ([], [])


def test_a_tenant_that_users_db_knows_has_its_file_in_the_backup_however_late_it_was_created(
    domain: Domain, user: User, tenant_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_users = Archives.add_users

    def create_first(self: Archives, archive: Path) -> Fingerprint:
        add_tenant(domain, user)
        return add_users(self, archive)

    monkeypatch.setattr(Archives, "add_users", create_first)
    made = domain.backups.make(folder, now())
    with closing(sqlite3.connect(made.folder / "users.db")) as connection:
        known = {uuid for (uuid,) in connection.execute("SELECT uuid FROM tenants")}
    assert {entry.uuid for entry in made.manifest.tenants} == known
    assert len(known) == 2


def test_a_tenant_that_is_being_restored_is_named(
    settings: Settings, domain: Domain, tenant_id: str, folder: Path
) -> None:
    with outside(settings.users_db) as connection:
        connection.execute("UPDATE tenants SET state = 'restoring'")
    made = domain.backups.make(folder, now())
    (problem,) = made.manifest.problems
    assert tenant_id in problem
    assert made.manifest.tenants == []


def test_a_full_disk_of_backups_is_not_taken_for_a_tenant_at_its_quota(
    domain: Domain, tenant_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(source: sqlite3.Connection, target: Path) -> None:
        with closing(sqlite3.connect(target)) as made:  # SQLite says the same of a disk and of such a file
            made.execute("PRAGMA max_page_count = 1")
            made.execute("CREATE TABLE too_much AS SELECT zeroblob(100000)")

    monkeypatch.setattr("finwise.store.backups.copy", no_room)
    made = domain.backups.make(folder, now(), tenant_id)
    (problem,) = made.manifest.problems
    assert "disk is full" in problem


@pytest.mark.parametrize("name", ["users.db", "tenant"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_file_that_has_changed_since_or_is_gone_is_named(
    domain: Domain, tenant_id: str, folder: Path, name: str, gone: bool
) -> None:
    made = domain.backups.make(folder, now()).folder
    file = made / (name if name == "users.db" else f"tenant_{tenant_id}.db")
    if gone:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    (problem,) = domain.backups.problems(made)
    assert file.name in problem


@pytest.mark.parametrize("manifest", [None, b"", b"[]", b"{}", b'{"format": 2}', b'{"format": 1, "tenants": 7}'])
def test_what_is_no_backup_is_refused(domain: Domain, tmp_path: Path, manifest: bytes | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_bytes(manifest)
    with pytest.raises(Invalid):
        domain.backups.problems(tmp_path)


def test_a_backup_that_was_cut_off_does_not_look_complete(
    domain: Domain, tenant_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Archives, "finish", dies)
    with pytest.raises(KeyboardInterrupt):
        domain.backups.make(folder, now())
    (left,) = folder.iterdir()
    assert left.name.endswith(".partial")
    with pytest.raises(Invalid):
        domain.backups.problems(left)


def left_behind(folder: Path, name: str, hours: float) -> Path:
    """A backup that was not completed, last written to so many hours ago."""
    left = folder / name
    left.mkdir(parents=True)
    for each in (left / "users.db", left):
        each.touch()
        os.utime(each, (time.time() - hours * 3_600,) * 2)
    return left


def test_what_backups_that_died_left_is_removed_by_the_next_one_and_told(
    domain: Domain, tenant_id: str, folder: Path
) -> None:
    old = left_behind(folder, "finwise-20260101T000000.000000Z.partial", 25)
    young = left_behind(folder, "finwise-20260102T000000.000000Z.partial", 23)
    slow = left_behind(folder, "finwise-20260103T000000.000000Z.partial", 48)
    (slow / f"tenant_{tenant_id}.db").touch()  # a copy that is still growing
    complete = left_behind(folder, "finwise-20260104T000000.000000Z", 48)
    others = left_behind(folder, "download.partial", 48)
    made = domain.backups.make(folder, now())
    assert made.leftovers == ([old.name], [young.name, slow.name])
    assert sorted(folder.iterdir()) == sorted([young, slow, complete, others, made.folder])


def test_a_folder_that_cannot_be_written_is_named(domain: Domain, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReadOnly, match="file"):
        domain.backups.make(tmp_path / "file", now())


def test_a_backup_under_load_holds_all_that_was_acknowledged_before_and_is_whole(
    settings: Settings, domain: Domain, tenant_id: str, folder: Path
) -> None:
    with Peer(push_until_told, settings, tenant_id, "a") as one, Peer(push_until_told, settings, tenant_id, "b") as two:
        for _ in range(4):
            for writer in (one, two):
                assert writer.hear() > 0
            one.say("how many?")
            two.say("how many?")
            acknowledged = {"a": one.hear(), "b": two.hear()}
            made = domain.backups.make(folder, now())
            file = made.folder / f"tenant_{tenant_id}.db"
            assert made.manifest.problems == []
            for name, number in acknowledged.items():
                query = f"SELECT count(*) FROM tags WHERE id LIKE '{name}-%'"
                assert value(file, query) >= number


def push_until_told(pipe: Connection, settings: Settings, tenant_id: str, name: str) -> None:
    """Pushes all the time; says now and then that it lives, and when asked how many were acknowledged."""
    domain = create_domain(settings)
    acknowledged = 0
    while True:
        pipe.send(1)
        while not pipe.poll():
            domain.sync.push(tenant_id, PushRequest([change(f"{name}-{acknowledged}")]), now())
            acknowledged += 1
        pipe.recv()
        pipe.send(acknowledged)


def test_a_copy_is_of_one_moment_and_gone_when_it_was_taken(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    with domain.copies.of(tenant_id) as pieces:
        domain.sync.push(tenant_id, PushRequest([change("later")]), now())
        (tmp_path / "taken.db").write_bytes(b"".join(pieces))
    assert value(tmp_path / "taken.db", "SELECT group_concat(id) FROM tags") == "t1,t2"
    assert list((tmp_path / "tenant_databases" / "copies").iterdir()) == []


def test_a_copy_is_removed_when_its_reader_stops_half_way(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    with broken_off(), domain.copies.of(tenant_id) as pieces:
        next(pieces)
        raise BrokenPipeError
    assert list((tmp_path / "tenant_databases" / "copies").iterdir()) == []


@contextmanager
def broken_off() -> Iterator[None]:
    with pytest.raises(BrokenPipeError):
        yield


def test_copies_that_a_dead_process_left_are_removed_by_maintenance(
    domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    left = tmp_path / "tenant_databases" / "copies" / "left.db"
    left.parent.mkdir()
    left.touch()
    domain.maintenance.run(now() + 2 * 86_400_000_000)
    assert not left.exists()
