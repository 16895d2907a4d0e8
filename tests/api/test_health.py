"""Whether the server is there, and whether it could serve."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from finwise.config import Settings
from finwise.errors import StorageFull
from finwise.store.folder import Folder
from finwise.store.users_database import UsersDatabase
from harness.problems import assert_problem


def test_a_server_whose_files_can_be_used_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_a_server_without_its_users_db_is_alive_but_not_ready(client: FlaskClient, settings: Settings) -> None:
    for file in Path(settings.instance).glob("users.db*"):
        file.rename(file.with_name(f"aside-{file.name}"))
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert "users.db" in assert_problem(answer, 503, "busy")["detail"]
    assert answer.headers["Retry-After"]


def test_a_server_whose_users_db_cannot_be_opened_for_a_full_disk_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def full(users_database: UsersDatabase) -> Iterator[None]:
        raise StorageFull("The disk is full.", retry_after=60)
        yield

    monkeypatch.setattr(UsersDatabase, "read", full)
    assert "users.db" in assert_problem(client.get("/readyz"), 507, "storage_full")["detail"]


def test_a_server_that_cannot_make_tenants_files_is_not_ready(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folder, "is_writable", lambda self: False)
    assert "folder" in assert_problem(client.get("/readyz"), 503, "busy")["detail"]
