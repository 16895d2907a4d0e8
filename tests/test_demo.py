"""`finwise serve --demo`: a server with a book to look at, from one command."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from finwise import create_app, demo, now
from finwise.config import Settings
from finwise.domain import Domain
from finwise.entities import checks
from finwise.errors import Conflict
from finwise.store import migrations
from finwise.store.connection import connect
from harness.server import Server
from tests.conftest import Clock
from tests.household import Household
from tests.store.files import old_file


def test_the_demo_book_is_valid() -> None:
    book = demo.book(date(2026, 1, 10))
    check = checks()
    for entity_type, entities in book.items():
        assert entities
        for entity in entities:
            assert check[entity_type](entity) is None
    assert len(book["transactions"]) > 500
    assert book == demo.book(date(2026, 1, 10))


def admitted(server: Server) -> dict[str, str]:
    answer: dict[str, str] = httpx.post(f"{server.url}/app/demo").raise_for_status().json()
    return answer


def load(server: Server, admission: dict[str, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {admission['token']}"}
    loaded: dict[str, Any] = httpx.get(f"{server.url}/sync/initial/{admission['tenant_id']}", headers=headers).json()
    return loaded


def test_the_demo_can_be_started_again_and_keeps_what_was_changed(tmp_path: Path) -> None:
    with Server(tmp_path, "--demo") as server:
        admission = admitted(server)
        first = load(server, admission)
        assert len(first["changes"]) > 500
        server.stop()

        server.start()
        assert admitted(server)["tenant_id"] == admission["tenant_id"]
        assert load(server, admission)["next_since"] == first["next_since"]
        server.stop()
        log = server.log.read_text("utf-8")
    assert f"Demo book: {server.url}/app/#demo" in log
    assert "fw_" not in log, "a reader of the log gets no token"
    assert "password " not in log


def test_a_deleted_demo_book_is_made_anew(app: Flask, clock: Clock) -> None:
    domain: Domain = app.extensions["finwise"]
    first = demo.create(domain, clock())
    domain.users.delete(domain.administration.find_user(domain.users.uuid_of(demo.EMAIL)), clock())
    second = demo.create(domain, clock())
    assert second != first
    with domain.sync.living(second) as types:
        assert sum(1 for _, entities in types for _ in entities) > 500


def test_workers_that_start_at_the_same_moment_make_one_demo_book(settings: Settings) -> None:
    wanted = replace(settings, demo=1)
    with ThreadPoolExecutor(4) as workers:
        apps = list(workers.map(lambda _: create_app(wanted), range(4)))
    tenants = {app.test_client().post("/app/demo").get_json()["tenant_id"] for app in apps}
    assert len(tenants) == 1
    domain: Domain = apps[0].extensions["finwise"]
    assert len(domain.administration.list_tenants("", 10)) == 1
    for app in apps:
        app.extensions["finwise"].close()


def test_a_wsgi_server_makes_the_demo_book_too(settings: Settings) -> None:
    folders = {"FINWISE_INSTANCE": settings.instance, "FINWISE_TENANT_DATABASES": settings.tenant_databases}
    asks = "from wsgi import app; print(app.test_client().post('/app/demo').status)"
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", asks],
        cwd=root,
        env=os.environ | folders | {"FINWISE_DEMO": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "201 CREATED\n", done.stderr


# ---- the demo user ----


def is_admin(who: Household) -> bool:
    said: bool = who.get("/users").get_json()[0]["is_admin"]
    return said


def test_the_demo_user_is_never_an_administrator_and_the_first_real_person_is(app: Flask, clock: Clock) -> None:
    domain: Domain = app.extensions["finwise"]
    demo.create(domain, clock())
    user = domain.administration.find_user(domain.users.uuid_of(demo.EMAIL))
    assert not user.is_admin
    client = app.test_client()
    ada, bob = Household(client), Household(client)
    assert (is_admin(ada), is_admin(bob)) == (True, False)
    with pytest.raises(Conflict, match="demo user"):
        domain.administration.change_user(user, now(), is_admin=True)
    assert ada.request("PATCH", f"/admin/users/{user.uuid}", json={"is_admin": True}).status_code == 409
    assert ada.request("PATCH", f"/admin/users/{bob.user_id}", json={"is_admin": True}).status_code == 200


def test_nobody_becomes_the_demo_user_as_an_administrator(app: Flask, clock: Clock) -> None:
    ada = Household(app.test_client())
    assert ada.request("PATCH", f"/users/{ada.user_id}", json={"email": demo.EMAIL}).status_code == 409
    assert is_admin(ada)


def test_with_invitations_the_first_person_needs_none_although_the_demo_user_is_there(
    settings: Settings, clock: Clock
) -> None:
    app = create_app(replace(settings, demo=1, sign_up="invitation"), clock)
    assert is_admin(Household(app.test_client()))
    app.extensions["finwise"].close()


def test_the_one_person_of_a_machine_is_not_the_demo_user(settings: Settings, clock: Clock) -> None:
    app = create_app(replace(settings, demo=1, login="none"), clock)
    answer = app.test_client().post("/auth/tokens", json={"device_name": "laptop"})
    user = answer.get_json()["user"]
    assert (user["email"], user["is_admin"]) == ("me@localhost", True)
    app.extensions["finwise"].close()


def test_the_last_person_may_leave_although_the_demo_user_stays(app: Flask, clock: Clock) -> None:
    demo.create(app.extensions["finwise"], clock())
    ada = Household(app.test_client())
    assert ada.request("DELETE", f"/users/{ada.user_id}").status_code == 204
    assert is_admin(Household(app.test_client()))


def test_an_older_demos_administrator_is_replaced_by_the_first_person(tmp_path: Path) -> None:
    old_file(tmp_path / "users.db", "users")
    with closing(connect(tmp_path / "users.db")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM users")
        people = [(demo.EMAIL, 1), ("ada@example.org", 0), ("bob@example.org", 0)]
        for place, (email, admin) in enumerate(people):
            connection.execute(
                "INSERT INTO users (uuid, name, email, email_key, created_at, is_admin) VALUES (?, '', ?, ?, ?, ?)",
                (str(place), email, email, str(place), admin),
            )
        migrations.migrate(connection, "users")
        found = connection.execute("SELECT email FROM users WHERE is_admin").fetchall()
    assert found == [("ada@example.org",)]
