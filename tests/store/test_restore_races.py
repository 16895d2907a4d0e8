"""Readers that are slow at the very moment in which a restore replaces the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

import pytest

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.sync import Page, PullRequest, PushRequest
from finwise.errors import Busy, FinWiseError, Quarantined
from finwise.store.connection import Connection
from finwise.store.pool import Loan
from finwise.store.trash import Trash
from tests.household import change
from tests.store.accounts import add_tenant, add_user

PATIENCE = 30  # seconds


class Reader(Thread):
    """Pulls the whole book, and keeps what it got."""

    def __init__(self, domain: Domain, tenant_id: str) -> None:
        super().__init__(name="reader", daemon=True)
        self._domain, self._tenant_id = domain, tenant_id
        self.page: Page | None = None
        self.error: FinWiseError | None = None

    def run(self) -> None:
        try:
            self.page = self._domain.sync.pull(self._tenant_id, PullRequest(limit=10_000))
        except FinWiseError as error:
            self.error = error


@pytest.fixture
def server(settings: Settings) -> Iterator[Domain]:
    """Another process's view of the files: nothing of it waits in the pool that the restore empties."""
    joined = create_domain(settings)
    yield joined
    joined.close()


@pytest.fixture
def tenant_id(domain: Domain) -> str:
    made = add_tenant(domain, add_user(domain))
    domain.sync.push(made, PushRequest([change(f"kept-{number}") for number in range(300)]), now())
    return made


@pytest.fixture
def backup(domain: Domain, tenant_id: str, tmp_path: Path) -> Path:
    return domain.backups.make(tmp_path / "backups", now(), tenant_id).folder


def state(domain: Domain, tenant_id: str) -> str:
    return domain.tenants.as_operator(tenant_id).state


def test_a_reader_that_reports_a_missing_file_late_does_not_quarantine_the_restored_one(
    domain: Domain, server: Domain, tenant_id: str, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed, restored, reader = Event(), Event(), Reader(server, tenant_id)
    put, enter = Trash.put, Loan.__enter__

    def put_and_let_somebody_read(self: Trash, *arguments: Any) -> bool:
        moved = put(self, *arguments)
        reader.start()
        assert missed.wait(PATIENCE)
        return moved

    def enter_or_miss_late(self: Loan) -> Connection:
        try:
            return enter(self)
        except Quarantined:
            missed.set()
            restored.wait(PATIENCE)
            raise

    monkeypatch.setattr(Loan, "__enter__", enter_or_miss_late)
    monkeypatch.setattr(Trash, "put", put_and_let_somebody_read)
    domain.restores.from_backup(tenant_id, backup, now())
    restored.set()
    reader.join(PATIENCE)
    assert isinstance(reader.error, Busy)
    assert state(domain, tenant_id) == "active"


def test_a_reader_that_opened_the_replaced_file_does_not_read_the_log_of_the_new_one(
    domain: Domain, server: Domain, tenant_id: str, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain.sync.push(tenant_id, PushRequest([change(f"later-{number}") for number in range(3_000)]), now())
    domain.close()
    opened, go = Event(), Event()
    connect, reader = sqlite3.connect, Reader(server, tenant_id)

    def connect_slowly(database: str, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(database, **options)
        if current_thread() is reader and "tenant_" in database:
            opened.set()
            go.wait(PATIENCE)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_slowly)
    reader.start()
    assert opened.wait(PATIENCE)
    domain.restores.from_backup(tenant_id, backup, now())
    domain.sync.push(tenant_id, PushRequest([change("newest")]), now())
    go.set()
    reader.join(PATIENCE)
    assert reader.page
    assert {version.id for version in reader.page.entities} == {f"kept-{number}" for number in range(300)} | {"newest"}
    assert state(domain, tenant_id) == "active"
