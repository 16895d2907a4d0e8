"""Copies of books for their owners: of one moment while others write, a single file, and gone when they were sent."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.sync import PullRequest, PushRequest
from finwise.errors import Invalid, Quarantined, TenantDeleted
from finwise.store import copies as module
from finwise.store.copies import copy, fingerprint
from harness.callers import as_caller
from tests.household import change
from tests.store.accounts import add_tenant, add_user
from tests.store.files import names, outside, tenant_file, value
from tests.store.processes import Peer

PUSH = 7  # changes in each push of the writer
COPIES = 8


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    made = add_tenant(domain, add_user(domain))
    domain.sync.push(made, PushRequest([change("first")]), now())
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tenant_databases" / "copies"


def take(domain: Domain, tenant_id: str, target: Path) -> Path:
    with domain.copies.of(tenant_id) as pieces:
        target.write_bytes(b"".join(pieces))
    return target


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_copies_taken_while_another_process_writes_have_its_pushes_whole_and_all_that_were_acknowledged(
    settings: Settings, domain: Domain, tenant_id: str, folder: Path, tmp_path: Path
) -> None:
    with Peer(push_on_and_on, settings, tenant_id) as writer:
        assert writer.hear() == "started"
        for number in range(COPIES):
            writer.say("how many?")
            acknowledged = writer.hear()
            taken = take(domain, tenant_id, tmp_path / f"{number}.db")
            pushed = value(taken, "SELECT count(*) FROM sync_entities") - 1
            assert pushed % PUSH == 0, "a part of a push"
            assert pushed >= acknowledged * PUSH
            assert value(taken, "SELECT max(stamp) = (SELECT last_stamp FROM sync_book) FROM sync_entities") == 1
            assert value(taken, "PRAGMA integrity_check") == "ok"
    assert left(folder) == []


def push_on_and_on(pipe: Connection, settings: Settings, tenant_id: str) -> None:
    """Pushes all the time; says how many pushes were acknowledged when it is asked."""
    domain = create_domain(settings)
    pipe.send("started")
    acknowledged = 0
    while True:
        domain.sync.push(tenant_id, PushRequest([change() for _ in range(PUSH)]), now())
        acknowledged += 1
        if pipe.poll():
            pipe.recv()
            pipe.send(acknowledged)


def test_a_copy_needs_no_file_beside_it_and_has_the_views(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    taken = take(domain, tenant_id, tmp_path / "taken.db")
    assert Path(f"{tenant_file(tmp_path, tenant_id)}-wal").stat().st_size, "the book itself has a log"
    assert value(taken, "SELECT name FROM tags") == "holiday"
    assert value(taken, "PRAGMA journal_mode") == "delete"
    assert names(taken) == ["taken.db"]


def test_writing_goes_on_while_a_copy_is_sent(domain: Domain, tenant_id: str) -> None:
    with domain.copies.of(tenant_id):
        domain.sync.push(tenant_id, PushRequest([change("later")]), now())
    assert len(domain.sync.pull(tenant_id, PullRequest()).entities) == 2


def test_taking_a_copy_changes_nothing_in_the_book(domain: Domain, tenant_id: str, tmp_path: Path) -> None:
    domain.close()
    path = tenant_file(tmp_path, tenant_id)
    before = path.read_bytes()
    take(domain, tenant_id, tmp_path / "taken.db")
    domain.close()
    assert path.read_bytes() == before


def test_a_reader_that_stops_in_the_middle_leaves_nothing(
    domain: Domain, tenant_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE", 4096)
    with suppress(ConnectionResetError), domain.copies.of(tenant_id) as pieces:
        assert len(next(pieces)) == len(next(pieces)) == 4096
        assert len(left(folder)) == 1
        raise ConnectionResetError
    assert left(folder) == []


def test_a_copy_that_fails_half_way_leaves_nothing(
    domain: Domain, tenant_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(source: sqlite3.Connection, target: Path) -> None:
        copy(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "copy", break_off)
    with pytest.raises(KeyboardInterrupt), domain.copies.of(tenant_id):
        pass
    assert left(folder) == []


def test_two_copies_at_once_do_not_meet(domain: Domain, tenant_id: str, folder: Path) -> None:
    with domain.copies.of(tenant_id) as one, domain.copies.of(tenant_id) as other:
        assert len(left(folder)) == 2
        assert b"".join(one) == b"".join(other)
    assert left(folder) == []


def test_no_copy_is_made_of_what_is_deleted_or_damaged(domain: Domain, tmp_path: Path, folder: Path) -> None:
    user = add_user(domain)
    gone, damaged = add_tenant(domain, user), add_tenant(domain, user)
    domain.tenants.delete(as_caller(user), gone, now())
    domain.close()
    tenant_file(tmp_path, damaged).write_bytes(b"no database " * 1_000)
    for tenant_id, refusal in ((gone, TenantDeleted), (damaged, Quarantined)):
        with pytest.raises(refusal), domain.copies.of(tenant_id):
            pass
    assert left(folder) == []


def test_only_copies_of_before_the_moment_are_leftovers(domain: Domain, tenant_id: str, folder: Path) -> None:
    moment = now()
    with domain.copies.of(tenant_id) as pieces:
        for name, age in (("dead.db", 10), ("living.db", -10)):
            (folder / name).touch()
            os.utime(folder / name, ns=((moment - age * 1_000_000) * 1_000,) * 2)
        (folder / "dead.db-journal").touch()
        domain.copies.remove_leftovers(moment)
        assert "dead.db" not in left(folder)
        assert "dead.db-journal" not in left(folder)
        assert "living.db" in left(folder)
        assert b"".join(pieces).startswith(b"SQLite format 3"), "the one that is being sent"


def test_a_copy_has_what_its_source_sees_and_not_what_came_after(
    domain: Domain, tenant_id: str, tmp_path: Path
) -> None:
    with outside(tenant_file(tmp_path, tenant_id)) as source, snapshot_of(source):
        domain.sync.push(tenant_id, PushRequest([change("later")]), now())
        copy(source, tmp_path / "taken.db")
    assert value(tmp_path / "taken.db", "SELECT group_concat(id) FROM tags") == "first"


@contextmanager
def snapshot_of(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM sync_book").fetchall()
    yield
    connection.execute("ROLLBACK")


def test_a_fingerprint_is_of_all_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PIECE", 10)
    (tmp_path / "file").write_bytes(content := b"0123456789" * 3 + b"x")
    assert fingerprint(tmp_path / "file") == (31, sha256(content).hexdigest())
    with pytest.raises(Invalid, match="nothing"):
        fingerprint(tmp_path / "nothing")
